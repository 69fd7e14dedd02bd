"""Suites: which there are, the jobs they consist of, and the runner that does them."""
