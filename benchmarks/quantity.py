"""A quantity that a user can ask more of: measured at three sizes, with the line that says what one more costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch

from benchmarks.contest import peak_mb

CPU = torch.device("cpu")
ROUNDS = 3

Work = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Something that a user can ask more of."""

    title: str
    sizes: tuple[int, int, int]
    prepare: Callable[[int], Work]
    """Of a size: the work, with everything ready that does not belong to it."""
    per: str
    """What the line's slope is the cost of, for instance "image and epoch"."""
    units: Callable[[float], float] = float
    """How many of those a size is."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How a quantity grows."""

    quantity: Quantity
    seconds: tuple[float, ...]
    """CPU time by size, the median of the rounds."""
    megabytes: tuple[float, ...] | None
    """Peak memory by size, beyond what was in use before; None where the system does not tell."""

    @property
    def units(self) -> list[float]:
        """The sizes, in what the slope is per."""
        return [self.quantity.units(size) for size in self.quantity.sizes]


@dataclass(frozen=True)
class Line:
    """The least-squares line through what was measured."""

    slope: float
    intercept: float
    deviation: float
    """The largest distance of a point from the line, as a share of the largest value."""


def line(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """The line that fits best."""
    slope, intercept = statistics.linear_regression(xs, ys)
    away = max(abs(y - intercept - slope * x) for x, y in zip(xs, ys, strict=True))
    return Line(slope, intercept, away / (max(ys) or 1))


def measured(quantity: Quantity) -> Growth:
    """Time and memory at each size; the sizes take turns, after a round that does not count."""
    works = [quantity.prepare(size) for size in quantity.sizes]
    peaks = [peak_mb(work, CPU) for work in works]
    rounds = [[_cpu_seconds(work) for work in works] for _ in range(ROUNDS)]
    return Growth(
        quantity=quantity,
        seconds=tuple(map(statistics.median, zip(*rounds, strict=True))),
        megabytes=None if None in peaks else tuple(peak for peak in peaks if peak is not None),
    )


def _cpu_seconds(work: Work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def row(growth: Growth) -> str:
    """A growth as a row of the docs' table."""
    quantity = growth.quantity
    times = line(growth.units, growth.seconds)
    cells = [
        quantity.title,
        ", ".join(f"{size:,}" for size in quantity.sizes),
        ", ".join(f"{seconds:.3g}" for seconds in growth.seconds),
        f"**{_amount(times.slope, TIMES)} per {quantity.per}**",
        _amount(max(0.0, times.intercept), TIMES),
        f"{times.deviation:.0%}",
    ]
    if growth.megabytes:
        memory = line(growth.units, growth.megabytes)
        cells += [", ".join(f"{peak:.0f}" for peak in growth.megabytes), _amount(max(0.0, memory.slope) * 2**20, BYTES)]
    return "| " + " | ".join(cells) + " |"


TIMES: Mapping[str, float] = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
BYTES: Mapping[str, float] = {"MB": 2**20, "kB": 2**10, "bytes": 1}


def _amount(value: float, units: Mapping[str, float]) -> str:
    """In the largest unit of which there is at least one; what is next to nothing is 0."""
    if value < min(units.values()) / 10:
        return "0"
    unit, size = next(((unit, size) for unit, size in units.items() if value >= size), [*units.items()][-1])
    return f"{value / size:.3g} {unit}"


HEAD = """| what grows | sizes | CPU seconds | cost of one more | fixed | off the line | peak MB | memory of one more |
|---|---|---|---|---|---|---|---|"""


def draw(growths: Sequence[Growth], path: Path, what: str, values: Callable[[Growth], Sequence[float] | None]) -> None:
    """A panel for each quantity, with its line."""
    import matplotlib.pyplot as plt
    from PIL import Image

    shown = [(growth, found) for growth in growths if (found := values(growth))]
    figure, axes = plt.subplots(3, 4, figsize=(13, 8.5), layout="constrained")
    for axis, (growth, found) in zip(axes.flat, shown, strict=False):
        quantity, fitted = growth.quantity, line(growth.units, found)
        first, *_, last = quantity.sizes
        span = [first + (last - first) * step / 50 for step in range(51)]
        axis.plot(span, [fitted.intercept + fitted.slope * quantity.units(size) for size in span], lw=1)
        axis.plot(quantity.sizes, found, "o", color="C0")
        axis.set(xlim=(0, None), ylim=(0, max(found) * 1.15 or 1), ylabel=what, xticks=quantity.sizes)
        axis.set_xticklabels([f"{size:,}" for size in quantity.sizes])
        axis.set_xlabel(quantity.title, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in list(axes.flat)[len(shown) :]:
        axis.set_axis_off()
    buffer = BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    with Image.open(buffer) as drawn:  # 16 colors are enough for lines, and a fraction of the bytes
        drawn.convert("RGB").quantize(16).save(path, optimize=True)
