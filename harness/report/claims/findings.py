"""All claims, tested on what a database has at one profile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.names import lookup
from harness.report.claims.claim import Claim
from harness.report.claims.outcome import ClaimOutcome, tested
from harness.report.claims.paper import CLAIMS
from harness.report.reported_profile import find_profile, require_profile
from harness.report.results import Results, read_results
from harness.store.engine import Database
from harness.store.jobs import begun

SUITES = tuple(dict.fromkeys(suite for claim in CLAIMS for suite in claim.suites))
"""The suites that claims are tested on."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one profile's results say of the claims; profiles are never mixed."""

    profile: str
    outcomes: tuple[ClaimOutcome, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What is to be said of a suite's data that are not the official ones, by suite."""

    def about(self, suite: str) -> Findings:
        """Only the claims that are tested on the suite."""
        return replace(self, outcomes=tuple(each for each in self.outcomes if suite in each.claim.suites))

    def named(self, names: Collection[str]) -> Findings:
        """Only the claims of those names; raises UnknownName."""
        known = {each.claim.name: each for each in self.outcomes}
        return replace(self, outcomes=tuple(lookup(known, "claim", name) for name in names))


def findings(results: Mapping[str, Results], profile: str, claims: Sequence[Claim] = CLAIMS) -> Findings:
    """What results by suite, all of the profile, say of claims."""
    remarks = {suite: found.remark for suite, found in results.items() if found.remark}
    return Findings(profile=profile, outcomes=tested(claims, results, profile), remarks=remarks)


def read_findings(
    db: Database | None,
    profile: str | None = None,
    about: Collection[str] = SUITES,
    read: Callable[[Database, str, str], Results] = read_results,
) -> Findings:
    """What a database says of claims; without one, nothing was run.

    profile: if None, the largest at which a claim's suite has results; the paper's if none has.
    about: only claims that are tested on one of these suites, and no more is read than they need.
    read: reads the results of a suite at a profile.

    Raises:
        UnknownName: no such profile.
    """
    require_profile(profile)
    claims = [claim for claim in CLAIMS if not set(about).isdisjoint(claim.suites)]
    suites = list(dict.fromkeys(suite for claim in claims for suite in claim.suites))
    if db is None:
        return findings({}, profile or "paper", claims)
    with db.at_one_moment() as moment:
        there = begun(moment)
        chosen = find_profile(there, suites, profile) or profile or "paper"
        found = {suite: read(moment, suite, chosen) for suite in suites if (suite, chosen) in there}
    return findings(found, chosen, claims)
