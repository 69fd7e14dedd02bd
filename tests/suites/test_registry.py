from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError, UnknownName
from harness.spec import PROFILES
from harness.suites.registry import builtin_folder, catalogue, get_suites, suite_files


@pytest.fixture
def own(tmp_path, with_settings) -> Path:
    """A folder of suites of a user's own."""
    with_settings(experiments_dir=tmp_path)
    return tmp_path


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", [path.stem for path in builtin_folder().glob("*.toml")])
def test_every_suite_is_valid_at_every_profile(name, profile):
    assert get_suites(name, profile)[0].profile == profile


def test_an_unknown_suite_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="no suite called 'quikstart'; did you mean 'quickstart'"):
        get_suites("quikstart", "smoke")


@pytest.mark.parametrize("path", ["quickstart.toml", "experiments/quickstart.toml", "./quickstart"])
def test_a_suite_that_is_named_by_its_file_is_refused_with_its_name(path):
    with pytest.raises(
        SpecError, match=f"no suite called '{path}'; without folder and ending it is called quickstart$"
    ):
        get_suites(path, "smoke")


@pytest.mark.parametrize("is_set", [False, True])
def test_an_unknown_suite_is_refused_with_the_place_where_ones_own_are_looked_for(tmp_path, with_settings, is_set):
    with_settings(experiments_dir=tmp_path if is_set else "")
    where = f"HARNESS_EXPERIMENTS_DIR, which is {tmp_path if is_set else 'not set'}"
    with pytest.raises(UnknownName, match=f"; one of your own is a file of the folder {where}$"):
        get_suites("mine", "smoke")


def test_a_users_suites_stand_beside_the_built_in_ones(own):
    (own / "mine.toml").write_text((builtin_folder() / "quickstart.toml").read_text())
    assert {"mine", "quickstart"} <= set(suite_files())
    [mine], [original] = get_suites("mine", "smoke"), get_suites("quickstart", "smoke")
    assert mine.conditions == original.conditions


def test_the_settings_decide_precisions_that_a_suite_does_not_say(own, with_settings):
    said = "fgsm_transfer = { precision = 'float32' }\n[conditions.exact]\nprecision = 'float32'\n[conditions.none]"
    (own / "mine.toml").write_text(f"extends = 'quickstart'\ntitle = 'Mine'\n[evaluations]\n{said}\n")
    with_settings(train_precision="tf32", evaluation_precision="auto")
    [suite] = get_suites("mine", "smoke")
    assert {name: spec.precision for name, spec in suite.conditions.items()} == {"exact": "float32", "none": "tf32"}
    precisions = {name: spec.precision for name, spec in suite.evaluations.items()}
    assert precisions.pop("fgsm_transfer") == "float32"
    assert set(precisions.values()) == {"auto"}
    assert suite == catalogue("smoke").suites["mine"]


@pytest.mark.parametrize("evaluation", ["hop_skip_jump = {}", "mine = { kind = 'hop_skip_jump' }"])
def test_the_settings_leave_what_has_one_precision_alone(evaluation, own, with_settings):
    text = f"extends = 'quickstart'\ntitle = 'Mine'\n[evaluations]\n{evaluation}\n[conditions.none]\n"
    (own / "mine.toml").write_text(text)
    with_settings(evaluation_precision="bfloat16")
    [suite] = get_suites("mine", "smoke")
    precisions = [spec.precision for spec in suite.evaluations.values() if spec.kind == "hop_skip_jump"]
    assert precisions == ["float32"]


def test_a_suite_that_says_the_precision_of_its_trainings_keeps_it(own, with_settings):
    said = "[train]\nprecision = 'bfloat16'\n[conditions.exact]\nprecision = 'float32'\n[conditions.none]"
    (own / "mine.toml").write_text(f"extends = 'quickstart'\ntitle = 'Mine'\n{said}\n")
    with_settings(train_precision="tf32")
    [suite] = get_suites("mine", "smoke")
    assert {name: spec.precision for name, spec in suite.conditions.items()} == {"exact": "float32", "none": "bfloat16"}


@pytest.mark.parametrize("profile", PROFILES)
def test_long_boundary_attacks_stay_float32_whatever_the_settings_say(with_settings, profile):
    with_settings(evaluation_precision="bfloat16")
    spectra = [
        each
        for suite in catalogue(profile).suites.values()
        for each in suite.evaluations.values()
        if each.kind == "spectrum"
    ]
    assert spectra
    assert {each.precision for each in spectra} == {"float32"}


def test_two_suites_of_one_name_are_refused(own):
    (own / "quickstart.toml").write_text((builtin_folder() / "quickstart.toml").read_text())
    with pytest.raises(SpecError, match="two suites are called 'quickstart'"):
        suite_files()


def test_what_editors_leave_beside_a_suite_is_none(own):
    before = suite_files()
    (own / ".#mine.toml").symlink_to("someone@somewhere.1234")  # Emacs' lock
    (own / "._mine.toml").write_bytes(b"\0")
    assert suite_files() == before


@pytest.mark.parametrize("name", ["-x", "my suite", "$(mine)"])
def test_a_name_that_no_command_could_be_given_as_it_is_is_refused(own, name):
    (own / f"{name}.toml").write_text((builtin_folder() / "quickstart.toml").read_text())
    with pytest.raises(SpecError, match=r"a suite's name is made of .*; rename the file"):
        get_suites(name, "smoke")
    assert set(catalogue("smoke").wrong) == {name}


def test_a_folder_that_is_not_there_is_refused(own, with_settings):
    with_settings(experiments_dir=own / "gone")
    with pytest.raises(SpecError, match="HARNESS_EXPERIMENTS_DIR"):
        suite_files()


def test_the_catalogue_has_every_suite_and_collection_once(own):
    (own / "mine.toml").write_text('title = "Two"\nsuites = ["quickstart", "mnist"]')
    found = catalogue("smoke")
    assert set(found.suites) | set(found.collections) == set(suite_files())
    assert set(found.collections) == {"mine", "paper"}
    assert {suite.profile for suite in found.suites.values()} == {"smoke"}
    assert found.suites["mnist"] == get_suites("mnist", "smoke")[0]


def test_a_collection_of_collections_is_refused(own):
    (own / "mine.toml").write_text('title = "Two"\nsuites = ["paper"]')
    with pytest.raises(SpecError, match=r"mine\.toml: paper is a collection itself; name its suites"):
        get_suites("mine", "smoke")


def test_a_file_that_is_wrong_hides_no_other(own):
    whole = catalogue("smoke")
    (own / "typo.toml").write_text('title = "Half')
    (own / "over.toml").write_text('extends = "typo"')
    (own / "both.toml").write_text('title = "Two"\nsuites = ["quickstart", "typo"]')
    (own / "moved.toml").symlink_to("where it was")
    found = catalogue("smoke")
    assert (found.suites, found.collections) == (whole.suites, whole.collections)
    assert set(found.wrong) == {"typo", "over", "both", "moved"}
    assert str(found.wrong.pop("moved")) == f"{own / 'moved.toml'}: No such file or directory"
    assert {str(error).split(": ")[0] for error in found.wrong.values()} == {"typo.toml"}
