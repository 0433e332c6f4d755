"""``python -m lakehook.cli`` is the ``lakehook`` command."""

from lakehook.cli import main

if __name__ == "__main__":
    main()
