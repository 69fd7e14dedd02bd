"""How fast the harness is, against the plain way of doing the same work on the same machine: `make bench`.

Each benchmark runs both in turns (A B A B ...), so that what else the machine does touches both, and says the ratio.
"""
