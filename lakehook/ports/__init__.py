"""Ports: the interfaces that the use cases need; adapters implement them, and fakes in the tests.

Any of them may raise ``InfrastructureError``.
"""
