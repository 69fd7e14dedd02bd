from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from invented import FOUR, GRID, condition, results

from harness.report.claims.findings import Findings, findings
from harness.report.claims.tables import LACKING, claims_table, evidence_frame, evidence_table
from harness.report.latex import latex
from harness.report.statistics import Estimate
from harness.report.table import markdown

SETS = (condition("none"), *(condition(name, "threshold", images=name) for name in ("cifar10", "cifar100", "imagenet")))


@pytest.fixture(scope="module")
def found() -> Findings:
    """Three of the suites, at the small profile."""
    given = {
        "grayscale-cifar10": results(FOUR, seeds=5, epochs=15),
        "regularization-sets": results(SETS, seeds=7, epochs=15),
        "hyperparameters": results(GRID, seeds=1, epochs=15),
    }
    return findings(given, "small")


def row(found: Findings, name: str) -> tuple[str, ...]:
    [own] = claims_table(found.named([name])).rows
    return own


def test_a_claim_stands_with_its_place_verdict_and_seeds(found: Findings) -> None:
    name, said, verdict, counts, seeds, least = row(found, "every-set-helps")
    assert (name, verdict, counts, seeds, least) == ("every-set-helps", "supported", "9 supported", "7", "0.0156")
    assert said.endswith("leads to an increase in robustness. (Section 5.3, Figure 5)")


def test_a_claim_that_some_do_says_that_one_is_enough(found: Findings) -> None:
    assert row(found, "some-low-frequencies-do-not-gain")[3] == "5 supported; one is enough"


def test_what_was_not_run_points_to_its_command(found: Findings) -> None:
    assert row(found, "neural-helps")[2:] == ("not run", "3 not run [1]", "–", "–")
    [*_, pointer] = claims_table(found.named(["neural-helps"])).notes
    assert pointer == "[1] not run: harness run-suite neural --profile small"


def test_titles_say_what_is_not_the_papers_scale(found: Findings) -> None:
    for table in (claims_table, evidence_table):
        assert "(small profile: not the paper's scale)" in table(found).title
        assert "(paper profile)" in table(Findings(profile="paper")).title


def test_generated_images_are_marked_where_they_were_used(found: Findings) -> None:
    remark = "Generated images: cifar10-c."
    assert f"grayscale-cifar10: {remark}" in claims_table(found).notes
    assert not any(remark in note for note in claims_table(found.named(["neural-helps"])).notes)


def test_the_evidence_gives_effect_interval_seeds_and_p(found: Findings) -> None:
    rows = evidence_table(found.named(["threshold-helps"])).rows
    assert [each[1:4] for each in rows] == [
        ("threshold − none in grayscale-cifar10", "Gaussian noise", "higher"),
        ("threshold − none in grayscale-cifar10", "Transferred FGSM", "higher"),
        ("threshold − none in grayscale-cifar10", "Boundary attack", "higher"),
    ]
    for each in rows:
        assert "[+" in each[4]
        assert each[5:] == ("5", "0.063 (least 0.063)", "< 0.001", "supported")
    assert rows[0][4].endswith(" points")
    assert rows[2][4].endswith(" 10⁻³")


@pytest.mark.parametrize(
    ("p", "written"), [(0.0496, "0.050"), (0.0501, "> 0.050"), (0.0509, "0.051"), (0.0004, "< 0.001"), (1.0, "1.000")]
)
def test_a_p_that_is_too_large_is_not_rounded_to_one_that_is_not(found: Findings, p: float, written: str) -> None:
    [claim] = found.named(["early-taps"]).outcomes
    given = replace(claim, parts=(replace(claim.parts[0], holm_p=p),))
    [row] = evidence_table(replace(found, outcomes=(given,))).rows
    assert row[7] == written


def test_margins_and_levels_are_in_the_evidence(found: Findings) -> None:
    claimed = {each[0]: each[3] for each in evidence_table(found).rows}
    assert claimed["pixel-not-under-fgsm"] == "no higher (by 3 points)"
    assert claimed["clean-accuracy-is-kept"] == "no lower (by 10%)"
    assert claimed["choice-is-consistent"] == "above 0.5"
    assert claimed["early-taps"] == "above 0.6"
    [told] = [note for note in evidence_table(found).notes if note.startswith("“No lower”")]
    assert "3 points of accuracy, or 10% of the Boundary score, or clean accuracy, that is compared with" in told
    assert "corruptions and groups of them at severity 4" in told


