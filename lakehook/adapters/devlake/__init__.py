"""DevLake's REST API: which blueprint a pipeline belongs to, and what pipelines did."""
