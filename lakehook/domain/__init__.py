"""Domain: the entities and their rules, in plain Python without I/O."""
