from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError, UnknownName
from harness.spec import parse_suite


def test_tables_are_laid_over_from_the_general_to_the_special(parse):
    suite = parse(profile="smoke")
    pixel, threshold = suite.conditions["pixel"], suite.conditions["threshold"]
    assert (pixel.n_train, pixel.network.base_width, pixel.network.architecture) == (100, 4, "resnet34")
    assert (pixel.regularizer.alpha, threshold.regularizer.alpha) == (2, 10)
    assert pixel.regularizer.n_images == threshold.regularizer.n_images == 50
    assert (suite.evaluations["strong"].sizes, suite.evaluations["strong"].max_epsilon) == (3, 0.5)
    assert suite.seeds == (0,)


def test_a_profile_that_is_not_written_changes_nothing(parse):
    suite = parse(profile="paper")
    assert suite.seeds == (0, 1)
    assert suite.conditions["pixel"].n_train is None


def test_a_condition_without_a_regularizer_table_is_unregularized(parse):
    assert parse().conditions["none"].regularizer is None


def test_a_grid_stands_for_each_combination(parse):
    points = {name: spec for name, spec in parse().conditions.items() if name.startswith("sweep")}
    assert list(points) == [f"sweep[threshold={t},alpha={a}]" for t in (0.2, 0.4) for a in (1, 10)]
    regularizer = points["sweep[threshold=0.4,alpha=1]"].regularizer
    assert (regularizer.threshold, regularizer.alpha, regularizer.images) == (0.4, 1, "digits")


def test_an_evaluation_is_of_the_kind_that_its_name_says_unless_it_says_another(parse):
    assert {name: spec.kind for name, spec in parse().evaluations.items()} == {
        "clean": "clean",
        "boundary": "boundary",
        "strong": "gaussian",
    }


