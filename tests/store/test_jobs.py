from __future__ import annotations

from dataclasses import replace

from recorded_study import ORIGIN, evaluate_job, planned, train_job
from trainings import DIVERGED

from harness.spec import Place
from harness.store import write
from harness.store.engine import Database
from harness.store.jobs import begun, finished_in, job_counts, job_states, rates
from harness.store.plan import write_plan


def test_states_are_those_of_known_jobs(filled: Database) -> None:
    training, evaluation = train_job().key, evaluate_job().key
    states = job_states(filled, [training, evaluation, "0" * 16])
    assert set(states) == {training, evaluation}
    assert states[training].weights == "weights-0123.safetensors"
    assert states[evaluation].weights is None
    assert job_states(filled, []) == {}


def test_rates_are_work_per_second_of_finished_jobs_on_that_device(filled: Database) -> None:
    network = train_job().spec.network
    by_kind = {
        "train": 25.0, "clean": 5.0, "gaussian": 5.0, "fgsm_transfer": 5.0, "boundary": 5.0, "corruption": 5.0,
    }  # fmt: skip
    assert rates(filled, "Test CPU") == {
        (kind, network.architecture, network.base_width): rate for kind, rate in by_kind.items()
    }
    assert rates(filled, "Another CPU") == {}


def test_jobs_are_counted_by_suite_and_state(filled: Database) -> None:
    write_plan(filled, planned((5,), "later"), "later", "smoke", "A later study")
    assert job_counts(filled) == {
        ("later", "smoke"): {"waiting": 2 * 6, "done": 1},  # the substitute is the study's
        ("study", "smoke"): {"done": 1 + 2 * 2 * 6},
    }
    assert list(job_counts(filled)) == [("later", "smoke"), ("study", "smoke")]
    assert job_counts(filled, ["study"]) == {("study", "smoke"): {"done": 25}}
    assert job_counts(filled, ["unknown"]) == {}


def test_a_job_that_two_conditions_share_is_counted_once(db: Database) -> None:
    jobs = planned((0,))
    shared = [replace(each, places=(*each.places, *map(_twin, each.places))) for each in jobs]
    write_plan(db, shared, "study", "smoke", "A study")
    assert job_counts(db) == {("study", "smoke"): {"waiting": len(jobs)}}


def test_a_suite_has_begun_when_a_job_of_it_has_ended(filled: Database) -> None:
    write_plan(filled, planned((5,), "later"), "later", "smoke", "A later study")
    assert begun(filled) == {("study", "smoke")}
    write.finish_training(filled, train_job("none", 5).key, DIVERGED, ORIGIN, 1.0)
    assert begun(filled) == {("study", "smoke"), ("later", "smoke")}


def test_the_finished_jobs_of_a_suite_are_those_with_a_place_in_it(filled: Database) -> None:
    write_plan(filled, planned((5,), "later"), "later", "smoke", "A later study")
    write.finish_training(filled, train_job("none", 5).key, DIVERGED, ORIGIN, 1.0)
    assert finished_in(filled, "study", "smoke") == {each.key for each in planned() if each.places}
    assert finished_in(filled, "later", "smoke") == {train_job("none", 5).key}
    assert finished_in(filled, "study", "small") == set()


def _twin(place: Place) -> Place:
    return replace(place, condition=f"{place.condition} again")
