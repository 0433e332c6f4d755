"""The roles that the use cases need; adapters play them, and fakes in the tests.

Any of them may raise ``InfrastructureError``.
"""
