"""Many conditions in rows that can be read: those that share a setting of their grid, beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from harness.report.figures.grid import SET, SYMBOLS, labels, spaced
from harness.report.figures.legends import handle
from harness.report.figures.looks import BASELINE_GRAYS, Look
from harness.report.figures.style import LABEL_SIZE, WIDTH, folded, plain, present_in, seeds, sheet
from harness.spec.grid import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
"""Curves in one panel that can be told apart."""
COLUMNS = 4
HEIGHT = 1.35
KEY = 0.95
"""Width of a row's legend, relative to a panel's."""
SHORT = 2.4
"""Length of a line in it, in letters."""
ROW = 0.15
"""Inches of a line of text in it."""
BESIDE: dict[str, Any] = {"loc": "center left", "handlelength": SHORT, "borderaxespad": 0.0, "labelspacing": 0.25}
"""How it stands beside its row."""


class Facet(NamedTuple):
    """Conditions that are shown together."""

    title: str
    """What they share, like "α = 10"; empty where all conditions are shown together."""
    looks: Mapping[str, Look]

    @property
    def regularized(self) -> list[str]:
        """Those that no other facet has."""
        return [name for name, look in self.looks.items() if look.color not in BASELINE_GRAYS]


def facets(data: pd.DataFrame, looks: Mapping[str, Look]) -> list[Facet]:
    """The conditions of the data together where they are few, else in parts that share a setting.

    A part has at most `MOST` curves, among them in each part the baselines. The first setting that divides
    them so does, then what stands before their settings; where nothing does, they are divided in their order.
    """
    whole = Facet("", {name: looks[name] for name in present_in(data, looks)})
    if len(whole.looks) <= MOST:
        return [whole]
    others = whole.regularized
    free = [name for name in whole.looks if name not in others]
    room = max(1, MOST - len(free))
    settings = dict.fromkeys(key for name in others for key in named(name).values)
    divided = (_divided(others, setting) for setting in (*settings, None))
    good = (groups for groups in divided if len(groups) > 1 and 1 < max(map(len, groups.values())) <= room)
    pieces = {f"part {1 + at // room}": others[at : at + room] for at in range(0, len(others), room)}
    groups = next(good, pieces)
    return [Facet(title, {name: looks[name] for name in (*free, *names)}) for title, names in groups.items()]


def _divided(conditions: Sequence[str], setting: str | None) -> dict[str, list[str]]:
    """The conditions by their value of a setting, or by what stands before their settings."""
    groups: dict[str, list[str]] = {}
    for name in conditions:
        base, values = named(name)
        title = f"{SYMBOLS.get(setting, setting)} = {values.get(setting, '–')}" if setting else base
        groups.setdefault(title, []).append(name)
    return groups


def rows_of_facets(
    data: pd.DataFrame,
    parts: Sequence[Facet],
    shown: Sequence[str],
    draw: Callable[[Axes, str, Mapping[str, Look]], None],
    *,
    bars: bool = False,
) -> Figure:
    """A row for each facet with its legend at the end: in each a panel of what is shown, drawn by `draw`.

    Panels above each other have the same axes. Where more is shown than fits a row, the facets come again below.
    """
    chunks = [shown[at : at + COLUMNS] for at in range(0, len(shown), COLUMNS)]
    columns = len(chunks[0]) + 1
    inches = WIDTH * KEY / (columns - 1 + KEY)
    keys = [_key(part, data, 72 * inches - (SHORT + 2) * LABEL_SIZE) for part in parts]
    height = max(HEIGHT, *(ROW * ("\n".join(key).count("\n") + 1) for key in keys))
    figure, axes = sheet(len(chunks) * len(parts), columns, height, width_ratios=[1.0] * (columns - 1) + [KEY])
    rows = [axes[at : at + columns] for at in range(0, len(axes), columns)]
    for number, row in enumerate(rows):
        place, chunk = number % len(parts), chunks[number // len(parts)]
        for panel, above, each in zip(row, rows[number - place], chunk, strict=False):
            if panel is not above:
                panel.sharex(above)
                panel.sharey(above)
            draw(panel, each, parts[place].looks)
            _shorten(panel, first=panel is above, last=place + 1 == len(parts))
        _name(row, parts[place])
        for unused in row[len(chunk) :]:
            unused.axis("off")
        handles = [handle(look, bars=bars, curves=not bars) for look in parts[place].looks.values()]
        title, *texts = keys[place]
        row[-1].legend(handles, texts, title=title, title_fontsize=LABEL_SIZE, **BESIDE)
    return figure


def _shorten(panel: Axes, *, first: bool, last: bool) -> None:
    """Words and numbers that panels above each other share are said once."""
    panel.set_title(panel.get_title() if first else "", fontsize=LABEL_SIZE)
    if not last:
        panel.set_xlabel("")
        panel.tick_params(labelbottom=False)


def _name(row: Sequence[Axes], part: Facet) -> None:
    """What the facet's conditions share, at the left; what the vertical axes of a row share is said once."""
    label = row[0].get_ylabel()
    for panel in row[1:]:
        panel.set_ylabel("" if panel.get_ylabel() == label else panel.get_ylabel())
    row[0].set_ylabel(f"{plain(part.title)}\n{label}")


def _key(part: Facet, data: pd.DataFrame, room: float) -> list[str]:
    """What a facet's conditions differ in, and in the order of their looks what they are, in lines of `room` points."""
    texts, title = labels({name: named(name).values.get(SET, "") for name in part.regularized})
    if len(set(texts.values())) < len(texts):
        texts, title = {name: spaced(name) for name in texts}, "condition"
    count = seeds(data[data["condition"].isin(list(part.looks))])
    shown = [f"{title} ({count})", *(texts.get(name, name) for name in part.looks)]
    return [folded(text, LABEL_SIZE, room) for text in shown]
