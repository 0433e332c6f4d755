"""The functions' deployment packages."""
