"""What a claim is: a sentence of the paper, and the comparisons that it says something about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

MARGIN = 0.03
"""How near is "the same" for accuracies: three points. Ours; the paper names none."""

SHARE = 0.1
"""The same for Boundary scores: a tenth of what is compared with. Ours."""

Side = Literal["higher", "lower", "same", "different", "no lower", "no higher"]


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Where the claim puts the effect, in terms of the bounds that divide for it from against it."""

    margins: tuple[int, ...]
    """The bounds, in margins from the point that the effect is measured from."""
    holds: Callable[[float, Sequence[float]], bool]
    """Whether an effect lies where the claim puts it, given the bounds."""


DIRECTIONS: dict[Side, Direction] = {
    "higher": Direction(margins=(0,), holds=lambda effect, bounds: effect > bounds[0]),
    "lower": Direction(margins=(0,), holds=lambda effect, bounds: effect < bounds[0]),
    "no lower": Direction(margins=(-1,), holds=lambda effect, bounds: effect > bounds[0]),
    "no higher": Direction(margins=(1,), holds=lambda effect, bounds: effect < bounds[0]),
    "same": Direction(margins=(-1, 1), holds=lambda effect, bounds: bounds[0] < effect < bounds[1]),
    "different": Direction(margins=(-1, 1), holds=lambda effect, bounds: not bounds[0] <= effect <= bounds[1]),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One comparison that a claim makes."""

    suite: str
    condition: str
    """A name in the suite; `min` or `max` for a value of its grid stands for the least or largest there is."""
    against: str | None = None
    """The condition compared with, its seeds paired with the condition's; None: the measure's own `level`."""
    measure: str
    """A name in `claims.measures.MEASURES`."""
    side: Side
    level: float = 0.0
    """Where the effect is measured from: a difference of 0, or a value that means "neither" where nothing is
    compared with."""
    share: float | None = None
    """The margin as a share of what is compared with, instead of `MARGIN`."""
    once: bool = False
    """The condition compared with is one fixed model: every seed is compared with its one number."""
    published: float | None = None
    """The paper's own number, where it prints one."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of the paper and how it is tested."""

    name: str
    sentence: str
    """As the paper makes it, in our words where it is not one sentence there."""
    where: str
    """Section, figure or table."""
    parts: tuple[Part, ...]
    needs: Literal["all", "any"] = "all"
    """Whether the claim stands with all of its parts or with any."""

    @property
    def suites(self) -> tuple[str, ...]:
        """The suites that the claim is tested on."""
        return tuple(dict.fromkeys(part.suite for part in self.parts))


def compared(
    suite: str,
    conditions: Iterable[str],
    measures: Iterable[str],
    side: Side = "higher",
    *,
    against: str | None = "none",
    level: float = 0.0,
    share: float | None = None,
    once: bool = False,
) -> tuple[Part, ...]:
    """Each condition by each measure, all compared with the same."""
    alike = partial(Part, suite=suite, against=against, side=side, level=level, share=share, once=once)
    return tuple(alike(condition=name, measure=measure) for name in conditions for measure in measures)
