"""``python -m ops`` is the ``lakehook`` command."""

from ops.command import main

if __name__ == "__main__":
    main()
