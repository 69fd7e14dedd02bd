"""All claims, tested on what a database has at one profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from harness.names import lookup
from harness.report.claims.outcome import ClaimOutcome, tested
from harness.report.claims.paper import CLAIMS
from harness.report.results import Results, read_results, reportable
from harness.spec import PROFILES
from harness.store.engine import Database

SUITES = tuple(dict.fromkeys(suite for claim in CLAIMS for suite in claim.suites))
"""The suites that claims are tested on."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one profile's results say of the claims; profiles are never mixed."""

    profile: str
    outcomes: tuple[ClaimOutcome, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What is to be said of a suite's images where some were made here instead of the official ones."""

    def about(self, suite: str) -> Findings:
        """Only the claims that are tested on the suite."""
        return replace(self, outcomes=tuple(each for each in self.outcomes if suite in each.claim.suites))

    def named(self, names: Collection[str]) -> Findings:
        """Only the claims of those names; raises UnknownName."""
        known = {each.claim.name: each for each in self.outcomes}
        return replace(self, outcomes=tuple(lookup(known, "claim", name) for name in names))


def findings(results: Mapping[str, Results], profile: str) -> Findings:
    """What results by suite, all of the profile, say of all claims."""
    remarks = {suite: found.remark for suite, found in results.items() if found.remark}
    return Findings(profile=profile, outcomes=tested(CLAIMS, results, profile), remarks=remarks)


def read_findings(db: Database | None, profile: str | None = None) -> Findings:
    """What a database says of all claims; without one, nothing was run.

    profile: if None, the largest at which a claim's suite has results; the paper's if none has.

    Raises:
        UnknownName: no such profile.
    """
    if profile is not None:
        lookup(PROFILES, "profile", profile)
    there = reportable(db) if db else set()
    used = (name for name in PROFILES if any((suite, name) in there for suite in SUITES))
    chosen = profile or next(used, "paper")
    found = {suite: read_results(db, suite, chosen) for suite in SUITES if db and (suite, chosen) in there}
    return findings(found, chosen)
