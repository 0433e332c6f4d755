"""The ``lakehook`` command for operators."""
