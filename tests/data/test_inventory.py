from __future__ import annotations

from pathlib import Path

from few_images import file_of, write

from harness.data.inventory import described


def test_the_list_shows_what_is_there_what_is_damaged_and_what_is_unusual(tmp_path: Path) -> None:
    write(tmp_path)
    found = {row.dataset.name: row for row in described(tmp_path)}
    assert found["mnist"].state == "ready"
    assert found["mnist"].images == {"train": 20, "test": 7}
    assert found["mnist"].unusual == ["train 20 of 60000", "test 7 of 10000"]
    assert found["cifar10"].state == "missing"
    file_of(tmp_path).write_bytes(b"")
    [damaged] = [row for row in described(tmp_path) if row.dataset.name == "mnist"]
    assert damaged.state == "damaged"
    assert "0 bytes instead of" in damaged.problem
