from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from invented import condition, results

from harness.report.figures.drawings import drawings
from harness.report.figures.looks import looks
from harness.report.paper.captions import caption
from harness.report.paper.contents import FIGURES
from harness.report.paper.shown import shown
from harness.report.results import Results
from harness.report.summary import failures, scores
from harness.report.tables import summary_table


def captions(*given: Results) -> dict[int, str]:
    found = {each.suite: each for each in given}
    return {figure.number: caption(shown(figure, found, "small", 0.9, Path("arrays"))) for figure in FIGURES}


def test_captions_say_what_is_true_of_their_figure() -> None:
    found = captions()
    assert "SEM" in found[2]
    assert "SEM" in found[24]
    assert "where the paper took its most robust model" in found[24]
    assert not any("SEM" in found[number] for number in (1, 4, 11, 25))
    assert not any("images behind" in told for told in found.values())


def test_a_caption_tells_regularizers_images_and_attacks_of_what_it_shows() -> None:
    weak = (condition("none"), condition("pixel", "pixel", alpha=4), condition("threshold", "threshold", alpha=1))
    found = captions(results(weak, epochs=2))
    assert "S_pixel: α = 4, N = 5000; S_Th: α = 1, Th = 0.8, N = 5000." in found[3]
    assert "S_Th" not in found[2]
    assert (
        "Test images behind each model's number: Gaussian noise, Transferred FGSM 10000; Boundary attack 1000."
        in (found[3])
    )
    assert "50 steps each, 1000 images × 5 repeats × seeds." in found[3]
    assert "Attacks without a start: unregularized: 6 of 10006; S_pixel: 6 of 10006; S_Th: 6 of 10006." in found[3]
    assert not any("Boundary score" in found[number] for number in (6, 12, 13))


def test_one_quantity_has_one_name() -> None:
    given = results(epochs=2)
    table = summary_table(scores(given), failures(given), given)
    assert table.columns[7].startswith("Boundary score\n50 steps")
    [bars] = [each for each in drawings(given, 0.9) if each.name == "boundary"]
    assert bars.caption.startswith("Boundary score: median")
    assert [panel.get_xlabel() for panel in bars.draw(bars.data, looks(given.conditions)).axes] == [
        "Boundary score (10⁻³)"
    ]


def test_a_caption_says_where_curves_begin_at_other_images_than_the_clean_accuracy() -> None:
    given = results(epochs=2)
    fewer = given.images["n"].mask(given.images["kind"].isin(["gaussian", "uniform"]), 1000)
    told = "Clean accuracy is of 10000 images, accuracies by ε of 1000 or 10000: at ε = 0 the two need not agree."
    found = captions(replace(given, images=given.images.assign(n=fewer)))
    assert (told in found[2], told in found[6]) == (True, False)
    assert told not in captions(given)[2]


def test_what_two_suites_share_is_said_once() -> None:
    first = results((condition("none"), condition("pixel", "pixel")), epochs=2)
    neural = replace(results((condition("none"), condition("neural", "neural", alpha=2)), epochs=2), suite="neural")
    told = captions(first, neural)[2]
    assert told.count("Regularizers") == told.count("Attacks without a start") == told.count("Test images") == 1
    assert "S_pixel: α = 10, N = 5000; neural: α = 2, N = 5000." in told
