"""``python -m lakehook.cli`` is the ``lakehook`` command."""

from lakehook.cli.command import main

if __name__ == "__main__":
    main()
