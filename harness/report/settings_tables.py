"""How a report's models were trained and what was asked of them: every setting of their specs.

A setting is called as in a suite's file, `optimisation.epochs` for instance, so that readers find what it means and can
ask for the same. What all share is told once, below the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.report.rows import groups, records
from harness.report.table import Table
from harness.spec.job import DATA

Settings = Mapping[str, str]
"""What each setting is set to."""


def trainings_table(specs: pd.DataFrame, scope: str) -> Table:
    """One row per condition, with the settings that others do not share; specs: see `Results`."""
    own = {row.condition: dict(_settings(row.spec)) for row in records(specs[specs["evaluation"].isna()])}
    shared = _shared(list(own.values()))
    tables = list(dict.fromkeys(_table(name) for settings in own.values() for name in settings))
    rows = []
    for condition, settings in own.items():
        absent = [f"no {table}" for table in tables if table and table not in map(_table, settings)]
        rows.append((condition, _told(settings, shared, absent)))
    among = {
        table: {name.removeprefix(f"{table}."): value for name, value in shared.items() if _table(name) == table}
        for table in tables
    }
    return Table(
        name="trainings",
        title=f"Trainings of {scope}",
        columns=("Condition", "Settings of its own"),
        rows=tuple(rows),
        notes=tuple(f"{table or 'All'}: {_told(settings)}." for table, settings in among.items() if settings),
        words=True,
        corrupted=False,
        data=_long(own, ["condition"]),
    )


def evaluations_table(specs: pd.DataFrame, scope: str) -> Table:
    """One row per evaluation, or analysis of data alone, and its settings; specs: see `Results`."""
    everyone = set(specs.loc[specs["evaluation"].isna(), "condition"])
    texts = specs.dropna(subset="evaluation").assign(text=lambda frame: frame["spec"].map(repr))
    own: dict[tuple[str, str], Settings] = {}
    for (evaluation, _), same in groups(texts, ["evaluation", "text"]):
        conditions = [name or DATA for name in same["condition"]]
        of = "all" if everyone <= set(conditions) else ", ".join(conditions)
        own[evaluation, of] = dict(_settings(same["spec"].iloc[0]))
    return Table(
        name="evaluations",
        title=f"Evaluations of {scope}",
        columns=("Evaluation", "Conditions", "Settings"),
        rows=tuple((*where, _told(settings)) for where, settings in own.items()),
        words=True,
        corrupted=False,
        data=_long(own, ["evaluation", "conditions"]),
    )


def analyses_note(specs: pd.DataFrame, names: Collection[str]) -> Iterator[str]:
    """What the analyses of those names were told; of how many images and which corruptions, their figures say."""
    for spec in specs.loc[(specs["condition"] == "") & specs["evaluation"].isin(names), "spec"]:
        yield f"Settings: {_told(dict(_settings(spec)), ('kind', 'n_images', 'corruptions'))}."


def _settings(spec: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, str]]:
    """The name and the value of each setting that is set."""
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{table}{name}.")
        elif value is not None:
            yield f"{table}{name}", _text(value)


def _text(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(map(_text, value)) if isinstance(value, list) else str(value)


def _table(name: str) -> str:
    """The table of a suite's file that a setting is in; empty for one that is in none."""
    return name.partition(".")[0] if "." in name else ""


def _shared(specs: Sequence[Settings]) -> Settings:
    """The settings that are alike in all of two or more specs that have their table."""
    found = {}
    for name, value in {name: value for settings in specs for name, value in settings.items()}.items():
        having = [settings for settings in specs if not _table(name) or _table(name) in map(_table, settings)]
        if len(having) > 1 and all(settings.get(name) == value for settings in having):
            found[name] = value
    return found


def _told(settings: Settings, but: Iterable[str] = (), also: Iterable[str] = ()) -> str:
    told = [f"{name} = {value}" for name, value in settings.items() if name not in set(but)]
    return ", ".join([*also, *told]) or "–"


def _long(own: Mapping[Any, Settings], names: list[str]) -> pd.DataFrame:
    """One row per setting."""
    rows = [
        (*((key,) if len(names) == 1 else key), setting, value)
        for key, settings in own.items()
        for setting, value in settings.items()
    ]
    return pd.DataFrame(rows, columns=[*names, "setting", "value"])
