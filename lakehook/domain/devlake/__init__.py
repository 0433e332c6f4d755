"""DevLake's own notifications: parsed, verified, and written as DevLake writes them.

https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline_notification_impl.go
"""