MISTAKES = {
    "a key in [train]": (("base_width", "base_with"), "no key 'train.network.base_with'; did you mean 'base_width'?"),
    "a key of a table in [train]": (
        ("network.base_width = 4", "epochs = 4"),
        "no key 'train.epochs'; did you mean 'optimisation.epochs'?",
    ),
    "a key of a table of a condition": (
        ('regularizer.target = "threshold"', "options = {}"),
        "no key 'conditions.sweep.options'; did you mean 'network.options' or 'regularizer.options' or",
    ),
    "a key of an evaluation": (("steps", "stepz"), "no key 'evaluations.boundary.stepz'; did you mean 'steps'?"),
    "a key of a profile": (("n_train", "n_tran"), "no key 'profiles.smoke.train.n_tran'; did you mean 'n_train'?"),
    "a key of a profile's evaluation": (
        ("strong.sizes", "strong.size"),
        "no key 'profiles.smoke.evaluations.strong.size'; did you mean 'sizes'?",
    ),
    "a key at the top": (("title", "titel"), "no key 'titel'; did you mean 'title'?"),
    "a key of a grid": (
        ("regularizer.alpha", "regularizer.alpa"),
        "no key 'conditions.sweep.grid.regularizer.alpa'; did you mean 'alpha'?",
    ),
    "a required key, misspelt": (
        ("classification", "clasification"),
        "no key 'train.clasification'; did you mean 'classification'?",
    ),
    "a required key, left out": (
        ('classification = "digits"', ""),
        "conditions none, pixel, threshold and 4 more: classification is missing",
    ),
    "a required key of the regularizers": (
        ('images = "digits"', ""),
        "conditions pixel, threshold, sweep[threshold=0.2,alpha=1] and 3 more: regularizer.images is missing",
    ),
    "a kind": (
        ("boundary =", "boundry ="),
        "boundry: no kind of evaluation called 'boundry'; did you mean 'boundary'?; a name of your own needs `kind`",
    ),
    "a kind that is given": (
        ('"gaussian"', '"gausian"'),
        "evaluations.strong: no kind of evaluation called 'gausian'; did you mean 'gaussian'?",
    ),
    "a profile": (("profiles.smoke", "profiles.smok"), "profiles.smok should be 'paper', 'small' or 'smoke'"),
    "a profile's condition": (
        ("conditions.pixel.regularizer.alpha", "conditions.pixl.regularizer.alpha"),
        "a profile can only change what the suite has: no condition called 'pixl'; did you mean 'pixel'?",
    ),
    "a profile's evaluation": (
        ("evaluations.strong.sizes", "evaluations.stronk.sizes"),
        "a profile can only change what the suite has: no evaluation called 'stronk'; did you mean 'strong'?",
    ),
    "alpha": (("alpha = 10", "alpha = -1"), "regularizer.alpha should be greater than or equal to 0, got -1"),
    "Th": (
        ("threshold = 0.8", "threshold = 1.0"),
        "conditions.threshold.regularizer.threshold should be less than 1, got 1.0",
    ),
    "Th left out": (
        ("threshold = 0.8", ""),
        "conditions threshold: regularizer: threshold is missing: target 'threshold' with pair_range 'all' needs it",
    ),
    "Th2 above Th1": (
        ("threshold = 0.8", 'threshold = 0.8\npair_range = "double"\nthreshold_low = 0.9'),
        "conditions threshold: regularizer: threshold_low (Th2) must be below threshold (Th1), got 0.9 and 0.8",
    ),
    "an empty axis": (("[1, 10]", "[]"), "conditions.sweep.grid.regularizer.alpha: List should have at least 1 item"),
    "a key of a grid without quotes": (
        ('grid."regularizer.alpha" =', "grid.regularizer.alpha ="),
        'conditions.sweep.grid: a key with dots needs quotes, as in grid = { "regularizer.alpha" = [1, 4] }',
    ),
    "a value of a grid": (("[1, 10]", "[-1]"), "conditions.sweep.grid.regularizer.alpha should be greater than"),
    "seeds": (('"0-1"', '"3-1"'), "seeds: seeds are written like 0-6 or 0,2,5-7, got '3-1'"),
    "a number of seeds": (
        ('"0-1"', "5"),
        "seeds: one number may be a seed or how many there are: write [5] or a range, got 5",
    ),
    "a number that is text": (("base_width = 4", 'base_width = "x"'), "train.network.base_width should be a valid int"),
    "a number that no database holds": (
        ("steps = 3", "steps = 99999999999999999999"),
        "evaluations.boundary.steps should be less than or equal to 9223372036854775807",
    ),
    "a number that its limit begins with": (("n_train = 100", "n_train = 1"), "or equal to 10, got 1"),
    "a table that is none": (("[conditions.none]", "[conditions]\nnone = 3"), "none should be a table, got 3"),
    "a list that is none": (
        ("clean = {}", 'corruption = { images = "digits-c", severities = 5 }'),
        "evaluations.corruption.severities should be a list, got 5",
    ),
    "options that are no table": (
        ("network.base_width = 4", "network = { options = [1] }"),
        "train.network.options should be a table, got [1]",
    ),
    "an option that is a list": (
        ("clean = {}", 'mine = { kind = "own_attack", function = "mine.py:f", options.steps = [1, 2] }'),
        "evaluations.mine.options.steps should be a finite number, a text, true or false, got [1, 2]",
    ),
    "an option that is a table": (
        ("[conditions.none]", '[conditions.none]\npenalty = { function = "mine.py:f", options.steps.first = 1 }'),
        "conditions.none.penalty.options.steps should be a finite number, a text, true or false",
    ),
    "an option that is not finite": (
        ("network.base_width = 4", "network.options.depth = inf"),
        "train.network.options.depth should be a finite number, a text, true or false, got inf",
    ),
    "a point of a grid twice": (
        ("[1, 10]", "[1, 10, 1]"),
        "the grid of conditions.sweep has sweep[threshold=0.2,alpha=1] twice",
    ),
    "points of a grid that look alike": (
        ("[0.2, 0.4]", '[0.2]\ngrid."regularizer.options.x" = [true, "True"]'),
        "the grid of conditions.sweep has sweep[threshold=0.2,x=True,alpha=1] twice",
    ),
    "a yes that is text": (
        ("alpha = 10", 'alpha = 10\nshuffled = "yes"'),
        "regularizer.shuffled should be a valid boolean, got 'yes'",
    ),
    "a name that fits into no table": (
        ("[conditions.none]", f"[conditions.{'a' * 101}]"),
        "aaa': a name is made of letters, digits and _ . + -, at most 100",
    ),
    "a name": (("[conditions.none]", '[conditions."no ne"]'), "condition 'no ne': a name is made of letters"),
    "TOML": (("[train]", "[train"), "not valid TOML"),
}


