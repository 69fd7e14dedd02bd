from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from invented import results

from harness.report.autoattack_table import autoattack_table
from harness.report.results import Results
from harness.spec import AutoAttackSpec

COLUMNS = ["condition", "seed", "attack", "left", "evaluation", "epsilon"]


def attacked(*left: tuple[str, int, str, float], evaluation: str = "autoattack", **asked: object) -> Results:
    """Condition, seed, attack and what it left; asked: settings of the evaluation."""
    given = results()
    spec = AutoAttackSpec(max_epsilon=0.5, **asked).model_dump(mode="json")
    rows = [
        {
            "condition": condition,
            "seed": seed,
            "attack": attack,
            "left": share,
            "evaluation": evaluation,
            "epsilon": 0.5,
        }
        for condition, seed, attack, share in left
    ]
    row = pd.DataFrame([{"condition": "none", "evaluation": evaluation, "spec": spec}])
    return replace(given, left=pd.DataFrame(rows, columns=COLUMNS), specs=pd.concat([row, given.specs]))


def test_a_row_has_what_each_attack_left_over_the_seeds_that_finished():
    given = attacked(
        *(("threshold", seed, "apgd-ce", 0.3) for seed in (0, 1)),
        *(("threshold", seed, "square", share) for seed, share in ((0, 0.2), (1, 0.3))),
        ("none", 0, "apgd-ce", 0.1),
        ("none", 1, "apgd-ce", 0.9),
        norm="l2",
        evaluation="mine",
    )
    diverged = (given.models["condition"] == "none") & (given.models["seed"] == 1)
    table = autoattack_table(replace(given, models=given.models.assign(status=diverged.map({True: "x", False: "ok"}))))
    assert table.columns[4:] == ("APGD-CE\nleft (%)", "Square\nleft (%)")
    assert table.rows == (
        ("none", "mine", "0.5 L2", "1", "10.0", "–"),
        ("threshold", "mine", "0.5 L2", "2", "30.0 ± 0.0", "25.0 ± 5.0"),
    )


@pytest.mark.parametrize(
    ("by_square", "said"),
    [
        (0.200, "No sign of masked gradients where both were tried: Square found at most 0.2 points"),
        (0.198, "No sign of masked gradients where both were tried: Square found at most 0.2 points"),
        (0.196, "where Square found more than 0.2 points beyond them: none (AutoAttack, ε = 0.5) 0.4 points. "),
        (0.15, "where Square found more than 0.2 points beyond them: none (AutoAttack, ε = 0.5) 5.0 points. "),
    ],
)
def test_gradients_seem_masked_where_the_search_finds_more_than_the_librarys_bound(by_square, said):
    table = autoattack_table(
        attacked(
            ("none", 0, "apgd-ce", 0.3),
            ("none", 0, "fab-t", 0.2),
            ("none", 0, "square", by_square),
            ("pixel", 0, "fab-t", 0.4),
            ("pixel", 0, "square", 0.4),
        )
    )
    assert said in table.notes[-1]
    assert "pixel" not in table.notes[-1]


def test_what_one_seed_hides_counts_on_the_average():
    mean = attacked(
        *(("none", seed, "fab-t", 0.2) for seed in (0, 1)), ("none", 0, "square", 0.2), ("none", 1, "square", 0.194)
    )
    assert "0.3 points" in autoattack_table(mean).notes[-1]


@pytest.mark.parametrize("square", [0.2, 0.19])
@pytest.mark.parametrize(
    ("n", "told"),
    [
        (100, ["One of 100 images is 1.0 points; where Square found none, it may still be up to 3.0 points"]),
        (499, ["One of 499 images is 0.2 points; where Square found none, it may still be up to 0.6 points"]),
        (500, []),
    ],
)
def test_of_fewer_images_than_the_bound_can_tell_the_notes_say_what_one_is(n, told, square):
    given = attacked(("none", 0, "fab-t", 0.2), ("none", 0, "square", square))
    counts = [("none", "autoattack", "autoattack", n), ("none", "clean", "clean", 50)]
    images = pd.DataFrame(counts, columns=["condition", "evaluation", "kind", "n"])
    notes = autoattack_table(replace(given, images=images)).notes
    assert [note.split(" of all images")[0] for note in notes if note.startswith("One of")] == told


@pytest.mark.parametrize("attacks", [("square", "fab-t"), ("apgd-ce", "square", "fab-t")])
def test_of_a_search_that_did_not_come_last_nothing_is_said_since_it_left_nothing_to_the_others(attacks):
    table = autoattack_table(attacked(*(("none", 0, attack, 0.1) for attack in attacks), attacks=attacks))
    assert not any("mask" in note for note in table.notes)


def test_of_the_search_alone_nothing_is_said():
    assert not any("mask" in note for note in autoattack_table(attacked(("none", 0, "square", 0.3))).notes)
    assert not any("mask" in note for note in autoattack_table(attacked(("none", 0, "fab-t", 0.3))).notes)
    assert not autoattack_table(attacked()).rows


def test_on_how_few_images_the_search_alone_was_tried_does_not_matter():
    both, alone = (
        attacked(*(("none", 0, attack, 0.2) for attack in attacks), attacks=attacks, evaluation=name)
        for name, attacks in (("autoattack", ("fab-t", "square")), ("square", ("square",)))
    )
    counts = [("none", "autoattack", "autoattack", 1000), ("none", "square", "autoattack", 200)]
    given = replace(
        both,
        left=pd.concat([both.left, alone.left]),
        specs=pd.concat([alone.specs, both.specs]),
        images=pd.DataFrame(counts, columns=["condition", "evaluation", "kind", "n"]),
    )
    notes = autoattack_table(given).notes
    assert any(note.startswith("No sign") for note in notes)
    assert not any(note.startswith("One of") for note in notes)
