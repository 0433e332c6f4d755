"""The operator's door: the lakehook command."""
