"""AWS's door: one thin handler per function."""
