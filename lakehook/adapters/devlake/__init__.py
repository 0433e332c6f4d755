"""DevLake's REST API: pipelines, their tasks and their blueprints."""
