"""What ships with each function."""
