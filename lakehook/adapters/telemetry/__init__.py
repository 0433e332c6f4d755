"""Log lines and metrics of the functions."""
