"""How fast the harness is, against the plain way of doing the same work on the same machine: `make bench`.

Each contest first checks that both ways compute the same thing, then runs them in turns (A B A B ...), so that what
else the machine does touches both, and says the ratio. What was measured is kept in `results/`, a file per machine.
"""
