from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_views import SPECTRUM, plan_and_record_all_kinds

from harness.errors import HarnessError, StoreError
from harness.store.arrays import array_files, load, save
from harness.store.engine import Database

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_an_array_comes_back_as_it_was(tmp_path: Path) -> None:
    [file] = save(tmp_path, "0123", {"power": ARRAY})
    assert file.shape == (3, 4)
    assert file.file.startswith("0123/power-")
    np.testing.assert_array_equal(load(tmp_path, file.file, file.sha256), ARRAY)


def test_the_same_content_has_the_same_file(tmp_path: Path) -> None:
    assert save(tmp_path, "0123", {"power": ARRAY}) == save(tmp_path, "0123", {"power": ARRAY.copy()})
    assert len(list((tmp_path / "0123").iterdir())) == 1


def test_one_flipped_byte_is_refused(tmp_path: Path) -> None:
    [file] = save(tmp_path, "0123", {"power": ARRAY})
    path = tmp_path / file.file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"truncated or altered: .*makes it anew"):
        load(tmp_path, file.file, file.sha256)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"power-0.safetensors cannot be read: No such file.*makes it anew"):
        load(tmp_path, "0123/power-0.safetensors", "0" * 64)


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "0123").write_text("a file where the folder should be")
    with pytest.raises(HarnessError, match=r"cannot write .*0123.* bytes\): .*make room"):
        save(tmp_path, "0123", {"power": ARRAY})


def test_an_array_is_its_own_jobs(db: Database) -> None:
    """A result whose array is lost is forgotten, and no other."""
    plan_and_record_all_kinds(db)
    assert array_files(db) == [(SPECTRUM.key, f"{SPECTRUM.key}/power.safetensors", "1" * 64)]
