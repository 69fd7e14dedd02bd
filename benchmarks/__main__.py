"""`python -m benchmarks [NAME ...]`: runs benchmarks, prints them, and keeps what was measured."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping

import torch

from benchmarks import boundary, commands, fgsm, ledger, pairs, passes, suite_training, training_step
from benchmarks.commands import Duration, Errand, timed, told
from benchmarks.contest import Contest, Outcome, described, held
from benchmarks.machine import this_machine
from harness.suites.allocator import keep_freed_memory
from harness.torch_settings import compute_exactly

BENCHMARKS: Mapping[str, Callable[[torch.device], Iterable[Contest | Errand]]] = {
    "training-step": training_step.contests,
    "suite-training": suite_training.contests,
    "passes": passes.contests,
    "fgsm": fgsm.contests,
    "boundary": boundary.contests,
    "pairs": pairs.contests,
    "commands": commands.errands,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all if absent; of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each way takes (default 5)")
    parser.add_argument("--tables", action="store_true", help="measure nothing: print what was, in Markdown")
    arguments = parser.parse_args()
    if arguments.tables:
        print(ledger.tables())
        return
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown or arguments.rounds < 1:
        parser.error(
            f"no benchmark {unknown.pop()}; there are {', '.join(BENCHMARKS)}" if unknown else "--rounds 1 or more"
        )
    keep_freed_memory()  # as workers do, and for both ways
    compute_exactly()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    machine = this_machine(device)
    print(f"{machine.name}, {machine.threads} threads, torch {machine.torch}")
    for name in arguments.names or BENCHMARKS:
        outcomes: list[Outcome | Duration] = []
        for entry in BENCHMARKS[name](device):
            if isinstance(entry, Errand):
                outcomes.append(duration := timed(entry, arguments.rounds))
                print(told(duration), flush=True)
            else:
                outcomes.append(outcome := held(entry, arguments.rounds, device))
                print(described(outcome), flush=True)
        ledger.keep(machine, name, outcomes)


if __name__ == "__main__":
    main()
