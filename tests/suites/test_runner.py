"""The runner with an executor that answers at once: what is recorded, tried again, skipped and told."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from obedient import ACCURACY, JOBS, MADE_WITH, TRAINED, TRAINED_OTHERWISE, Listener, Obedient, Run, folder_of, name
from sqlalchemy import text
from trainings import DIVERGED, REPORT

from harness.cli.progress import Lines
from harness.data.origin import new_origin
from harness.data.sets import DATASETS
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataDamaged, DataMissing, Interrupted, UnknownName
from harness.measurement import EvaluationResult, Measurement, Progress
from harness.settings import Settings
from harness.store import write
from harness.store.engine import open_database
from harness.store.plan import write_plan
from harness.suites import runner
from harness.suites.executors.executor import JobWork, Progressed
from harness.suites.peers import Peers
from harness.suites.request import Request
from harness.suites.runner import run_suite
from harness.suites.selection import Selection

HALF = ACCURACY.measurements[0]


def test_a_suite_is_done_once(run):
    summary = run()
    assert (summary.asked, summary.finished, summary.done) == (JOBS, JOBS, JOBS)
    assert sorted(run.executor.done) == sorted(set(run.executor.done))
    assert run.query("SELECT state, count(*), max(attempts) FROM job GROUP BY state") == [("done", JOBS, 1)]
    again = run()
    assert (again.finished, again.done, run.executor.done) == (0, JOBS, [])


@pytest.mark.parametrize("elsewhere", [False, True])
def test_models_that_were_lost_with_a_results_folder_are_trained_again(
    elsewhere, parse, folders, monkeypatch, tmp_path
):
    """Of a database that lies in the folder there is no other; of one elsewhere another folder may have them."""
    where = tmp_path / "elsewhere" if elsewhere else folders.results_dir
    url = f"sqlite:///{where / 'harness.sqlite'}"
    run = Run(parse(), replace(folders, database_url=url), monkeypatch)
    run({"none 0 gaussian": "it broke"})
    (folders.results_dir / "folder.id").unlink()
    shutil.rmtree(folders.models_dir)
    summary = run()
    if elsewhere:
        assert run.executor.done == []
        assert summary.done == JOBS - 1
    else:
        assert run.executor.done == ["none 0 train", "none 0 gaussian"]
        assert summary.done == JOBS


def test_what_an_earlier_run_did_is_not_done_again(run):
    run(only=("none",))
    summary = run()
    assert {job.split()[0] for job in run.executor.done} == {"threshold"}
    assert (summary.finished, summary.done) == (8, JOBS)
    assert run.listener.todo == 8


def test_results_that_leave_sight_are_counted_and_come_back_when_they_are_asked_for(run, parse):
    def told() -> list[str]:
        return [note.partition(":")[0] for note in run.listener.notes if "not shown" in note]

    def seeds() -> list[int]:
        return [seed for (seed,) in run.query("SELECT DISTINCT seed FROM v_models ORDER BY seed")]

    run(seeds=(2,))
    assert (told(), seeds()) == ([], [2])
    run.suite = parse(("threshold = 0.8", "threshold = 0.7"))
    run(only=("none",))
    reason = "(its file, own code, data, settings or seeds, the program or the machine are others)"
    assert told() == [f"8 finished jobs of tiny are not what it asks for now {reason}"]
    assert seeds() == [0, 1]
    run.suite = parse()
    run(seeds=(2,))
    assert (told(), run.executor.done, seeds()) == ([], [], [0, 1, 2])


def test_a_failed_job_does_not_stop_the_others_and_is_tried_again_by_the_next_run(run):
    summary = run({"none 0 gaussian": "it broke"})
    assert [(planned.title, reason) for planned, reason in summary.failed] == [("none, seed 0: gaussian", "it broke")]
    assert summary.done == JOBS - 1
    assert run.listener.failures == ["none, seed 0: gaussian: it broke"]
    assert run.query("SELECT attempts, reason FROM job WHERE state = 'failed'") == [(1, "it broke")]
    summary = run()
    assert (run.executor.done, summary.done, summary.failed) == (["none 0 gaussian"], JOBS, ())
    assert run.query("SELECT max(attempts) FROM job") == [(2,)]


def test_a_training_that_was_continued_took_as_long_as_all_of_its_epochs(run):
    """Its last attempt, of which the worker knows, took a second."""
    epoch = replace(REPORT, seconds=90.0)
    run({"none 0 train": replace(TRAINED, epochs=(epoch, replace(epoch, epoch=1)))}, only=("none",), seeds=(0,))
    found = "SELECT seconds FROM job WHERE kind = 'train' AND state = 'done' ORDER BY seconds"
    assert run.query(found) == [(1.0,), (180.0,)]


def test_what_an_evaluation_warns_of_is_told(run):
    summary = run({"none 1 gaussian": replace(ACCURACY, warning="done in another way")})
    assert summary.done == JOBS
    assert [note for note in run.listener.notes if "another way" in note] == [
        "none, seed 1: gaussian: done in another way"
    ]


def test_a_failed_training_blocks_its_evaluations(run):
    summary = run({"threshold 1 train": "it broke"})
    assert {planned.title for planned, _ in summary.blocked} == {
        f"threshold, seed 1: {kind}" for kind in ("clean", "gaussian", "fgsm_transfer")
    }
    assert summary.done == JOBS - 4
    assert run().done == JOBS


LIES = {
    "altered": lambda weights: weights.write_bytes(b"altered"),
    "not there": lambda weights: weights.unlink(),
    "a link": lambda weights: weights.rename(weights.with_name("whole")) and weights.symlink_to("whole"),
    "a pipe": lambda weights: (weights.unlink(), os.mkfifo(weights)),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_training_whose_weights_are_not_as_its_worker_says_is_refused_and_done_again(lie, run, monkeypatch):
    submit = Obedient.submit

    def lying(executor: Obedient, work: JobWork) -> None:
        submit(executor, work)
        if executor.done[-1] == "threshold 1 train":
            lie(run.folders.models_dir / work.key / "weights.safetensors")

    with monkeypatch.context() as patched:
        patched.setattr(Obedient, "submit", lying)
        summary = run()
    [(planned, reason)] = summary.failed
    weights = run.folders.models_dir / planned.key / "weights.safetensors"
    assert (planned.title, reason) == (
        "threshold, seed 1",
        f"{weights} is missing or not what the worker says it wrote; run the same command again",
    )
    assert (summary.done, len(summary.blocked)) == (JOBS - 4, 3)
    shutil.rmtree(weights.parent)
    assert run().done == JOBS


def test_a_training_without_a_model_is_refused(run):
    summary = run({"threshold 1 train": ACCURACY})
    assert [reason for _, reason in summary.failed] == ["the worker trained no model"]


@pytest.mark.parametrize("result", [None, TRAINED], ids=["nothing", "a model"])
def test_a_worker_that_evaluated_nothing_fails_its_job_and_no_other(run: Run, result: object) -> None:
    """As code in a container may say it did."""
    summary = run({"none 0 clean": result})
    assert [reason for _, reason in summary.failed] == ["the worker evaluated nothing"]
    assert (summary.done, summary.blocked) == (JOBS - 1, ())
    assert run.query("SELECT count(*) FROM training") == [(5,)]


@pytest.mark.parametrize(
    "numbers",
    [(HALF, HALF), (replace(HALF, value=1.5),), (replace(HALF, n=1 << 70),)],
    ids=["one number twice", "an accuracy above 1", "a count beyond 64 bits"],
)
def test_a_result_that_the_database_refuses_fails_its_job_and_no_other(
    run: Run, numbers: tuple[Measurement, ...]
) -> None:
    """As code in a container may make one up."""
    summary = run({"none 0 clean": EvaluationResult(measurements=numbers)})
    [(planned, reason)] = summary.failed
    assert (planned.title, "does not take this result" in reason) == ("none, seed 0: clean", True)
    assert (summary.done, summary.blocked) == (JOBS - 1, ())
    assert run.query("SELECT state, count(*) FROM job GROUP BY 1 ORDER BY 1") == [("done", JOBS - 1), ("failed", 1)]


def test_a_diverged_training_is_recorded_and_not_repeated(run):
    summary = run({"threshold 0 train": DIVERGED})
    assert [reason for _, reason in summary.failed] == [f"diverged: {DIVERGED.reason}"]
    assert (summary.done, len(summary.blocked)) == (JOBS - 4, 3)
    assert run.query("SELECT count(*) FROM job WHERE state = 'diverged'") == [(1,)]
    again = run()
    assert (run.executor.done, len(again.failed), len(again.blocked)) == ([], 1, 3)


def test_lost_or_altered_weights_are_trained_again_where_they_are_needed(run):
    run({"none 0 gaussian": "it broke", "threshold 0 gaussian": "it broke"})
    for weights in run.folders.models_dir.glob("*/weights.safetensors"):
        weights.write_bytes(b"altered")
    summary = run()
    expected = [f"{condition} 0 {kind}" for condition in ("none", "threshold") for kind in ("gaussian", "train")]
    assert sorted(run.executor.done) == expected
    assert sum("trained again" in note for note in run.listener.notes) == 2
    assert summary.done == JOBS


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_done_with_lost_weights_is_done_again_by_the_run_that_trains_to_others(workers, run):
    run.workers = workers
    run({"none 0 gaussian": "it broke"})
    shutil.rmtree(folder_of(run, "none", 0))
    summary = run({"none 0 train": TRAINED_OTHERWISE})
    assert run.executor.done[0] == "none 0 train"
    assert sorted(run.executor.done[1:]) == ["none 0 clean", "none 0 fgsm_transfer", "none 0 gaussian"]
    assert run.listener.more == ["none, seed 0: clean", "none, seed 0: fgsm_transfer"]
    assert [note for note in run.listener.notes if "again" in note] == [
        "none, seed 0: its weights are missing or damaged, it is trained again",
        "none, seed 0: training again gave other weights; 2 evaluations done with the lost ones are done again",
    ]
    assert (summary.finished, summary.done) == (4, JOBS)
    assert run.query("SELECT state, count(*) FROM job GROUP BY state") == [("done", JOBS)]


@pytest.mark.parametrize("workers", [1, 2])
def test_models_that_were_lost_too_are_trained_again_where_what_waits_again_needs_them(workers, run):
    run.workers = workers
    run({"none 0 gaussian": "it broke"})
    shutil.rmtree(run.folders.models_dir)
    summary = run({"none 0 train": TRAINED_OTHERWISE, "none 10000 train": TRAINED_OTHERWISE})
    trained = [job for job in run.executor.done if job.endswith("train")]
    assert trained[:2] == ["none 0 train", "none 10000 train"]
    assert sorted(trained[2:]) == ["none 1 train", "threshold 0 train", "threshold 1 train"]
    evaluated = [job for job in run.executor.done if job not in trained]
    assert sorted(evaluated) == [
        "none 0 clean",
        "none 0 fgsm_transfer",
        "none 0 gaussian",
        *(f"{model} fgsm_transfer" for model in ("none 1", "threshold 0", "threshold 1")),
    ]
    assert run.executor.done.index("none 10000 train") < run.executor.done.index("none 0 fgsm_transfer")
    assert len(run.listener.more) == 2 + 1 + 3 + 3
    assert summary.done == JOBS
    assert run.query("SELECT state, count(*) FROM job GROUP BY state") == [("done", JOBS)]


def test_attacks_of_a_lost_substitute_are_done_again_where_they_are_asked_for(run):
    run({"none 0 fgsm_transfer": "it broke"})
    shutil.rmtree(folder_of(run, "substitute", 10000))
    run({"none 10000 train": TRAINED_OTHERWISE}, seeds=(0,))
    attacks = ["none 0 fgsm_transfer", "threshold 0 fgsm_transfer"]
    assert run.executor.done == ["none 10000 train", *attacks]
    assert [note for note in run.listener.notes if "other weights" in note] == [
        "substitute, seed 10000: training again gave other weights; 1 evaluation done with the lost ones is done again"
    ]
    assert run.query("SELECT count(*) FROM job WHERE state = 'waiting'") == [(2,)]
    assert run().done == JOBS
    assert run.executor.done == [attack.replace("0", "1") for attack in attacks]


def test_what_was_done_with_lost_weights_is_blocked_where_training_again_diverges(run):
    run({"none 0 gaussian": "it broke"})
    shutil.rmtree(run.folders.models_dir)
    summary = run({"none 0 train": DIVERGED})
    assert run.executor.done == ["none 0 train"]
    assert not [note for note in run.listener.notes if "other weights" in note]
    assert {(planned.title, reason) for planned, reason in summary.blocked} == {
        (f"none, seed 0: {kind}", f"a model that it needs failed: diverged: {DIVERGED.reason}")
        for kind in ("clean", "gaussian", "fgsm_transfer")
    }
    assert summary.done == JOBS - 4
    assert run.query("SELECT state, count(*) FROM job GROUP BY state ORDER BY state") == [
        ("blocked", 3),
        ("diverged", 1),
        ("done", JOBS - 4),
    ]


def test_what_is_done_again_has_its_inputs_checked_and_kept_before(run, parse, tmp_path):
    run.folders = replace(run.folders, experiments_dir=tmp_path)
    (tmp_path / "mine.py").write_text("def attack(model, images, labels, size): return images\n")
    mine = 'mine = { kind = "own_attack", function = "mine.py:attack", max_epsilon = 0.1, sizes = 2, n_images = 8 }'
    run.suite = parse(("clean.n_images = 32", f"clean.n_images = 32\n{mine}"))
    run({"none 0 gaussian": "it broke"})
    for folder in (folder_of(run, "none", 0), run.folders.code_dir):
        shutil.rmtree(folder)
    run({"none 0 train": TRAINED_OTHERWISE})
    assert "none 0 own_attack" in run.executor.done
    assert [note for note in run.listener.notes if "checking" in note] == [
        "checking data: digits",
        "checking data: mine.py",
    ]
    assert len(list(run.folders.code_dir.iterdir())) == 1


def test_ctrl_c_leaves_a_state_that_the_next_run_continues(run):
    with pytest.raises(Interrupted, match="harness run-suite tiny") as caught:
        run({"threshold 0 gaussian": KeyboardInterrupt()})
    assert caught.value.exit_code == 130
    assert run.query("SELECT count(*) FROM job WHERE state = 'running'") == [(0,)]
    assert run().done == JOBS


def test_a_run_that_is_stopped_ends_its_workers_before_others_may_have_its_jobs(run, monkeypatch):
    closed_first = []
    leave = Peers.leave
    monkeypatch.setattr(Peers, "leave", lambda peers: (closed_first.append(run.executor.closed), leave(peers)))
    with pytest.raises(Interrupted):
        run({"threshold 0 gaussian": KeyboardInterrupt()})
    assert closed_first == [True]


def test_jobs_that_a_killed_run_left_running_begin_again(run):
    run({"none 0 gaussian": "it broke"})
    with open_database(run.folders.database) as database, database.transaction() as session:
        session.execute(text("UPDATE job SET state = 'running' WHERE state = 'failed'"))
    assert run().done == JOBS


def test_a_suite_without_any_of_its_data_is_an_error_that_says_how_to_bring_them(run, parse):
    digits = ('classification = "digits"', 'images = "digits"')
    suites = [
        parse(*((text, text.replace("digits", name)) for text in digits)).model_copy(update={"name": name})
        for name in ("cifar10", "mnist")
    ]
    with pytest.raises(DataMissing) as caught:
        run(suites=tuple(suites))
    said = str(caught.value).splitlines()
    assert [line.rpartition(": ")[2] for line in said] == ["harness data prepare cifar10", "harness data prepare mnist"]


def test_a_run_that_finds_none_of_its_data_hides_no_results(run, parse):
    run()
    before = run.query("SELECT condition, seed, clean_accuracy FROM v_models ORDER BY 1, 2")
    elsewhere = parse(
        *((text, text.replace("digits", "cifar10")) for text in ('ification = "digits"', 'es = "digits"'))
    )
    with pytest.raises(DataMissing, match=r"(?s)cifar10.*stay as they are.*HARNESS_DATA_DIR"):
        run(suites=(elsewhere,))
    assert run.query("SELECT condition, seed, clean_accuracy FROM v_models ORDER BY 1, 2") == before != []


@pytest.fixture
def two_sets(folders: Settings, digits_dir: Path, tmp_path: Path) -> Path:
    """A data folder with the digits, and with a few images in place of MNIST, which no run makes."""
    shutil.copytree(digits_dir, tmp_path / "two")
    write_set(
        tmp_path / "two",
        DATASETS["mnist"],
        [SplitArrays(split, np.zeros((40, 1, 28, 28), np.uint8), np.arange(40) % 10) for split in ("train", "test")],
        classes=list("0123456789"),
        origin=new_origin("import", "a few images"),
    )
    return tmp_path / "two"


def test_without_what_a_model_was_trained_on_its_results_stay_and_it_can_be_evaluated(run, parse, two_sets):
    numbers = "SELECT condition, seed, clean_accuracy FROM v_models WHERE seed < 2 ORDER BY 1, 2"
    of_mnist = ('images = "digits"', 'images = "mnist"')
    run.folders = replace(run.folders, data_dir=two_sets)
    assert run(suites=(parse(of_mnist),)).done == JOBS
    before = run.query(numbers)
    (two_sets / "mnist").rename(two_sets / "elsewhere")
    more = parse(of_mnist, ("gaussian = {", "uniform = { n_images = 32, sizes = 2 }\ngaussian = {"))
    summary = run(suites=(more,), seeds=(0, 1, 2))
    assert run.query(numbers) == before != []
    assert {job for job in run.executor.done if " 2 " not in job} == {
        f"{condition} {seed} uniform" for condition in ("none", "threshold") for seed in (0, 1)
    }
    evaluations = ("clean", "fgsm_transfer", "gaussian", "uniform")
    assert sorted(planned.title for planned, _ in summary.blocked) == [
        "threshold, seed 2", *(f"threshold, seed 2: {evaluation}" for evaluation in evaluations)
    ]  # fmt: skip
    assert {reason.partition(";")[0] for _, reason in summary.blocked} == {f"data set mnist is not in {two_sets}"}
    (two_sets / "elsewhere").rename(two_sets / "mnist")
    assert not run(suites=(more,), seeds=(0, 1, 2)).blocked
    assert {job.rpartition(" ")[0] for job in run.executor.done} == {"threshold 2"}


def test_a_model_that_was_lost_with_what_it_was_trained_on_is_blocked_with_what_needs_it(run, parse, two_sets):
    suite = parse(('images = "digits"', 'images = "mnist"'))
    run.folders = replace(run.folders, data_dir=two_sets)
    run({"threshold 0 gaussian": "it broke", "none 0 gaussian": "it broke"}, suites=(suite,))
    shutil.rmtree(two_sets / "mnist")
    shutil.rmtree(run.folders.models_dir)
    summary = run(suites=(suite,))
    assert [planned.title for planned, _ in summary.blocked] == ["threshold, seed 0", "threshold, seed 0: gaussian"]
    assert (summary.done, run.executor.done) == (JOBS - 2, ["none 0 train", "none 0 gaussian"])
    training = "SELECT state, reason FROM v_jobs WHERE condition = 'threshold' AND seed = 0 AND kind = 'train'"
    assert run.query(training) == [("blocked", summary.blocked[0][1])]
    gone = "seed 0: its weights are missing or damaged"
    assert {f"none, {gone}, it is trained again", f"threshold, {gone}, and cannot be trained again now"} <= {
        *run.listener.notes
    }


def test_a_stand_in_that_is_gone_is_not_what_a_profile_without_stand_ins_would_have_used(run, parse, two_sets):
    of_mnist = ('images = "digits"', 'images = "mnist"')
    run.folders = replace(run.folders, data_dir=two_sets)
    run(suites=(parse(of_mnist).model_copy(update={"profile": "smoke"}),))
    shutil.rmtree(two_sets / "mnist")
    summary = run(suites=(parse(of_mnist),))
    assert {planned.title for planned, _ in summary.blocked} >= {"threshold, seed 0", "threshold, seed 1"}


def test_jobs_that_another_runner_plans_away_are_given_up(run, monkeypatch):
    store_plan = runner._store_plan

    def store_and_plan_away(plan, inputs, site):
        store_plan(plan, inputs, site)
        fewer = [job for job in plan.jobs_of(run.suite) if all(place.seed == 0 for place in job.places)]
        write_plan(site.database, fewer, run.suite.name, run.suite.profile, run.suite.title, [])

    monkeypatch.setattr(runner, "_store_plan", store_and_plan_away)
    summary = run()
    assert summary.done == (JOBS - 1) / 2 + 1
    assert {reason for planned, reason in summary.failed if not planned.needs} == {
        "another run planned this suite without this job; run the same command again"
    }


def test_a_job_that_another_runner_finishes_before_it_begins_here_is_told_of_once(run, monkeypatch):
    class Slower(Obedient):
        def submit(self, work: JobWork) -> None:
            super().submit(work)
            if name(work.job) == "none 0 gaussian":
                self.told.insert(-1, Progressed(work.key, Progress(done=1, total=2)))
                with open_database(run.folders.database) as database:
                    write.start(database, work.key, "elsewhere")
                    write.finish_evaluation(database, work.key, ACCURACY, MADE_WITH, 1.0)

    lines: list[str] = []
    monkeypatch.setattr("obedient.Obedient", Slower)
    monkeypatch.setattr("obedient.Listener", lambda: Lines(lines.append))
    summary = run()
    assert (summary.done, summary.finished) == (JOBS, JOBS - 1)
    [told] = [line for line in lines if "none, seed 0: gaussian" in line]
    assert "another runner finished it first" in told


def test_conditions_whose_data_are_absent_are_blocked_and_the_rest_runs(run, parse):
    summary = run(suites=(parse(('images = "digits"', 'images = "imagenet"')),))
    assert {job.split()[0] for job in run.executor.done} == {"none"}
    assert {reason.split(";")[0] for _, reason in summary.blocked} == {
        f"data set imagenet is not in {run.folders.data_dir}"
    }
    assert run.query("SELECT count(*) FROM job WHERE state = 'blocked' AND reason LIKE '%harness data import%'") == [
        (8,)
    ]


def test_altered_data_are_an_error_before_anything_starts(run, tmp_path):
    shutil.copytree(run.folders.data_dir, tmp_path / "copy")
    run.folders = replace(run.folders, data_dir=tmp_path / "copy")
    path = next((tmp_path / "copy").rglob("train*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match="SHA-256"):
        run()
    assert run.executor.done == []


@pytest.mark.parametrize(("job", "split"), [("none 1 train", "train"), ("none 1 clean", "test")])
def test_what_was_made_of_data_that_were_altered_meanwhile_is_not_recorded(job, split, run, tmp_path, monkeypatch):
    shutil.copytree(run.folders.data_dir, tmp_path / "copy")
    run.folders = replace(run.folders, data_dir=tmp_path / "copy")
    [path] = (tmp_path / "copy" / "digits").glob(f"{split}-*")
    content, submit = path.read_bytes(), Obedient.submit

    def altering(executor: Obedient, work: JobWork) -> None:
        submit(executor, work)
        if executor.done[-1] == job:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with monkeypatch.context() as patched:
        patched.setattr(Obedient, "submit", altering)
        summary = run()
    assert ("none, seed 1" if split == "train" else "none, seed 1: clean") in {each.title for each, _ in summary.failed}
    assert all("is damaged: its SHA-256 is" in reason for _, reason in summary.failed)
    assert folder_of(run, "none", 1).exists() == (split == "test")
    path.write_bytes(content)
    assert run().done == JOBS
    assert job in run.executor.done


def test_data_that_were_only_touched_are_the_same(run, tmp_path, monkeypatch):
    submit = Obedient.submit

    def touching(executor: Obedient, work: JobWork) -> None:
        submit(executor, work)
        for path in (run.folders.data_dir / "digits").glob("*.safetensors"):
            path.touch()

    monkeypatch.setattr(Obedient, "submit", touching)
    assert run(only=("none",), seeds=(0,)).failed == ()


def test_an_unknown_executor_is_refused(run):
    request = Request(selection=Selection(suites=(run.suite,)), executor="slurm", device="cpu", command="")
    with pytest.raises(UnknownName, match="no executor called 'slurm'; known: docker, local, ray"):
        run_suite(request, run.folders, Listener())


def test_a_reader_that_stays_in_its_transaction_neither_waits_nor_makes_a_run_wait(run):
    run(only=("none",))
    with (
        open_database(run.folders.database) as database,
        database.reading() as connection,
    ):
        count = text("SELECT count(*) FROM measurement")
        before = connection.scalar(count)
        assert run().done == JOBS
        assert connection.scalar(count) == before
    assert run.query("SELECT count(*) FROM measurement") > [(before,)]
