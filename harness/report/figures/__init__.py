"""The report's figures: each is drawn from one tidy frame, which is also its CSV, and from nothing else."""
