"""What stands below a figure of the paper: its title, how it came about, and of which images and regularizers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter

import pandas as pd

from harness.report import notes
from harness.report.paper.kind import Labels
from harness.report.paper.shown import Shown, in_words
from harness.report.rows import stacked
from harness.report.settings_tables import analyses_note
from harness.report.vocabulary import SIZED


def caption(figure: Shown) -> str:
    """The caption, which is longer where there are results."""
    told = [f"{figure.figure.title}.", figure.kind.told.format(least=figure.least_clean_ratio)]
    return " ".join([*told, *(_behind(figure) if len(figure.data) else ())])


def _behind(figure: Shown) -> Iterator[str]:
    """Of how many seeds and images, which regularizers and which attacks its numbers are."""
    kind = figure.kind
    shares = [(results, own) for results, own in figure.shares if own or not figure.figure.conditions]
    labels = {name: in_words(label) for _, own in shares for name, label in own.items()}
    images, specs, substitutes, curves, boundary, settings, starts = (
        _together([(frame(results), own) for results, own in shares])
        for frame in (
            attrgetter("images"),
            attrgetter("specs"),
            attrgetter("substitutes"),
            attrgetter("curves"),
            attrgetter("boundary"),
            notes.hyperparameters,
            notes.spectra_starts,
        )
    )
    shown = images[images["evaluation"].isin(kind.shows)]
    if "panel" in figure.data:
        yield from notes.seeds_note(figure.data, "panel")
    if "analysis" in figure.data:
        yield f"Images: {figure.data['n'].max()}."
    yield from analyses_note(specs, kind.shows)
    yield from notes.images_note(shown)
    if {*shown["evaluation"]} & {*SIZED}:
        yield from notes.zero_note(images, curves)
    yield from notes.hyperparameters_note(settings, labels)
    yield from notes.perturbations_note(specs, labels)
    yield from notes.substitutes_note(substitutes, shown["evaluation"], labels)
    if "spectrum" in kind.shows:
        yield from notes.spectra_note(specs)
        yield from notes.starts_note(starts, labels)
    if "boundary" in kind.shows:
        yield from notes.score_note(boundary)
        yield from notes.starts_note(boundary, labels)


def _together(shares: Sequence[tuple[pd.DataFrame, Labels]]) -> pd.DataFrame:
    """Of each frame the rows of those conditions, or all where none is named."""
    return stacked(frame[frame["condition"].isin(list(own))] if own else frame for frame, own in shares)
