"""Merging results folders: weights and arrays come with what they belong to, and a merge that was stopped continues."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from obedient import ACCURACY, CONTENT, JOBS, TRAINED_OTHERWISE, Run, folder_of
from sqlalchemy import text

from harness.errors import DatabaseUnusable, HarnessError, ResultsBusy, SpecError
from harness.own_code import OwnCode, keep
from harness.settings import Settings
from harness.store import merging
from harness.store.engine import open_database
from harness.suites import merge as module
from harness.suites.merge import Merged, merge
from harness.suites.results_folder import lock_folder

WITH_ARRAY = replace(ACCURACY, arrays={"perturbations": np.arange(6.0).reshape(2, 3)})


@pytest.fixture
def here(run: Run) -> Run:
    """A run of the first condition, and the substitute, on each kind of database."""
    run(only=("none",))
    return run


@pytest.fixture
def there(parse, digits_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of the second condition in another results folder."""
    run = Run(parse(), Settings(results_dir=tmp_path / "there", data_dir=digits_dir), monkeypatch)
    run({"threshold 1 gaussian": WITH_ARRAY}, only=("threshold",))
    return run


def merged(here: Run, there: Run) -> Merged:
    return merge(there.folders.results_dir, here.folders, lambda done, total: None, print)


def arrays(run: Run) -> list[Path]:
    return sorted(path.relative_to(run.folders.arrays_dir) for path in run.folders.arrays_dir.rglob("*.safetensors"))


TAKEN = {"train": 2, "clean": 2, "gaussian": 2, "fgsm_transfer": 2}


def test_a_suite_that_two_folders_did_by_halves_is_done(here: Run, there: Run) -> None:
    done = merged(here, there)
    assert (done.taken, done.left, done.damaged, done.others) == (TAKEN, {"finished here already": 1}, {}, ())
    assert (folder_of(here, "threshold", 1) / "weights.safetensors").read_bytes() == CONTENT
    assert arrays(here) == arrays(there) != []
    shutil.rmtree(there.folders.results_dir)
    summary = here()
    assert (summary.done, here.executor.done) == (JOBS, [])


def test_a_folder_without_results_becomes_like_the_other(there: Run, folders: Settings, parse, monkeypatch) -> None:
    here = Run(parse(), folders, monkeypatch)
    assert sum(merged(here, there).taken.values()) == 9
    here(only=("threshold",))
    assert here.executor.done == []
    here()
    assert {job.split()[0] for job in here.executor.done} == {"none"}


@pytest.mark.parametrize("moment", ["before each record", "after each record"])
def test_a_merge_that_was_stopped_anywhere_continues(here: Run, there: Run, moment: str, monkeypatch) -> None:
    take, attempts = merging.take, 0

    def stop(*arguments) -> None:
        if moment == "after each record":
            take(*arguments)
        raise KeyboardInterrupt

    taken = 0
    while taken < 8:
        attempts += 1
        with monkeypatch.context() as patched:
            patched.setattr(module.merging, "take", stop)
            with pytest.raises(KeyboardInterrupt):
                merged(here, there)
        if moment == "before each record":
            taken = sum(merged(here, there).taken.values())
        else:
            [(taken,)] = here.query("SELECT count(*) FROM v_jobs WHERE condition = 'threshold' AND state = 'done'")
            assert taken in {attempts - 1, attempts}
    summary = here()
    assert (summary.done, here.executor.done) == (JOBS, [])


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"altered")], ids=["gone", "altered"])
def test_what_lacks_its_weights_or_arrays_is_left_and_done_again(here: Run, there: Run, spoil) -> None:
    spoil(folder_of(there, "threshold", 0) / "weights.safetensors")
    [array] = arrays(there)
    spoil(there.folders.arrays_dir / array)
    done = merged(here, there)
    assert done.taken == {"train": 1, "clean": 1, "fgsm_transfer": 1}
    assert done.damaged == {"of which weights or arrays are missing or altered": 2}
    assert done.left == {"finished here already": 1, "of models that have other weights here, or none": 3}
    assert here().done == JOBS
    assert sorted(here.executor.done) == [
        "threshold 0 clean",
        "threshold 0 fgsm_transfer",
        "threshold 0 gaussian",
        "threshold 0 train",
        "threshold 1 gaussian",
    ]


def test_another_folder_of_the_same_database_does_not_do_again_what_was_merged(
    here: Run, there: Run, parse, digits_dir: Path, tmp_path: Path, monkeypatch
) -> None:
    """Its files are not in that folder, and need not be."""
    merged(here, there)
    second = Settings(results_dir=tmp_path / "second", data_dir=digits_dir, database_url=here.folders.database_url)
    run = Run(parse(), second, monkeypatch)
    assert run().done == JOBS
    assert run.executor.done == []


