"""HTTP requests with one deadline, to addresses that were checked."""
