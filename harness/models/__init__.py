"""The networks, seen from pixel space, and their weights on disk. `architecture` and `cost` need no torch."""