def test_no_file_is_copied_for_a_result_that_is_not_wanted(there: Run, folders: Settings, parse, monkeypatch) -> None:
    here = Run(parse(), folders, monkeypatch)
    here({"threshold 1 train": TRAINED_OTHERWISE, "threshold 1 gaussian": "it broke"})
    assert merged(here, there).left["of models that have other weights here, or none"] == 1
    assert arrays(here) == []


def test_a_training_that_was_stopped_here_leaves_nothing_once_its_result_is_taken(here: Run, there: Run) -> None:
    folder = folder_of(here, "threshold", 0)
    folder.mkdir(parents=True)
    (folder / "checkpoint-0001-ab.safetensors").write_bytes(b"half way")
    merged(here, there)
    assert [file.name for file in folder.iterdir()] == ["weights.safetensors"]


def test_evaluations_of_lost_weights_wait_again_and_are_counted(
    there: Run, folders: Settings, parse, monkeypatch
) -> None:
    """Of the two, the other folder has one; the other is not done there."""
    here = Run(parse(), folders, monkeypatch)
    here({"threshold 0 train": TRAINED_OTHERWISE, "threshold 0 gaussian": "it broke"}, only=("threshold",))
    shutil.rmtree(folder_of(here, "threshold", 0))
    here({"threshold 0 train": "it broke"}, only=("threshold",))
    undo = f"UPDATE job SET state = 'waiting', finished_at = NULL WHERE key = '{clean_of(there)}'"
    with open_database(there.folders.database) as database, database.transaction() as session:
        session.execute(text(undo))
        session.execute(text(f"DELETE FROM seal WHERE subject = '{clean_of(there)}'"))
    done = merged(here, there)
    assert done.taken == {"train": 1, "gaussian": 1, "fgsm_transfer": 1}
    assert done.again == 1


def clean_of(run: Run) -> str:
    """The key of an evaluation."""
    [(key,)] = run.query("SELECT job FROM v_jobs WHERE condition = 'threshold' AND seed = 0 AND evaluation = 'clean'")
    return str(key)


def test_own_code_comes_along(here: Run, there: Run) -> None:
    text = "def penalty(model, images, labels): ..."
    keep(OwnCode((("own.py", text), ("altered.py", text))), there.folders.code_dir)
    [altered] = there.folders.code_dir.glob("altered-*.py")
    altered.write_text("def penalty(): ...")
    merged(here, there)
    assert [file.read_text() for file in here.folders.code_dir.iterdir()] == [text]


def test_a_folder_that_is_written_to_is_not_merged_into(here: Run, there: Run) -> None:
    with lock_folder(here.folders.results_dir), pytest.raises(ResultsBusy, match="another run works on"):
        merged(here, there)
    with lock_folder(there.folders.results_dir):  # which is only read
        assert merged(here, there).taken == TAKEN


def test_what_is_no_other_results_folder_is_refused(here: Run, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nothing/harness\.sqlite does not exist: .* db copy --to sqlite:///"):
        merge(tmp_path / "nothing", here.folders, lambda done, total: None, print)
    (tmp_path / "harness.sqlite").touch()
    with pytest.raises(
        SpecError, match=f"harness.sqlite is a file; name the results folder that it lies in, {tmp_path}$"
    ):
        merge(tmp_path / "harness.sqlite", here.folders, lambda done, total: None, print)
    if here.folders.on_server:
        return
    (here.folders.results_dir / "harness.sqlite").touch()
    with pytest.raises(SpecError, match="is the results folder in use"):
        merge(here.folders.results_dir, here.folders, lambda done, total: None, print)


def test_a_folder_of_an_older_version_is_refused_with_the_command_that_upgrades_it(here: Run, there: Run) -> None:
    with open_database(there.folders.database) as database, database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    folder = there.folders.results_dir
    with pytest.raises(
        DatabaseUnusable,
        match=f"`HARNESS_DATABASE_URL= HARNESS_RESULTS_DIR={folder} harness db upgrade` makes a backup",
    ):
        merged(here, there)


def test_a_folder_that_cannot_be_written_is_said(here: Run, there: Run) -> None:
    shutil.rmtree(here.folders.models_dir)
    here.folders.models_dir.write_text("in the way")
    with pytest.raises(HarnessError, match=r"cannot write .*weights\.safetensors .*run the same command again"):
        merged(here, there)
