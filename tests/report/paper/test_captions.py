from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from invented import condition, figures_of, results

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
    assert "R0/U0 ≥ 0.9 and RD/UD > 1" in found[4]
    assert "pairs evenly spread among these" in found[1]
    assert "drawn for each channel by itself, and clipped to the least and the largest value of each image" in found[11]
    assert "zero in the middle" in found[25]
    assert "mean over images and their channels" in found[25]
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
    [bars] = [each for each in figures_of(given) if each.name == "boundary"]
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


def test_what_one_condition_has_in_two_suites_is_said_once() -> None:
    sets = (condition("none"), condition("imagenet", "threshold"))
    given = [replace(results(sets, epochs=2), suite=suite) for suite in ("regularization-sets", "frequency")]
    assert "images): ImageNet: α = 10, Th = 0.8, N = 5000." in captions(*given)[7]


def test_a_caption_says_how_many_seeds_panels_have_that_differ_in_it() -> None:
    given = results(seeds=7, epochs=2)
    assert not any("n by panel" in told for told in captions(given).values())
    fewer = given.curves.query("evaluation != 'fgsm_transfer' or seed < 3")
    none = given.boundary.query("condition != 'pixel'")
    told = captions(replace(given, curves=fewer, boundary=none))
    assert "n by panel: Gaussian noise 7; Transferred FGSM 3; Boundary attack 0 to 7." in told[3]
    assert "n by panel" not in told[13]
    [curves] = [each for each in figures_of(replace(given, curves=fewer)) if each.name == "curves"]
    assert "Salt and pepper 7; Transferred FGSM 3." in curves.caption


def test_a_caption_says_how_what_needs_no_model_was_computed() -> None:
    spectra = {"kind": "corruption_spectra", "images": "cifar10-c", "severity": 3, "n_images": None}
    attack = {"kind": "spectrum", "steps": 10_000}
    given = results((condition("none"), condition("imagenet", "threshold")), epochs=2)
    rows = [("", "corruption_spectra", spectra), ("none", "spectrum", attack)]
    number = {"analysis": "corruption_spectra", "kind": "corruption_spectra", "metric": "amplitude", "point": "fog"}
    changed = replace(
        given,
        suite="frequency",
        specs=pd.concat([given.specs, pd.DataFrame(rows, columns=list(given.specs))]),
        analyses=pd.DataFrame([number | {"value": 1.0, "n": 10_000}]),
        arrays=pd.DataFrame(columns=["evaluation", "kind", "name", "file", "sha256", "shape", "condition"]),
    )
    found = captions(changed)
    assert "Images: 10000. Settings: images = cifar10-c, severity = 3." in found[25]
    assert "that the Boundary attack found in 10000 steps" in found[7]


def test_a_caption_says_how_many_images_are_in_no_spectrum_because_their_attack_had_no_start() -> None:
    given = replace(results((condition("none"), condition("imagenet", "threshold")), epochs=2), suite="frequency")
    asked = pd.DataFrame({"condition": ["none", "imagenet"], "evaluation": "spectrum", "kind": "spectrum", "n": 1000})
    whole = replace(given, images=pd.concat([given.images, asked]))
    assert "without a start" not in captions(whole)[7]
    found = whole.spectra["n"].mask((whole.spectra["condition"] == "none") & (whole.spectra["seed"] == 1), 940)
    told = captions(replace(whole, spectra=whole.spectra.assign(n=found)))
    assert "Attacks without a start: unregularized: 60 of 2000; ImageNet: 0 of 2000." in told[7]
    assert not any("without a start" in told[number] for number in told if number != 7)


def test_a_caption_tells_the_second_threshold_of_a_double_range() -> None:
    names = ("threshold[images=imagenet]", "double[images=imagenet]")
    given = results((condition("none"), *(condition(name, "threshold") for name in names)), epochs=2)
    for row in given.specs.itertuples():
        if row.condition == names[1] and pd.isna(row.evaluation):
            row.spec["regularizer"]["threshold_low"] = 0.2
    told = captions(replace(given, suite="similarity-ranges"))[20]
    assert "S_Th: α = 10, Th = 0.8, N = 5000; S_double: α = 10, Th = 0.8, Th2 = 0.2, N = 5000." in told
