"""`python -m benchmarks [NAME ...]`: runs benchmarks, prints them, and keeps what was measured."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping

import torch

from benchmarks import ledger, passes, training_step
from benchmarks.contest import Contest, described, held
from benchmarks.machine import this_machine

BENCHMARKS: Mapping[str, Callable[[torch.device], Iterable[Contest]]] = {
    "training-step": training_step.contests,
    "passes": passes.contests,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all if absent; of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each way takes (default 5)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown or arguments.rounds < 1:
        parser.error(
            f"no benchmark {unknown.pop()}; there are {', '.join(BENCHMARKS)}" if unknown else "--rounds 1 or more"
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    machine = this_machine(device)
    print(f"{machine.name}, {machine.threads} threads, torch {machine.torch}")
    for name in arguments.names or BENCHMARKS:
        outcomes = []
        for contest in BENCHMARKS[name](device):
            outcomes.append(held(contest, arguments.rounds, device))
            print(described(outcomes[-1]), flush=True)
        ledger.keep(machine, name, outcomes)


if __name__ == "__main__":
    main()
