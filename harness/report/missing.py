"""What a suite asks for and the database does not hold, and why, short enough for a table's cell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

import pandas as pd

from harness.report.rows import groups, records
from harness.spec.job import DATA, SUBSTITUTE
from harness.store import read, relations
from harness.store.engine import Database
from harness.store.read import NOT_RUN


def read_missing(db: Database, suite: str, profile: str) -> pd.DataFrame:
    """Of each place without a result the evaluation as tables call it, and why; substitutes' trainings last.

    Columns: condition, evaluation, name, seed, state, reason. Tables do not tell apart two evaluations of some kinds;
    `name` is what the suite calls it.
    """
    evaluations = relations.frame(db, "placed_evaluation", suite=suite, profile=profile)
    kinds = dict(zip(evaluations["evaluation"], evaluations["kind"], strict=True))
    rows = [asdict(each) for each in read.missing(db, suite, profile)]
    for row in rows:
        row["name"] = row["evaluation"] or "training"
        if not row["condition"]:
            row["condition"] = DATA
            continue
        kind = kinds.get(row["evaluation"], "training")
        row["evaluation"] = kind if kind in {"training", "clean", "boundary", "corruption"} else row["evaluation"]
    jobs = relations.frame(db, "v_jobs", suite=suite, profile=profile, condition=None)
    for job in records(jobs[(jobs["state"] != "done") & jobs["seed"].notna()]):
        rows.append(
            {
                "condition": SUBSTITUTE,
                "evaluation": "training",
                "name": "training",
                "seed": job.seed,
                "state": job.state,
                "reason": job.reason or NOT_RUN,
            }
        )
    return pd.DataFrame(rows, columns=["condition", "evaluation", "name", "seed", "state", "reason"])


class Reasons:
    """Why cells are missing, as numbered notes: each different reason is told once."""

    def __init__(self, missing: pd.DataFrame) -> None:
        self._missing = dict(groups(missing, ["condition", "evaluation"]))
        self._numbers: dict[str, int] = {}

    def counts(self, condition: str, evaluation: str, known: Collection[int]) -> dict[str, int]:
        """How many seeds have no number, by what to write there: "waiting", "blocked [1]".

        known: seeds that have the number in question, and lack another one of the same evaluation.
        """
        rows = self._missing.get((condition, evaluation))
        if rows is None:
            return {}
        rows = rows[~rows["seed"].isin(known)].drop_duplicates("seed")
        return {
            state if reason == NOT_RUN else f"{state} [{self._number(state, reason)}]": len(same)
            for (state, reason), same in groups(rows, ["state", "reason"])
        }

    def notes(self) -> tuple[str, ...]:
        """The reasons behind the numbers given so far."""
        return tuple(f"[{number}] {told}" for told, number in self._numbers.items())

    def _number(self, state: str, reason: str) -> int:
        return self._numbers.setdefault(f"{state}: {reason}", len(self._numbers) + 1)
