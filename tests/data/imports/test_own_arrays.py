from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.catalogue import get_dataset
from harness.data.imports.own_arrays import import_own_arrays
from harness.data.splits import open_split
from harness.errors import DataError, ImportRefused


def arrays(n: int = 12, channels: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    """Sorted by class; each image has the brightness of its number."""
    found = {}
    for split, count in (("train", 2 * n), ("test", n)):
        images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, *[1] * len(channels))
        found[f"{split}_images"] = np.broadcast_to(images, (count, 9, 7, *channels)).copy()
        found[f"{split}_labels"] = (np.arange(count) * 3 // count)[:, None].astype(np.uint8)
    return found


def saved(folder: Path, **said: np.ndarray) -> Path:
    np.savez(folder / "mine.npz", **said)
    return folder / "mine.npz"


def test_every_image_keeps_its_label_in_a_fair_order(tmp_path: Path) -> None:
    manifest = import_own_arrays(tmp_path, "mine", saved(tmp_path, **arrays(), val_images=np.zeros(3)))
    assert manifest.classes == ("0", "1", "2")
    assert manifest.origin.source == "mine.npz"
    for split, count in (("train", 24), ("test", 12)):
        found = open_split(tmp_path, "mine", split)
        assert found.images.shape == (count, 1, 9, 7)
        numbers = found.images[:, 0, 0, 0].long()
        assert sorted(numbers.tolist()) == list(range(count)) != numbers.tolist()
        assert found.labels.tolist() == (numbers * 3 // count).tolist()


def test_kerass_names_and_colors_are_known(tmp_path: Path) -> None:
    given = arrays(channels=(3,))
    given["train_images"][5, 2, 3] = (1, 2, 3)
    keras = {f"{'x' if key.endswith('images') else 'y'}_{key.split('_')[0]}": value for key, value in given.items()}
    import_own_arrays(tmp_path, "mine", saved(tmp_path, **keras))
    assert get_dataset(tmp_path, "mine").shape == (3, 9, 7)
    found = open_split(tmp_path, "mine", "train").images
    [colored] = [image for image in found if (image != image[:1]).any()]
    assert colored[:, 2, 3].tolist() == [1, 2, 3]


def test_a_color_axis_without_colors_makes_a_gray_set(tmp_path: Path) -> None:
    import_own_arrays(tmp_path, "mine", saved(tmp_path, **arrays(channels=(3,))))
    assert get_dataset(tmp_path, "mine").channels == 1


def test_the_first_are_the_beginning_of_all_and_of_every_class_that_there_is(tmp_path: Path) -> None:
    path = saved(tmp_path, **arrays())
    import_own_arrays(tmp_path / "all", "mine", path)
    few = import_own_arrays(tmp_path / "few", "mine", path, first=2)
    assert few.classes == ("0", "1", "2")
    for split in ("train", "test"):
        labels = open_split(tmp_path / "all", "mine", split).labels[:2]
        assert open_split(tmp_path / "few", "mine", split).labels.tolist() == labels.tolist()


@pytest.mark.parametrize("what", ["train", "train_images"])
def test_train_alone_is_enough_for_pairs_and_its_images_are(what: str, tmp_path: Path) -> None:
    given = {key: value for key, value in arrays().items() if key.startswith(what)}
    path = saved(tmp_path, **given)
    with pytest.raises(ImportRefused, match=r"no (train|test)_images and \1_labels or x_\1 and y_\1"):
        import_own_arrays(tmp_path, "mine", path)
    import_own_arrays(tmp_path, "mine", path, train_only=True)
    assert get_dataset(tmp_path, "mine").role == "regularization"
    with pytest.raises(DataError, match="already"):
        import_own_arrays(tmp_path, "mine", path, train_only=True)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train_images", np.zeros((24, 9, 7)), r"train_images is float64 \(24, 9, 7\), not uint8"),
        ("train_images", np.uint8(7), r"train_images is uint8 \(\), not uint8 \(n, h, w\)"),
        (
            "train_images",
            np.zeros((24, 3, 9, 7), np.uint8),
            r"train_images is uint8 \(24, 3, 9, 7\), not uint8",
        ),
        ("test_images", np.zeros((12, 9, 8), np.uint8), "images of test have another shape than those of train"),
        ("test_images", np.zeros((0, 9, 7), np.uint8), "test_labels is uint8"),
        ("train_labels", np.zeros((24, 14), np.uint8), r"train_labels is uint8 \(24, 14\), not whole numbers \(24,\)"),
        ("train_labels", np.zeros(24), "train_labels is float64"),
        ("train_labels", np.zeros(24, int), "labels of test must be 0 to 0, each at least once, as train has 1"),
        ("train_labels", np.arange(24) % 3 - 1, "labels of train must be 0 to 2, each at least once"),
        ("test_labels", np.full(12, 10**15), "labels of test must be 0 to 2, each at least once"),
        ("test_labels", np.array([0, 1] * 6), "labels of test must be 0 to 2, each at least once"),
        ("test_labels", np.array([object()] * 12), "cannot be read"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_by_name(key: str, value: np.ndarray, said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, **(arrays() | {key: value}))
    with pytest.raises(ImportRefused, match=said):
        import_own_arrays(tmp_path / "data", "mine", path)
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"x" * 100, b"PK\x03\x04"):
        (tmp_path / "mine.npz").write_bytes(content)
        with pytest.raises(ImportRefused, match=r"mine\.npz cannot be read"):
            import_own_arrays(tmp_path / "data", "mine", tmp_path / "mine.npz")
    with pytest.raises(ImportRefused, match=r"gone\.npz cannot be read"):
        import_own_arrays(tmp_path / "data", "mine", tmp_path / "gone.npz")
