"""One flipped bit at random places of everything that is kept: named before it is used, or of no consequence."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from faulty_program import Faulty
from ledger import injected

from harness.data import similarities
from harness.data.splits import verify
from harness.errors import DataDamaged, HarnessError, StoreError, WeightsDamaged
from harness.measurement import TrainingResult
from harness.models import weights
from harness.report.results import read_results
from harness.store import arrays, relations, upkeep
from harness.store.engine import open_database
from harness.store.views import PUBLIC
from harness.training.folder import TrainingFolder

TIMES = int(os.environ.get("FAULTS_FLIPS", "100"))
PLACES = random.Random(11)


@contextmanager
def flipped(path: Path) -> Iterator[None]:
    """The file with another bit somewhere, and then as it was."""
    content = path.read_bytes()
    altered = bytearray(content)
    altered[PLACES.randrange(len(content))] ^= 1 << PLACES.randrange(8)
    path.write_bytes(altered)
    yield
    path.write_bytes(content)


def check_refusals(name: str, path: Path, use: Callable[[], object], kind: type[HarnessError]) -> None:
    with injected(f"a flipped bit in {name}", TIMES) as fault:
        for _ in range(TIMES):
            with flipped(path), pytest.raises(kind, match=path.name) as caught:
                use()
            fault.outlived(seen=str(caught.value).replace(str(path.parent), "..."))
        use()


@pytest.fixture
def copied(reference: Faulty, tmp_path: Path) -> Path:
    """The results of the whole run, to be damaged."""
    return Path(shutil.copytree(reference.results, tmp_path / "results"))


def test_weights_arrays_and_data_are_refused(copied: Path, digits_dir: Path, tmp_path: Path) -> None:
    [path, *_] = copied.glob("models/*/weights-*")
    check_refusals("a weights file", path, lambda: weights.load(path), WeightsDamaged)
    [array, *_] = copied.glob("arrays/*/*")
    sha256 = arrays.hashlib.sha256(array.read_bytes()).hexdigest()
    check_refusals("an array of a result", array, lambda: arrays.load(array.parent, array.name, sha256), StoreError)
    data = Path(shutil.copytree(digits_dir, tmp_path / "data"))
    [split] = data.glob("digits/test-*")
    check_refusals("a data array", split, lambda: verify(data, "digits"), DataDamaged)


def test_a_similarity_is_refused(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "generated": True, "recording_digest": "0" * 64, "fit": {}, "scans": {},
        "noise_free_correlation": None, "importer": "test",
    }  # fmt: skip
    images = torch.randint(0, 256, (8, 1, 6, 6), dtype=torch.uint8)
    similarities.write_similarities(tmp_path, "v1", {"neural": torch.eye(8), "raw": torch.eye(8)}, images, **about)
    [path] = (tmp_path / "similarities" / "v1").glob("neural-*")
    check_refusals("a similarity", path, lambda: similarities.verify_similarity(tmp_path, "v1"), DataDamaged)
    check_refusals("a similarity", path, lambda: similarities.open_similarity(tmp_path, "v1", "neural"), DataDamaged)


def test_a_training_result_is_passed_over(copied: Path) -> None:
    [path, *_] = copied.glob("models/*/result-*")
    identity = weights.load(path)[1]["identity"]
    with injected("a flipped bit in a training's result", TIMES) as fault:
        for _ in range(TIMES):
            with flipped(path):
                folder = TrainingFolder(path.parent, identity)
                assert not isinstance(folder.newest(), TrainingResult)
                assert folder.damaged == [path.name]
            fault.outlived(seen="nothing: the model is trained again, to the same weights")
    assert isinstance(TrainingFolder(path.parent, identity).newest(), TrainingResult)


@pytest.mark.faults
def test_a_checkpoint_is_passed_over_for_the_one_before(program: Faulty, reference: Faulty) -> None:
    program.run(role="worker", kind="open", detail="weights-", victim="both")
    folder, path = next((p.parent, p) for p in program.results.glob("models/*/checkpoint-0003*"))
    identity = weights.load(path)[1]["identity"]
    with injected("a flipped bit in a checkpoint", TIMES + 1) as fault:
        for _ in range(TIMES):
            with flipped(path):
                store = TrainingFolder(folder, identity)
                assert len(store.newest().epochs) == 2
                assert store.damaged == [path.name]
            fault.outlived(seen="a line: checkpoint damaged, 2 epochs kept")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        code, said = program.run()
        assert code == 0, said
        assert program.outcome == reference.outcome
        fault.outlived()


def views_of(file: Path) -> dict[str, list[str]]:
    """What users can see, as text."""
    with open_database(f"sqlite:///{file}", create=False) as database:
        return {name: sorted(map(repr, relations.rows(database, name).rows)) for name in PUBLIC}


def flips_in_pages(reference: Faulty, folder: Path, times: int) -> None:
    file = folder / "copy.sqlite"
    with open_database(f"sqlite:///{reference.results / 'harness.sqlite'}", create=False) as database:
        upkeep.backup(database, file)
    expected = views_of(file)
    with injected("a flipped bit in a database page", times) as fault:
        for _ in range(times):
            with flipped(file):
                try:
                    with open_database(f"sqlite:///{file}", create=False) as database:
                        problems = upkeep.check(database).problems
                        if not problems:
                            assert views_of(file) == expected, "a changed number was not noticed"
                except HarnessError:
                    pass
            for beside in folder.glob("copy.sqlite-*"):
                beside.unlink()
            fault.outlived(seen="harness db check: the result of job ... is not as it was recorded")
    assert views_of(file) == expected


def test_a_few_places_in_the_database_are_named_or_harmless(reference: Faulty, tmp_path: Path) -> None:
    flips_in_pages(reference, tmp_path, 25)


@pytest.mark.faults
def test_many_places_in_the_database_are_named_or_harmless(reference: Faulty, tmp_path: Path) -> None:
    flips_in_pages(reference, tmp_path, 10 * TIMES)


@pytest.mark.faults
def test_no_report_is_made_of_a_changed_database(reference: Faulty, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite"
    with open_database(f"sqlite:///{reference.results / 'harness.sqlite'}", create=False) as database:
        upkeep.backup(database, file)

    def reported() -> list[str]:
        with open_database(f"sqlite:///{file}", create=False) as database:
            results = read_results(database, "tiny", "paper")
            frames = ("models", "gammas", "curves", "boundary", "arrays", "epochs", "gamma_epochs", "missing")
            return [getattr(results, name).to_csv() for name in frames]

    expected = reported()
    with injected("a flipped bit in a database page, then a report", TIMES) as fault:
        for _ in range(TIMES):
            with flipped(file):
                try:
                    assert reported() == expected
                except HarnessError as error:
                    fault.seen = str(error).replace(str(tmp_path), "...")
            for beside in tmp_path.glob("copy.sqlite-*"):
                beside.unlink()
            fault.outlived()


DAMAGES = {
    "a stored accuracy": "UPDATE measurement SET value = value / 2 WHERE id = (SELECT max(id) FROM measurement)",
    "a stored epoch": "UPDATE epoch SET validation_accuracy = 0.5625 WHERE epoch = 1",
    "a model's spec": "UPDATE model SET spec = replace(spec, '10', '11')",
    "a job's state": "UPDATE job SET state = 'waiting' WHERE kind = 'gaussian'",
    "an array's digest": "UPDATE result_array SET sha256 = 'f' || substr(sha256, 2)",
}  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize("what", DAMAGES)
def test_a_changed_result_is_refused_by_the_report_and_made_again_by_the_next_run(
    what: str, program: Faulty, reference: Faulty, copied: Path
) -> None:
    program.into(copied)
    with injected(f"{what} is changed in the database") as fault:
        with closing(sqlite3.connect(copied / "harness.sqlite")) as connection:
            assert connection.execute(DAMAGES[what]).rowcount > 0
            connection.commit()
        code, said = program("report", "tiny", "--profile", "paper")
        assert (code, "Traceback" in said) == (1, False), said
        assert "not as recorded" in said
        code, checked = program("db", "check")
        assert (code, "is not as it was recorded" in checked) == (1, True)
        code, again = program.run()
        assert (code, "it is computed again" in again) == (0, True), again
        assert program.outcome == reference.outcome
        assert program("report", "tiny", "--profile", "paper")[0] == 0
        fault.outlived(seen=said.splitlines()[-1].replace(str(copied), "..."))
