"""At which profile suites are reported: the one that is asked for, or else the largest that has results."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.errors import HarnessError, UnknownName
from harness.names import lookup
from harness.spec import PROFILES
from harness.store import relations
from harness.store.engine import Database
from harness.store.jobs import begun

Begun = Collection[tuple[str, str]]
"""Each suite and profile that has results."""


def require_profile(profile: str | None) -> None:
    """Raises UnknownName where a profile is asked for that is none."""
    if profile is not None:
        lookup(PROFILES, "profile", profile)


def find_profile(there: Begun, suites: Sequence[str], profile: str | None) -> str | None:
    """The profile, or the largest if None, at which one of the suites has results; None if there is none."""
    asked = [profile] if profile else PROFILES
    return next((name for name in asked if any((suite, name) in there for suite in suites)), None)


def get_profile(there: Begun, name: str, suites: Sequence[str], profile: str | None) -> str:
    """As `find_profile`; raises HarnessError where there is none, with the command that makes results of `name`."""
    found = find_profile(there, suites, profile)
    if found is None:
        option = f" --profile {profile}" if profile else ""
        told = _none(name, there, suites, profile)
        raise HarnessError(f"{told}: `harness run-suite {name}{option}` makes them")
    return found


def _none(name: str, there: Begun, suites: Sequence[str], profile: str | None) -> str:
    """That there are no results, and at which other profiles there are some."""
    others = [each for each in PROFILES if any((suite, each) in there for suite in suites)]
    at, beside = f" at profile {profile}" if profile else "", f", but at {', '.join(others)}" if others else ""
    return f"{name} has no results{at} yet{beside}"


def suites_with_results(db: Database, suites: Sequence[str], profile: str | None) -> list[tuple[str, str]]:
    """Suite and profile of each that can be reported; profiles are never mixed.

    suites: all that have results if empty. profile: if None, the largest that has results, per suite.

    Raises:
        UnknownName: no such suite or profile.
        HarnessError: there are no results.
    """
    require_profile(profile)
    planned, there = relations.frame(db, "suite")["name"], begun(db)
    chosen = []
    for suite in suites:
        if suite not in set(planned):
            raise UnknownName(
                "suite in the database", suite, planned.unique(), "a run adds one: harness run-suite SUITE"
            )
        chosen.append((suite, get_profile(there, suite, [suite], profile)))
    if suites:
        return chosen
    chosen = [(suite, at) for suite in sorted(planned.unique()) if (at := find_profile(there, [suite], profile))]
    if not chosen:
        option = f" --profile {profile}" if profile else ""
        told = _none("the database", there, list(planned), profile)
        raise HarnessError(f"{told}: `harness run-suite quickstart{option}` makes some")
    return chosen
