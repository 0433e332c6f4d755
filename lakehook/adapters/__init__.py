"""Technologies: how the ports are kept."""