def test_the_papers_own_numbers_stand_beside_the_measured(found: Findings) -> None:
    rows = evidence_table(found.named(["early-taps"])).rows
    assert [each[4].split(" (")[1] for each in rows] == ["published: 0.948)", "published: 1.000)", "published: 1.000)"]


def test_a_correlation_below_zero_has_a_real_minus_in_the_evidence(found: Findings) -> None:
    [claim] = found.named(["early-taps"]).outcomes
    below = replace(claim.parts[0], effect=Estimate(mean=-0.228, low=-0.485, high=0.028, n=7))
    [row] = evidence_table(replace(found, outcomes=(replace(claim, parts=(below,)),))).rows
    assert row[4].startswith("−0.228 [−0.485, 0.028]")


def test_one_seed_has_no_interval_in_the_evidence() -> None:
    one = findings({"grayscale-cifar10": results(FOUR, seeds=1, epochs=15)}, "small")
    for each in evidence_table(one.named(["threshold-helps"])).rows:
        assert "[" not in each[4]
        assert each[6:] == ("1.000 (least 1.000)", "1.000", "undecided")


def test_the_grid_of_one_seed_cannot_agree_with_that_of_others(found: Findings) -> None:
    for each in evidence_table(found.named(["choice-is-consistent"])).rows:
        assert each[4:] == ("no number", "0 of 1", "–", "–", "undecided")


def test_seeds_without_a_number_stand_in_the_evidence() -> None:
    whole = results(FOUR, seeds=5, epochs=15)
    fallen = (whole.models["condition"] == "threshold") & (whole.models["seed"] == 4)
    given = replace(whole, models=whole.models.assign(status=whole.models["status"].mask(fallen, "diverged")))
    shown = evidence_table(findings({"grayscale-cifar10": given}, "small").named(["threshold-helps"]))
    assert {each[5] for each in shown.rows} == {"4 of 5"}
    assert set(shown.data["n_lacking"]) == {1}
    assert any("diverged" in note for note in shown.notes)
    assert not any("diverged" in note for note in evidence_table(findings({"grayscale-cifar10": whole}, "small")).notes)


def test_a_verdict_on_a_part_of_the_seeds_says_so() -> None:
    whole = results(FOUR, seeds=5, epochs=15)
    begun = replace(whole, models=whole.models[(whole.models["condition"] != "threshold") | (whole.models["seed"] < 4)])
    rest = [{"condition": "threshold", "evaluation": "training", "seed": 4, "state": "waiting", "reason": "not run"}]
    for given, seeds, told in ((whole, "5", 0), (replace(begun, missing=pd.DataFrame(rest)), "4 of 5", 1)):
        shown = claims_table(findings({"grayscale-cifar10": given}, "small").named(["threshold-helps"]))
        assert [(each[2], each[4]) for each in shown.rows] == [("supported", seeds)]
        assert shown.notes.count(LACKING) == told


def test_the_frame_has_a_row_for_each_comparison_in_full_precision(found: Findings) -> None:
    frame = evidence_frame(found)
    assert len(frame) == sum(len(each.parts) for each in found.outcomes)
    assert set(frame["profile"]) == {"small"}
    decided = frame[frame["verdict"] == "supported"]
    assert (decided["n"] > 1).all()
    absent = frame[frame["verdict"] == "not run"]
    assert absent[["effect", "low", "high", "lower_bound", "p", "holm_p"]].isna().all(axis=None)
    assert set(frame["claim_verdict"]) <= {"supported", "contradicted", "undecided", "not run"}


def test_both_tables_can_be_written_in_every_format(found: Findings) -> None:
    for table in (claims_table(found), evidence_table(found)):
        assert "threshold-helps" in markdown(table)
        assert latex(table).count(r"\\") >= len(table.rows)
        assert {letter for letter in latex(table) if not letter.isascii()} <= set("“”")  # which LaTeX knows
        assert isinstance(table.data, pd.DataFrame)
