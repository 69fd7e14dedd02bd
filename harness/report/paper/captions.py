"""What stands below a figure of the paper: its title, how it came about, and of which images and regularizers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from harness.report import notes
from harness.report.paper.kind import Labels
from harness.report.paper.shown import Shown, figure_kind, in_words
from harness.report.vocabulary import SIZED


def caption(figure: Shown) -> str:
    """The caption, which is longer where there are results."""
    kind = figure_kind(figure.figure)
    told = [f"{figure.figure.title.replace('$', '')}.", kind.told]
    shares = kind.shares(figure.found, figure.figure.content.conditions) if len(figure.data) else ()
    shares = [(results, own) for results, own in shares if own or not figure.figure.content.conditions]
    if shares:
        labels = {name: in_words(label) for _, own in shares for name, label in own.items()}
        images = _together([(results.images, own) for results, own in shares])
        shown = images[images["evaluation"].isin(kind.shows)]
        told += [*notes.images_note(shown)]
        told += notes.zero_note(images) if {*shown["evaluation"]} & {*SIZED} else ()
        told += notes.hyperparameters_note(
            _together([(notes.hyperparameters(results), own) for results, own in shares]), labels
        )
        if labels and "boundary" in kind.shows:
            boundary = _together([(results.boundary, own) for results, own in shares])
            told += [*notes.score_note(boundary), *notes.starts_note(boundary, labels)]
    return " ".join(filter(None, told))


def _together(shares: Sequence[tuple[pd.DataFrame, Labels]]) -> pd.DataFrame:
    """Of each frame the rows of those conditions, or all where none is named."""
    parts = [frame[frame["condition"].isin(list(own))] if own else frame for frame, own in shares]
    return pd.concat([part for part in parts if len(part)] or parts)
