"""`python -m benchmarks.training_precision`: whether training in bfloat16 gives other models than training in float32.

Reads what `harness run-suite precision --profile small` (or another profile) has stored.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pandas as pd
from sqlalchemy import text

from harness.report.statistics import estimate, sign_flip_test
from harness.settings import settings
from harness.store.engine import open_database

SUITE, ROUNDED = "precision", "-bfloat16"

NUMBERS = f"""
SELECT condition, seed, 'clean accuracy' AS number, 100 * clean_accuracy AS value
FROM v_models WHERE suite = '{SUITE}' AND profile = :profile AND clean_accuracy IS NOT NULL
UNION ALL
SELECT condition, seed, evaluation || ', mean over sizes', 100 * avg(accuracy)
FROM v_curves WHERE suite = '{SUITE}' AND profile = :profile AND epsilon > 0 GROUP BY condition, seed, evaluation
UNION ALL
SELECT condition, seed, evaluation || ' ' || epsilon, 100 * accuracy
FROM v_curves c WHERE suite = '{SUITE}' AND profile = :profile
AND epsilon = (SELECT max(epsilon) FROM v_curves WHERE suite = c.suite AND profile = c.profile
               AND evaluation = c.evaluation)
UNION ALL
SELECT condition, seed, 'Boundary score, thousandths', 1000 * score
FROM v_boundary WHERE suite = '{SUITE}' AND profile = :profile
"""
"""Accuracies in percentage points, of each model that is there."""


def table(numbers: pd.DataFrame) -> str:
    """Both precisions' means over the seeds that have both, and the seeds' paired differences, in Markdown."""
    lines = [
        "| condition | number | seeds | float32 | bfloat16 | difference | 95 % interval | p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for condition, number, pairs in _paired(numbers):
        differences = list(pairs["bfloat16"] - pairs["float32"])
        found = estimate(differences)
        lines.append(
            f"| {condition} | {number} | {found.n} | {pairs['float32'].mean():.2f} | {pairs['bfloat16'].mean():.2f} "
            f"| {found.mean:+.2f} | {found.low:+.2f} to {found.high:+.2f} | {sign_flip_test(differences):.2f} |"
        )
    return "\n".join(lines)


def _paired(numbers: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """For each condition and number: a row per seed, with a column for each precision."""
    rounded = numbers["condition"].str.endswith(ROUNDED)
    kept = numbers.assign(
        precision=rounded.map({True: "bfloat16", False: "float32"}),
        condition=numbers["condition"].str.removesuffix(ROUNDED),
    )
    for (condition, number), rows in kept.groupby(["condition", "number"], sort=False):
        pairs = rows.pivot_table(index="seed", columns="precision", values="value").dropna()
        if len(pairs) and len(pairs.columns) == 2:
            yield str(condition), str(number), pairs


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_precision", description=__doc__)
    parser.add_argument("--profile", default="small")
    arguments = parser.parse_args()
    with open_database(settings().database, create=False) as database, database.reading() as connection:
        numbers = pd.read_sql_query(text(NUMBERS), connection, params={"profile": arguments.profile})
    print(table(numbers))


if __name__ == "__main__":
    main()
