"""What a command asks for: suites, and which of their models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from harness.errors import UnknownName
from harness.spec import Place, PlannedJob, Suite, model_of
from harness.spec.grid import is_point_of


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Suites with the seeds and conditions that are asked for."""

    suites: tuple[Suite, ...]
    """One, or those of a collection; all at one profile."""
    seeds: tuple[int, ...] = ()
    """Each suite's own if empty."""
    only: tuple[str, ...] = ()
    """Conditions, all if empty. The name of a sweep stands for all its points."""

    @property
    def profile(self) -> str:
        """The suites'."""
        return self.suites[0].profile

    def seeds_of(self, suite: Suite) -> frozenset[int]:
        """The seeds that are planned of a suite: its own, and those that are asked for."""
        return frozenset((*suite.seeds, *self.seeds))

    def require_known(self) -> None:
        """Raises UnknownName where no suite has a condition that is asked for."""
        for name in self.only:
            if not self._named(name):
                raise UnknownName(f"condition of {', '.join(suite.name for suite in self.suites)}", name, self._known)

    @cached_property
    def conditions(self) -> frozenset[str]:
        """The conditions that are asked for."""
        return frozenset().union(*map(self._named, self.only)) if self.only else self._known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(condition for suite in self.suites for condition in suite.conditions)

    def _named(self, name: str) -> frozenset[str]:
        """The condition of a name, or all points of a sweep."""
        return frozenset(each for each in self._known if each == name or is_point_of(each, name))

    def asks_for(self, planned: PlannedJob) -> bool:
        """Whether a job is asked for at any of its places.

        An analysis has no condition: it is asked for unless conditions are named. A single external model has no seed.
        """
        model = model_of(planned.job)
        any_seed = not self.seeds or (model is not None and not model.spec.has_seeds)

        def is_wanted(place: Place) -> bool:
            if not place.condition:
                return not self.only
            return place.condition in self.conditions and (any_seed or place.seed in self.seeds)

        return any(map(is_wanted, planned.places))
