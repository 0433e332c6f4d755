"""Adapters: the implementations of the ports on AWS, HTTP, SQLite and Liquid."""
