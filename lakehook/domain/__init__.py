"""Nouns and their rules, in plain Python."""
