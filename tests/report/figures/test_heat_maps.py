"""Fourier heat maps: from the arrays of results to panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import invented
import numpy as np
import pandas as pd
import pytest
from invented import FOUR, GRID, results

from harness.errors import StoreError
from harness.report.arrays import Arrays
from harness.report.figures.drawings import Drawing, pictures
from harness.report.figures.heat_maps import heat_maps
from harness.report.figures.looks import looks
from harness.report.figures.style import TALLEST, WIDTH, put_above, styled
from harness.report.notes import absent_note
from harness.report.results import Results
from harness.store import arrays

MAP = np.linspace(0.2, 0.6, 6 * 8).reshape(6, 8)
COMPARED = {"pixel": "none", "threshold": "none"}


def stored(
    folder: Path, maps: Mapping[tuple[str, int], np.ndarray], given: Results | None = None, evaluation: str = "fourier"
) -> Results:
    """Results with those maps by condition and seed."""
    rows = []
    for (condition, seed), accuracy in maps.items():
        where = {"condition": condition, "seed": seed, "evaluation": evaluation, "kind": "fourier", "shape": ""}
        both = {"accuracy": accuracy, "hits": accuracy > 0}
        for file in arrays.save(folder, f"{condition}-{seed}-{evaluation}", both):
            rows.append(where | {"name": file.name, "file": file.file, "sha256": file.sha256})
    given = given or results(epochs=2)
    specs = [(name, evaluation, {"kind": "fourier", "epsilon": 3.5}) for name in given.order]
    return replace(
        given,
        arrays=pd.concat([given.arrays, pd.DataFrame(rows)]),
        specs=pd.concat([given.specs, pd.DataFrame(specs, columns=list(given.specs))]),
    )


def drawn(given: Results, folder: Path, compared: Mapping[str, str] = COMPARED) -> dict[str, Drawing]:
    return {each.name: each for each in heat_maps(given, Arrays(given.arrays, folder), compared)}


def shown(drawing: Drawing, given: Results):
    """Its figure, laid out."""
    with styled():
        figure = drawing.draw(drawing.data, looks(given.conditions))
        figure.draw_without_rendering()
    return figure


TWO = {("none", 0): MAP, ("none", 1): MAP + 0.2, ("pixel", 0): MAP + 0.1, ("pixel", 1): MAP[::-1] + 0.1}


def test_a_map_is_the_mean_over_seeds_at_each_frequency(tmp_path: Path) -> None:
    found = drawn(stored(tmp_path, TWO), tmp_path)["fourier-map"].data
    none = found[found["condition"] == "none"].set_index(["down", "across"])
    assert len(none) == 48
    assert none.index.min() == (-3, -4)
    assert none.index.max() == (2, 3)
    assert none.loc[(0, 0), "mean"] == pytest.approx(MAP[3, 4] + 0.1)
    assert none.loc[(-3, 2), "sem"] == pytest.approx(0.1)
    assert set(none["n"]) == {2}


def test_a_difference_is_that_of_the_seeds_that_both_have(tmp_path: Path) -> None:
    """Seed 2 of `pixel` has no counterpart, and `threshold` has none at all."""
    maps = TWO | {("pixel", 2): MAP, ("threshold", 2): MAP}
    given = stored(tmp_path, maps, results(epochs=2, seeds=3))
    found = drawn(given, tmp_path)["fourier-differences"].data.set_index(["condition", "down", "across"])
    assert {*found.index.get_level_values("condition")} == {"pixel"}
    assert (set(found["baseline"]), set(found["n"])) == ({"none"}, {2})
    expected = ((MAP + 0.1 - MAP) + (MAP[::-1] + 0.1 - MAP - 0.2)) / 2
    assert found.loc[("pixel", -2, 1), "mean"] == pytest.approx(expected[1, 5])


def test_models_that_diverged_are_in_no_map(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO)
    wild = (given.models["condition"] == "none") & (given.models["seed"] == 1)
    given = replace(given, models=given.models.assign(status=np.where(wild, "diverged", "ok")))
    found = drawn(given, tmp_path)["fourier-map"].data
    assert set(found.loc[found["condition"] == "none", "n"]) == {1}


def test_all_maps_have_one_scale_and_lie_where_their_frequencies_are(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO)
    figure = shown(drawn(given, tmp_path)["fourier-map"], given)
    *panels, bar = figure.axes
    images = [panel.images[0] for panel in panels]
    assert [panel.get_title() for panel in panels] == ["none (n\u00a0=\u00a02)", "pixel (n\u00a0=\u00a02)"]
    assert [image.get_clim() for image in images] == [pytest.approx((30, 70))] * 2
    assert {tuple(image.get_extent()) for image in images} == {(-4.5, 3.5, 2.5, -3.5)}
    np.testing.assert_allclose(images[0].get_array(), 100 * (MAP + 0.1))
    assert [(each.width, each.height) for each in panels[0].patches[::2]] == [(8 / 3, 2), (16 / 3, 4)]
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("Cycles per image, across", "Cycles per image, down")
    assert bar.get_ylabel() == "Accuracy (%)"


def test_differences_have_0_in_the_middle_of_their_colors(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO | {("threshold", 0): MAP - 0.2, ("threshold", 1): MAP - 0.1})
    drawing = drawn(given, tmp_path)["fourier-differences"]
    *panels, bar = shown(drawing, given).axes
    assert [panel.images[0].get_clim() for panel in panels] == [pytest.approx((-25, 25))] * 2
    assert bar.get_ylabel() == "Difference (points)"
    assert "Differences of Fourier heat maps to none" in drawing.caption


def test_captions_say_what_was_added_and_to_how_many_images(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO)
    images = pd.DataFrame([("none", "fourier", "fourier", 500)], columns=["condition", "evaluation", "kind", "n"])
    for drawing in drawn(replace(given, images=images), tmp_path).values():
        assert "an L2 norm of 3.5, pixels in [0, 1]" in drawing.caption
        assert drawing.caption.endswith("Test images behind each model's number: Fourier basis 500.")


def test_each_fourier_evaluation_has_a_figure_of_its_own(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO, stored(tmp_path, TWO), "weaker")
    assert list(drawn(given, tmp_path)) == ["fourier-map", "fourier-differences", "weaker-map", "weaker-differences"]


@pytest.mark.parametrize(("conditions", "measured"), [(FOUR, 1), (FOUR, 4), (GRID, 9)])
def test_equal_maps_of_one_or_many_conditions_can_be_drawn(conditions, measured, tmp_path: Path) -> None:
    names = [row["condition"] for row in conditions[:measured]]
    flat = {(name, 0): np.full((5, 7), 0.5) for name in names}
    given = stored(tmp_path, flat, results(conditions, epochs=2))
    found = drawn(given, tmp_path, dict.fromkeys(names[1:], "none"))
    assert len(found) == (1 if measured == 1 else 2)
    for drawing in found.values():
        assert pictures(drawing, given, ("png",))["png"].startswith(b"\x89PNG")
        figure = shown(drawing, given)
        assert figure.axes[-1].get_window_extent().width / figure.dpi < 0.1, "a bar, not a wall"


@pytest.mark.parametrize("shape", [(32, 32), (64, 36)])
def test_maps_of_any_number_of_conditions_are_on_as_many_pages_as_they_need(shape, tmp_path: Path) -> None:
    conditions = [invented.condition(f"threshold[alpha={alpha},threshold=0.8]", "threshold") for alpha in range(16)]
    conditions.insert(0, invented.condition("none"))
    names = [row["condition"] for row in conditions]
    accuracy = np.linspace(0.1, 0.9, shape[0] * shape[1]).reshape(shape)
    maps = {(name, 0): accuracy * (1 - number / 100) for number, name in enumerate(names)}
    given = stored(tmp_path, maps, results(conditions, seeds=1, epochs=1))
    found = drawn(given, tmp_path, dict.fromkeys(names[1:], "none"))
    parts = [each for name, each in found.items() if "map" in name]
    assert [each.name for each in parts] == [f"fourier-map-{number}" for number in range(1, len(parts) + 1)]
    assert sorted(name for each in parts for name in each.data["condition"].unique()) == sorted(names)
    scales = set()
    for number, each in enumerate(parts, start=1):
        assert f"Part {number} of {len(parts)}" in each.caption
        figure = shown(each, given)
        put_above(figure, "Stand-ins: " + "cifar10, " * 40)
        assert figure.get_figwidth() == WIDTH
        assert figure.get_figheight() <= TALLEST
        figure.draw_without_rendering()
        *panels, _ = figure.axes
        scales |= {panel.images[0].get_clim() for panel in panels}
        sides = [max(panel.get_window_extent().bounds[2:]) / figure.dpi for panel in panels]
        assert min(sides) > 0.95, "inches; smaller maps cannot be read"
    [scale] = scales
    assert scale == pytest.approx((100 * 0.1 * 0.84, 90))


def test_arrays_in_another_folder_are_left_out_and_named_and_altered_ones_refused(tmp_path: Path) -> None:
    given = stored(tmp_path, TWO)
    assert list(absent_note(Arrays(given.arrays, tmp_path))) == []
    [gone] = tmp_path.glob("none-1-fourier/accuracy-*")
    gone.unlink()
    found = drawn(given, tmp_path)["fourier-map"].data
    assert set(found.loc[found["condition"] == "none", "n"]) == {1}
    [told] = absent_note(Arrays(given.arrays, tmp_path))
    assert told == "Fourier heat maps that lie in another results folder, by condition (seeds): none (1)."
    assert drawn(given, tmp_path / "nowhere") == {}
    [altered] = tmp_path.glob("pixel-0-fourier/accuracy-*")
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="truncated or altered"):
        drawn(given, tmp_path)
