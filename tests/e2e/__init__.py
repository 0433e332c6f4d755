"""From the event to the subscriber. A package, for its one installation goes when it is left."""