@pytest.mark.parametrize(("replacement", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_that_names_the_file_and_what_is_written(parse, replacement, message):
    with pytest.raises(SpecError) as caught:
        parse(replacement, profile="smoke")
    text = str(caught.value)
    assert text.startswith("written.toml")
    assert message in text
    assert "\n" not in text


def test_a_file_may_begin_with_the_mark_that_some_editors_write(parse):
    assert parse(('\ntitle = "A suite', '\ufefftitle = "A suite')).title == "A suite of every form"


def test_a_profile_that_does_not_exist_is_refused(parse):
    with pytest.raises(UnknownName, match="no profile called 'smok'; did you mean 'smoke'"):
        parse(profile="smok")


def test_a_file_that_is_gone_is_refused(tmp_path: Path):
    with pytest.raises(SpecError, match="No such file"):
        parse_suite(tmp_path / "gone.toml", "paper")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("clean = {}", "clean = { n_images = true }", "evaluations.clean.n_images should be a valid integer, got True"),
        ("clean = {}", 'clean = { n_images = "50" }', "evaluations.clean.n_images should be a valid integer, got '50'"),
        (
            "max_epsilon = 0.5",
            'max_epsilon = "0.5"',
            "strong.max_epsilon should be a valid number, got '0.5'",
        ),
    ],
)
def test_what_only_looks_like_a_number_is_refused(parse, before, after, said):
    with pytest.raises(SpecError) as error:
        parse((before, after))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('again = { kind = "boundary", steps = 3, n_images = 5 }', "again and boundary"),
        (
            'fog = { kind = "corruption", images = "digits-c", corruptions = ["fog", "snow"] }\n'
            'snow = { kind = "corruption", images = "digits-c", corruptions = ["snow"] }',
            "fog and snow",
        ),
        (
            'all = { kind = "corruption", images = "digits-c" }\n'
            'snow = { kind = "corruption", images = "digits-c", corruptions = ["snow"] }',
            "all and snow",
        ),
    ],
)
def test_evaluations_that_a_report_cannot_tell_apart_are_refused_before_they_run(parse, more, said):
    with pytest.raises(SpecError, match=rf"evaluations {said} .* make two suites"):
        parse(("clean = {}", f"clean = {{}}\n{more}"))


@pytest.mark.parametrize("name", ["uniform", "fgsm_transfer", "train", "training"])
def test_an_evaluation_whose_name_means_something_else_in_tables_is_refused(parse, name):
    said = f"written.toml: evaluations.{name} is of the kind gaussian, .* give it another name"
    with pytest.raises(SpecError, match=said):
        parse(("strong = {", f"{name} = {{"), ("evaluations.strong.", f"evaluations.{name}."))


def test_evaluations_of_a_kind_may_differ_in_what_a_report_shows(parse):
    more = """
slow = { kind = "boundary", steps = 30 }
fog = { kind = "corruption", images = "digits-c", corruptions = ["fog"] }
snow = { kind = "corruption", images = "digits-c", corruptions = ["snow"] }
"""
    assert len(parse(("clean = {}", f"clean = {{}}{more}")).evaluations) == 6


def test_evaluations_of_the_same_corruptions_may_differ_in_severity(parse):
    more = """
light = { kind = "corruption", images = "digits-c", severities = [1, 2] }
heavy = { kind = "corruption", images = "digits-c", severities = [3, 4, 5] }
"""
    found = parse(("clean = {}", f"clean = {{}}{more}")).evaluations
    assert [found[name].severities for name in ("light", "heavy")] == [(1, 2), (3, 4, 5)]


def test_a_regularizer_that_no_condition_has_is_refused(text, tmp_path):
    path, (head, _) = tmp_path / "mine.toml", text.split("[conditions.pixel.", 1)

    def conditions(written):
        path.write_text(f"{head}[conditions.mine]\n{written}\n[evaluations]\nclean = {{}}\n")
        return parse_suite(path, "paper").conditions

    with pytest.raises(SpecError, match=r"^mine\.toml: no condition has a regularizer: .* \[conditions\.NAME\.regu"):
        conditions("")
    assert conditions('regularizer.target = "pixel"')["mine"].regularizer.alpha == 10
    [_, swept] = conditions('grid = { "regularizer.target" = ["pixel"] }').values()
    assert swept.regularizer.alpha == 10
