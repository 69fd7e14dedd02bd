"""The paper's claims as data, tested against the results with seed-paired statistics."""

from harness.report.claims.claim import Claim, Part
from harness.report.claims.findings import Findings, findings, read_findings
from harness.report.claims.outcome import ClaimOutcome, PartOutcome, tested
from harness.report.claims.paper import CLAIMS

__all__ = [
    "CLAIMS",
    "Claim",
    "ClaimOutcome",
    "Findings",
    "Part",
    "PartOutcome",
    "findings",
    "read_findings",
    "tested",
]
