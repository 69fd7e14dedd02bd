from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits

from harness.data.bundled import is_made, prepare_bundled
from harness.data.sets import DATASETS
from harness.data.splits import open_split


def test_digits_are_scikit_learns_each_once(tmp_path: Path) -> None:
    manifest = prepare_bundled(tmp_path, "digits")
    train, test = (open_split(tmp_path, "digits", split) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((1437, 1, 32, 32), (360, 1, 32, 32))
    assert not manifest.origin.generated
    small, labels = load_digits(return_X_y=True)
    found = torch.cat([train.images, test.images])[:, 0].numpy()
    shrunk = {np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.BOX)).tobytes() for image in found}
    assert len(shrunk) == len({image.tobytes() for image in small})
    assert torch.equal(torch.cat([train.labels, test.labels]).bincount(), torch.from_numpy(labels).bincount())


def test_every_digit_is_in_the_test_split_about_as_often(tmp_path: Path) -> None:
    prepare_bundled(tmp_path, "digits")
    assert open_split(tmp_path, "digits", "test").labels.bincount().min() >= 25


def test_preparing_twice_changes_nothing_and_elsewhere_gives_the_same(tmp_path: Path) -> None:
    first = prepare_bundled(tmp_path / "a", "digits")
    assert prepare_bundled(tmp_path / "a", "digits") == first
    assert prepare_bundled(tmp_path / "b", "digits").splits == first.splits


def test_corrupted_digits_bring_the_clean_ones_and_say_that_they_are_generated(tmp_path: Path) -> None:
    manifest = prepare_bundled(tmp_path, "digits-c")
    dataset = DATASETS["digits-c"]
    assert tuple(manifest.splits) == dataset.splits
    assert manifest.origin.generated
    assert manifest.origin.sha256 == open_split(tmp_path, "digits", "test").digest
    for split in dataset.splits:
        found = open_split(tmp_path, "digits-c", split)
        assert found.images.shape == (1800, 1, 32, 32)
        assert torch.equal(found.labels.view(5, -1)[3], open_split(tmp_path, "digits", "test").labels)
    assert prepare_bundled(tmp_path, "digits-c") == manifest


def test_a_set_that_an_older_version_made_with_fewer_corruptions_is_made_again(tmp_path: Path) -> None:
    whole = prepare_bundled(tmp_path, "digits-c")
    older = whole.model_copy(update={"splits": dict(list(whole.splits.items())[:8])})
    (tmp_path / "digits-c" / "manifest.json").write_text(older.model_dump_json())
    assert not is_made(tmp_path, "digits-c")
    assert prepare_bundled(tmp_path, "digits-c").splits == whole.splits
    assert is_made(tmp_path, "digits-c")
