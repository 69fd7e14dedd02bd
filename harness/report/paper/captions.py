"""What stands below a figure of the paper: its title, how it came about, and of which images and regularizers."""

from __future__ import annotations

from harness.report import notes
from harness.report.paper.shown import Shown, figure_kind, in_words
from harness.report.vocabulary import SIZED


def caption(figure: Shown) -> str:
    """The caption, which is longer where there are results."""
    kind, content = figure_kind(figure.figure), figure.figure.content
    told = [f"{figure.figure.title.replace('$', '')}.", kind.told]
    for results, own in kind.shares(figure.found, content.conditions) if len(figure.data) else ():
        labels = {name: in_words(label) for name, label in own.items()}
        images = results.images[results.images["evaluation"].isin(kind.shows)]
        told += notes.images_note(images[images["condition"].isin(labels)] if labels else images)
        if {*images["evaluation"]} & {*SIZED}:
            told += notes.zero_note(results.images)
        told += notes.hyperparameters_note(results, labels) if labels else ()
        if "boundary" in kind.shows and labels:
            scored = results.boundary[results.boundary["condition"].isin(labels)]
            told += notes.score_note(scored)
            told += notes.starts_note(scored, labels)
    return " ".join(filter(None, dict.fromkeys(told)))
