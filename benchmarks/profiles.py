"""`python -m benchmarks.profiles`: which operations the time of a training step and of a Boundary attack goes to.

Of one thread, by torch's profiler: shares of the time inside operations, what they call left out. The profiler's own
time counts too, and most for small operations.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.boundary import EASY_SPEC
from benchmarks.networks import DTYPES, as_evaluated, learner_of, trained, unseen
from benchmarks.training_step import digits_spec, precisions
from harness.data.bundled import prepare_bundled
from harness.evaluations import evaluate
from harness.spec.training import Precision
from harness.suites.allocator import keep_freed_memory
from harness.training.batches import Batches
from harness.training.images import training_images

CPU = torch.device("cpu")
KINDS: Mapping[str, Sequence[str]] = {
    "convolutions": ("mkldnn_convolution", "convolution_backward", "_convolution_pointwise", "_convolution_pointwise_"),
    "BatchNorm": ("native_batch_norm", "native_batch_norm_backward"),
    "ReLU and its gradient": ("threshold_backward", "clamp_min_", "relu"),
    "sums": ("add", "add_"),
    "copies and casts": ("copy_", "clone", "contiguous", "_to_copy", "cat"),
}
"""Names of operations, without their namespace; all others are `the rest`."""
STEPS, IMAGES = 4, {16: 100, 64: 20}
"""Of a training; attacked, by base width."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description=__doc__)
    parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    print(f"| one thread | {' | '.join(KINDS)} | the rest |")
    print("|---" * (len(KINDS) + 2) + "|")
    for title, work in _works():
        shares = shares_of(work)
        print(f"| {title} | {' | '.join(f'{shares[kind]:.0%}' for kind in [*KINDS, 'the rest'])} |", flush=True)


def shares_of(work: Callable[[], object]) -> Mapping[str, float]:
    """What part of the time each kind of operation takes."""
    work()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as measured:
        work()
    kinds = {name: kind for kind, names in KINDS.items() for name in names}
    seconds: Counter[str] = Counter()
    for operation in measured.key_averages():
        name = operation.key.rpartition("::")[2]
        seconds[kinds.get(name, "the rest")] += operation.self_cpu_time_total
    return {kind: seconds[kind] / seconds.total() for kind in [*KINDS, "the rest"]}


def _works() -> Iterator[tuple[str, Callable[[], object]]]:
    for width in IMAGES:
        for precision in precisions():
            yield f"training step, width {width}, {precision}", _training(width, precision)
    for width, n in IMAGES.items():
        network, setting = trained(width, CPU), unseen(n, CPU)
        for precision in precisions():
            model = as_evaluated(network, DTYPES[precision])
            yield f"Boundary attack, 50 steps, width {width}, {precision}", partial(evaluate, model, setting, EASY_SPEC)


def _training(width: int, precision: Precision) -> Callable[[], object]:
    """Some steps of a regularized training on digits."""
    with TemporaryDirectory() as folder:
        prepare_bundled(Path(folder), "digits")
        spec = digits_spec(width, precision)
        images = training_images(spec, Path(folder), CPU)
        learner, batches = learner_of(spec, CPU), list(Batches(spec, 0, images, CPU).epoch(0))[:STEPS]
    return lambda: [learner.step(batch, 0.01) for batch in batches]


if __name__ == "__main__":
    main()
