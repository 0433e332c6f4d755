"""The subcommands of ``lakehook``, by the resource they act on."""
