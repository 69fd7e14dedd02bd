"""Suites that take over another's tables, collections of suites, external models and analyses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SpecError, UnknownName
from harness.spec import RobustBenchSpec, Suite, parse_suite, read_collection
from harness.spec.extends import laid_over

OWN = """
extends = "base"
title = "Another question"

[train]
network.base_width = 8

[conditions.none]

[conditions.strong.regularizer]
target = "threshold"
threshold = 0.9
"""


@pytest.fixture
def files(tmp_path: Path, text: str) -> dict[str, Path]:
    path = tmp_path / "base.toml"
    path.write_text(text)
    return {"base": path}


def parsed(files: dict[str, Path], text: str, profile: str = "paper", name: str = "own") -> Suite:
    path = files["base"].with_name(f"{name}.toml")
    path.write_text(text)
    return parse_suite(path, profile, files | {name: path})


def test_everything_but_title_figures_conditions_and_analyses_is_taken_over(files: dict[str, Path]) -> None:
    suite = parsed(files, OWN, "smoke")
    assert (suite.title, suite.seeds) == ("Another question", (0,))
    assert list(suite.conditions) == ["none", "strong"]
    strong = suite.conditions["strong"]
    assert (strong.network.base_width, strong.network.architecture, strong.n_train) == (8, "resnet34", 100)
    assert (strong.regularizer.alpha, strong.regularizer.n_images) == (10, 50)
    assert suite.evaluations["strong"].sizes == 3


def test_a_suite_without_conditions_of_its_own_is_told_that_they_are_not_taken_over(files: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match=r"^own\.toml: conditions are missing, which are not taken over from base$"):
        parsed(files, 'extends = "base"\ntitle = "Another question"')


def test_profiles_of_conditions_are_not_taken_over(files: dict[str, Path]) -> None:
    suite = parsed(files, OWN.replace("strong", "pixel"), "smoke")
    assert suite.conditions["pixel"].regularizer.alpha == 10


def test_an_evaluation_that_is_false_is_left_out_in_every_profile(files: dict[str, Path]) -> None:
    text = OWN + "\n[evaluations]\nstrong = false\n"
    for profile in ("paper", "smoke"):
        assert list(parsed(files, text, profile).evaluations) == ["clean", "boundary"]


def test_no_profile_leaves_out_an_evaluation_alone(files: dict[str, Path]) -> None:
    said = r"own\.toml: profiles\.smoke\.evaluations\.strong is false, .* in every profile or in none; say it in \[eval"
    with pytest.raises(SpecError, match=said):
        parsed(files, OWN + "\n[profiles.smoke]\nevaluations.strong = false\n")


def test_what_is_left_out_must_be_there(files: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match=r"own\.toml: no evaluation of base called 'strnog'; did you mean 'strong'\?"):
        parsed(files, OWN + "\n[evaluations]\nstrnog = false\n")


def test_nothing_can_be_left_out_of_a_suite_without_evaluations(files: dict[str, Path]) -> None:
    files["base"].write_text('title = "No evaluations"\nseeds = [0]\n[train]\n[conditions.none]\n')
    with pytest.raises(SpecError, match=r"own\.toml: no evaluation of base called 'clean'; known: none"):
        parsed(files, OWN + "\n[evaluations]\nclean = false\n")


def test_a_suite_may_extend_one_that_extends(files: dict[str, Path]) -> None:
    middle = files["base"].with_name("middle.toml")
    middle.write_text(OWN)
    last = '\nextends = "middle"\ntitle = "The last"\n[conditions.none]\n'
    suite = parsed(files | {"middle": middle}, last)
    assert suite.conditions["none"].network.base_width == 8


def test_a_circle_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match=r"own.toml: it extends itself"):
        parsed(files, OWN.replace('"base"', '"own"'))


def test_an_unknown_base_is_refused_with_the_nearest_name(files: dict[str, Path]) -> None:
    with pytest.raises(UnknownName, match=r"no suite \(that own.toml extends\) called 'bass'; did you mean 'base'"):
        parsed(files, OWN.replace('"base"', '"bass"'))


def test_a_wrong_key_in_what_is_laid_over_is_found(files: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match=r"no key 'train\.network\.base_with'; did you mean 'base_width'"):
        parsed(files, OWN.replace("base_width", "base_with"))


def test_suites_that_say_the_same_have_the_same_conditions(files: dict[str, Path]) -> None:
    twin = parsed(files, '\nextends = "base"\ntitle = "Twin"\n[conditions.pixel.regularizer]\ntarget = "pixel"\n')
    original = parse_suite(files["base"], "paper")
    assert twin.conditions["pixel"] == original.conditions["pixel"]


def test_an_external_model_stands_alone(files: dict[str, Path]) -> None:
    suite = parsed(files, OWN + '\n[conditions.standard]\nexternal = { model = "Standard" }\n')
    assert suite.conditions["standard"] == RobustBenchSpec(model="Standard")
    with pytest.raises(SpecError, match="an external model is not trained here, so remove n_train"):
        parsed(files, OWN + '\n[conditions.standard]\nexternal = { model = "Standard" }\nn_train = 10\n')


def test_an_unknown_external_model_is_refused_by_name(files: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match=r"external\.model should be 'Standard', .*got 'Standart'"):
        parsed(files, OWN + '\n[conditions.standard]\nexternal = { model = "Standart" }\n')


def test_analyses_have_kinds_like_evaluations(files: dict[str, Path]) -> None:
    suite = parsed(files, OWN + '\n[analyses]\nnoise_examples = { images = "digits", epsilon = 0.2 }\n')
    assert suite.analyses["noise_examples"].epsilon == 0.2
    with pytest.raises(SpecError, match="no kind of analysis called 'nois_examples'; did you mean 'noise_examples'"):
        parsed(files, OWN + '\n[analyses]\nnois_examples = { images = "digits" }\n')


def test_a_collection_names_suites_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "all.toml"
    path.write_text('title = "All"\nsuites = ["a", "b"]\n')
    found = read_collection(path)
    assert found is not None
    assert (found.name, found.title, found.suites) == ("all", "All", ("a", "b"))
    path.write_text('title = "All"\nsuites = ["a"]\nseeds = "0"\n')
    with pytest.raises(SpecError, match="no key 'seeds'"):
        read_collection(path)


TABLES = st.recursive(
    st.integers(), lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3), max_leaves=8
).filter(lambda table: isinstance(table, dict))


@given(TABLES, TABLES)
def test_the_special_table_wins_and_the_general_one_fills_in(base, overlay):
    merged = laid_over(base, overlay)
    assert laid_over(merged, overlay) == merged
    assert set(merged) == set(base) | set(overlay)
    assert laid_over(base, {}) == base
