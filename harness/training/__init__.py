"""Training: one spec, one seed, one device in; weights on disk and their curve out."""
