"""What was measured, one file per machine in `benchmarks/results/`, and the tables in docs/benchmarks.md made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.commands import Duration
from benchmarks.contest import Outcome
from benchmarks.machine import Machine
from harness.measurement import DeviceFacts
from harness.provenance import provenance

FOLDER = Path(__file__).parent / "results"


def keep(machine: Machine, benchmark: str, outcomes: Iterable[Outcome | Duration], folder: Path = FOLDER) -> Path:
    """Writes a benchmark's outcomes into the machine's file, in place of what it held of this benchmark."""
    path = folder / f"{machine.slug}.json"
    kept = json.loads(path.read_text()) if path.exists() else {"benchmarks": {}}
    kept["machine"] = asdict(machine)
    kept["benchmarks"][benchmark] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": _commit(machine),
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")
    return path


def _commit(machine: Machine) -> str | None:
    origin = provenance(DeviceFacts(device=machine.name, driver=None, threads=machine.threads), "python -m benchmarks")
    return f"{origin.git_commit}-dirty" if origin.git_commit and origin.git_dirty else origin.git_commit


def tables(folder: Path = FOLDER) -> str:
    """All machines' outcomes in Markdown."""
    return "\n\n".join(table(json.loads(path.read_text())) for path in sorted(folder.glob("*.json")))


def table(kept: dict[str, Any]) -> str:
    """A machine's outcomes as a table in Markdown, and one of the commands that have no plain way."""
    machine = kept["machine"]
    outcomes = [outcome for benchmark in kept["benchmarks"].values() for outcome in benchmark["outcomes"]]
    durations = [outcome for outcome in outcomes if "cpu_seconds" in outcome]
    lines = [
        f"## {machine['name']}, {machine['threads']} threads",
        "",
        f"{machine['instructions']}, {machine['memory_gb']} GB, torch {machine['torch']}.",
        "",
        "| work | ratio (range) | harness | plain way | of the ceiling | memory, harness / plain | same results |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(outcome) for outcome in outcomes if outcome not in durations]
    if durations:
        lines += ["", "| command | seconds | of CPU |", "|---|---|---|"]
        lines += [f"| {each['title']} | {each['seconds']:.2f} | {each['cpu_seconds']:.2f} |" for each in durations]
    return "\n".join(lines)


def _row(outcome: dict[str, Any]) -> str:
    ways = (outcome["harness"], outcome["reference"])
    rates = [f"{_significant(way['rate'])} {outcome['unit']}/s" for way in ways]
    peaks = " / ".join("?" if way["peak_mb"] is None else f"{way['peak_mb']:,.0f} MB" for way in ways)
    shares = ", ".join(f"{share:.0%} of {name}" for name, share in outcome["shares"].items())
    ratio = f"**{outcome['ratio']:.3g}** ({outcome['lowest']:.3g} to {outcome['highest']:.3g})"
    return "| " + " | ".join((outcome["title"], ratio, *rates, shares, peaks, outcome["agreement"])) + " |"


def _significant(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{float(f'{value:.3g}'):,.10g}"
