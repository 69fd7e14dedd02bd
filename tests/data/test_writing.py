from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from few_images import CLASSES, ORIGIN, files, split_arrays, write

from harness.data import array_files
from harness.data.array_files import LOCK, writable
from harness.data.manifest import set_manifest_file
from harness.data.manifest_file import MANIFEST
from harness.data.sets import DATASETS
from harness.data.splits import open_split, verify
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataError, DataMissing


def test_a_set_that_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    old = write(tmp_path)
    with pytest.raises(DataError, match="--replace"):
        write(tmp_path, seed=1)
    assert write(tmp_path, seed=1, existing="keep") == old
    new = write(tmp_path, seed=1, existing="replace")
    assert files(tmp_path) == {MANIFEST, *(entry.file for entry in new.splits.values())}
    assert not {entry.file for entry in old.splits.values()} & files(tmp_path)


@pytest.mark.parametrize("block", [array_files.BLOCK, 100])
def test_the_digest_of_a_set_stays_what_it_is_or_every_result_on_it_would_be_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(array_files, "BLOCK", block)
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 1, 28, 28)
    split = SplitArrays("train", images, np.array([3, 1]))
    [written] = write_set(tmp_path, DATASETS["mnist"], [split], classes=CLASSES, origin=ORIGIN).splits.values()
    assert written.sha256 == "e31a07b583d4edbd989e368320004b6a361a1fd11a18a88982fc5bcd37153478"


@pytest.mark.parametrize("before", [False, True])
def test_a_set_that_fails_on_the_way_leaves_what_was_there(tmp_path: Path, before: bool) -> None:
    if before:
        write(tmp_path)

    def failing() -> Iterator[SplitArrays]:
        yield split_arrays("train", seed=1)
        raise DataError("the second file is short")

    with pytest.raises(DataError, match="second file"):
        write_set(tmp_path, DATASETS["mnist"], failing(), classes=CLASSES, origin=ORIGIN, existing="replace")
    if before:
        verify(tmp_path, "mnist")
        assert len(files(tmp_path)) == 3
    else:
        assert files(tmp_path) == set()
        with pytest.raises(DataMissing):
            open_split(tmp_path, "mnist", "train")


def test_after_a_kill_the_old_set_is_whole_and_leftovers_are_swept(tmp_path: Path) -> None:
    write(tmp_path)
    code = """
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from few_images import CLASSES, DATASETS, ORIGIN, split_arrays, write_set

        def killed():
            yield split_arrays("train", seed=1)
            Path(sys.argv[1], "mnist", "test.partial").write_bytes(b"half a file")
            os.kill(os.getpid(), signal.SIGKILL)

        write_set(Path(sys.argv[1]), DATASETS["mnist"], killed(), classes=CLASSES, origin=ORIGIN, existing="replace")
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code), tmp_path, Path(__file__).parent], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(files(tmp_path)) == 5
    verify(tmp_path, "mnist")
    write(tmp_path, existing="keep")
    assert len(files(tmp_path)) == 3


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path)
    code = """
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from few_images import write
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
        try:
            write(Path(sys.argv[1]), seed=1, existing="replace")
        except Exception as error:
            print(type(error).__name__, error)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path, Path(__file__).parent],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.startswith("DataError cannot write")
    assert "File too large; nothing was changed. Free some space" in ended.stdout
    verify(tmp_path, "mnist")
    assert len(files(tmp_path)) == 3


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*HARNESS_DATA_DIR"):
        write(tmp_path / "file")


def test_arrays_of_another_shape_or_type_are_a_programmers_error(tmp_path: Path) -> None:
    good = split_arrays("train")
    for bad in (
        good._replace(images=good.images[:, :, :27]),
        good._replace(images=good.images.astype(np.float32)),
        good._replace(labels=good.labels[:-1]),
        good._replace(labels=good.labels.astype(np.int32)),
    ):
        with pytest.raises(ValueError, match="mnist/train"):
            write_set(tmp_path, DATASETS["mnist"], [bad], classes=CLASSES, origin=ORIGIN)


def test_arrays_in_another_memory_order_are_written_in_c_order(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    images = numbers.integers(0, 256, (9, 28, 28, 1), dtype=np.uint8).transpose(0, 3, 2, 1)
    split = SplitArrays("train", images, np.zeros(9, np.int64))
    write_set(tmp_path, DATASETS["mnist"], [split], classes=CLASSES, origin=ORIGIN)
    np.testing.assert_array_equal(open_split(tmp_path, "mnist", "train").images.numpy(), images)


def test_a_writer_waits_for_another_on_whatever_file_system(tmp_path: Path) -> None:
    """A lock of a file that is open for writing reaches other hosts through NFS, one of a folder does not."""
    file, order = set_manifest_file(tmp_path, DATASETS["mnist"]), list[str]()
    folder = tmp_path / "mnist"

    def write_second() -> None:
        with writable(file):
            order.append("second")

    second = threading.Thread(target=write_second)
    with writable(file):
        with (folder / LOCK).open("a") as held, pytest.raises(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        second.start()
        time.sleep(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]
    assert [path.name for path in folder.iterdir()] == [LOCK]


def test_large_files_are_written_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write(tmp_path / "whole")
    monkeypatch.setattr(array_files, "BLOCK", 1000)
    assert write(tmp_path / "blocks").splits == whole.splits
    verify(tmp_path / "blocks", "mnist")
