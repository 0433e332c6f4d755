"""Tests from the event to the subscriber; a package, so that its installation ends with it."""
