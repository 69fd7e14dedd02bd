from __future__ import annotations

import pytest
from recorded_study import (
    DATA,
    FACTS,
    ORIGIN,
    TEST_DATA,
    accuracy,
    planned,
    train_job,
)
from trainings import training_result

from harness.measurement import EvaluationResult, Measurement
from harness.provenance import provenance
from harness.spec import AnalyseJob, CleanSpec, EvaluateJob, NoiseExamplesSpec, Place, PlannedJob, TrainJob
from harness.store import write
from harness.store.engine import Database
from harness.store.origins import SplitOrigin, origins, together
from harness.store.plan import write_plan


def test_origins_are_what_the_results_were_made_with(filled: Database) -> None:
    facts = SplitOrigin(name="digits", split="train", sha256="a" * 64, n=1500, generated=False, origin="scikit-learn")
    write_plan(filled, planned(), "study", "smoke", "A study", [facts])
    found = origins(filled, "study", "smoke")
    assert found.commits == ("c" * 40,)
    assert found.devices == ("Test CPU",)
    assert found.systems == ("Python 3.11.7, Linux x86_64",)
    assert found.packages == ({"torch": "2.14.1"},)
    assert (found.trained_in, found.evaluated_in) == (("float32",), ("float32",))
    assert found.commands == ("harness run-suite study",)
    assert [(each.name, each.split, each.sha256, each.n) for each in found.data] == [
        ("digits", "test", TEST_DATA["digits/test"], None),
        ("digits", "train", DATA["digits/train"], 1500),
    ]
    assert found.analysed == ()
    assert origins(filled, "unknown", "smoke").devices == ()


def test_data_that_analyses_read_are_told_apart(filled: Database) -> None:
    job = AnalyseJob(spec=NoiseExamplesSpec(images="cifar10"), data={"cifar10/test": "c" * 64})
    place = Place(suite="study", profile="smoke", condition="", seed=0, evaluation="noise_examples")
    write_plan(filled, [*planned(), PlannedJob(job=job, places=(place,), work=1.0)], "study", "smoke", "A study")
    assert origins(filled, "study", "smoke").analysed == ()
    write.finish_evaluation(filled, job.key, EvaluationResult(measurements=(accuracy(0.5),)), ORIGIN, 1.0)
    found = origins(filled, "study", "smoke")
    assert [each.name for each in found.analysed] == ["cifar10"]
    assert [each.name for each in found.data] == ["cifar10", "digits", "digits"]


@pytest.mark.parametrize(
    ("agreement", "expected"), [(0.995, ("bfloat16",)), (0.985, ("float32",)), (None, ("float32",))]
)
def test_an_evaluation_counts_in_the_precision_that_it_was_done_in(
    db: Database, agreement: float | None, expected: tuple[str, ...]
) -> None:
    model = TrainJob(spec=train_job().spec.replaced(precision="bfloat16"), seed=0, data=DATA)
    job = EvaluateJob(model=model, evaluation=CleanSpec(precision="bfloat16"), data=TEST_DATA)
    places = [
        Place(suite="study", profile="smoke", condition="none", seed=0, evaluation=each) for each in (None, "clean")
    ]
    jobs = [PlannedJob(job=each, places=(place,), work=1.0) for each, place in zip((model, job), places, strict=True)]
    write_plan(db, jobs, "study", "smoke", "A study")
    write.finish_training(db, model.key, training_result(), ORIGIN, 1.0)
    agreed = () if agreement is None else (Measurement(metric="agreement", value=agreement, n=100),)
    write.finish_evaluation(db, job.key, EvaluationResult(measurements=(accuracy(0.5), *agreed)), ORIGIN, 1.0)
    found = origins(db, "study", "smoke")
    assert (found.trained_in, found.evaluated_in) == (("bfloat16",), expected)


def test_changed_checkouts_are_marked(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    dirty = type(ORIGIN)(**{**vars(ORIGIN), "git_dirty": True})
    write.finish_training(db, train_job().key, training_result(), dirty, 1.0)
    assert origins(db, "study", "smoke").commits == ("c" * 40 + "+changes",)


def test_a_gpus_system_has_its_driver(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    on_gpu = type(ORIGIN)(**{**vars(ORIGIN), "driver": "550.54"})
    write.finish_training(db, train_job().key, training_result(), on_gpu, 1.0)
    assert origins(db, "study", "smoke").systems == ("Python 3.11.7, Linux x86_64, driver 550.54",)


def test_real_provenance_can_be_stored(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    origin = provenance(FACTS, "harness run-suite study")
    write.finish_training(db, train_job().key, training_result(), origin, 1.0)
    assert origins(db, "study", "smoke").packages == (dict(origin.packages),)


def test_what_suites_have_in_common_is_told_once(filled: Database) -> None:
    write_plan(filled, planned(suite="later"), "later", "smoke", "A later study")
    found = [origins(filled, suite, "smoke") for suite in ("study", "later")]
    assert together(found) == found[0]
    assert together([]).commits == ()
