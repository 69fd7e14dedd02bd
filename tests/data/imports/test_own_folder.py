from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data.catalogue import get_dataset, get_manifest
from harness.data.corruptions import corrupt
from harness.data.imports.folder import import_images
from harness.data.imports.own_folder import import_own_images
from harness.data.inventory import described
from harness.data.manifest import Manifest
from harness.data.manifest_file import MANIFEST
from harness.data.order import fair_order
from harness.data.sets import DATASETS, FREQUENCY
from harness.data.splits import open_split, verify
from harness.data.writing import Existing
from harness.errors import DataDamaged, DataError, ImportRefused, SpecError, UnknownName


def written(folder: Path, *, classes: int = 3, per_class: int = 10, mode: str = "L", side: int = 12) -> Path:
    """CLASS/*.png, each image of one brightness, which is its number."""
    for label in range(classes):
        (folder / f"class-{label}").mkdir(parents=True)
        for index in range(per_class):
            image = Image.new("L", (side, side), label * per_class + index).convert(mode)
            image.save(folder / f"class-{label}" / f"{index}.png")
    return folder


def numbers(data_dir: Path, split: str) -> list[int]:
    """The numbers of a split's images, in their order."""
    return open_split(data_dir, "mine", split).images[:, 0, 0, 0].tolist()


def imported(tmp_path: Path, data: str = "data", **said: object) -> Manifest:
    source = tmp_path / "source"
    return import_own_images(tmp_path / data, "mine", source, **({"test_fraction": 0.2} | said))  # type: ignore[arg-type]


def test_a_share_of_each_class_becomes_the_test_images(tmp_path: Path) -> None:
    written(tmp_path / "source")
    manifest = imported(tmp_path)
    assert manifest.classes == ("class-0", "class-1", "class-2")
    for split, share in (("test", 2), ("train", 8)):
        labels = open_split(tmp_path / "data", "mine", split).labels
        assert labels.bincount().tolist() == [share] * 3
        assert labels.tolist() == [number // 10 for number in numbers(tmp_path / "data", split)]
    assert sorted(numbers(tmp_path / "data", "train") + numbers(tmp_path / "data", "test")) == list(range(30))


def test_the_test_images_are_not_the_first_of_the_splits_own_order(tmp_path: Path) -> None:
    """Else the first training images would be such as come after others of their class."""
    written(tmp_path / "source")
    imported(tmp_path)
    first = {10 * label + int(name[8]) for label in range(3) for name in fair_order(NAMES[label])[:2]}
    assert set(numbers(tmp_path / "data", "test")) != first


NAMES = [[f"class-{label}/{index}.png" for index in range(10)] for label in range(3)]


def test_an_archive_with_a_folder_around_it_all_is_divided_in_the_same_way(tmp_path: Path) -> None:
    source = written(tmp_path / "source")
    digests = {split: entry.sha256 for split, entry in imported(tmp_path).splits.items()}
    for kind in ("tar", "zip"):
        archive = shutil.make_archive(str(tmp_path / "packed"), kind, tmp_path, source.name)
        packed = import_own_images(tmp_path / kind, "mine", Path(archive), test_fraction=0.2)
        assert {split: entry.sha256 for split, entry in packed.splits.items()} == digests


def test_the_first_training_images_of_a_divided_set_are_a_fair_sample(tmp_path: Path) -> None:
    """Were the test images the first in the order of the training images, sizes of classes would show in it."""
    written(tmp_path / "source", classes=2, per_class=120)
    imported(tmp_path, test_fraction=0.5)
    labels = open_split(tmp_path / "data", "mine", "train").labels.double()
    assert 0.3 < labels[:40].mean() < 0.7
    ranks = {number: place for place, number in enumerate(numbers(tmp_path / "data", "train"))}
    imported(tmp_path, "other", test_fraction=0.01)
    among_all = [number for number in numbers(tmp_path / "other", "train") if number in ranks]
    places = [among_all.index(number) / len(among_all) for number in ranks]
    assert min(places) < 0.05
    assert np.mean(places) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("names", "classes"), [(("10", "9", "1"), ("1", "9", "10")), (("10", "nine", "1"), ("1", "10", "nine"))]
)
def test_classes_that_are_all_numbers_are_in_the_order_of_their_values(
    tmp_path: Path, names: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    source = written(tmp_path / "source")
    for label, name in enumerate(names):
        (source / f"class-{label}").rename(source / name)
    assert imported(tmp_path).classes == classes
    labels = open_split(tmp_path / "data", "mine", "train").labels.tolist()
    assert [classes[label] for label in labels] == [
        names[number // 10] for number in numbers(tmp_path / "data", "train")
    ]


def test_images_with_endings_in_capitals_are_images_too(tmp_path: Path) -> None:
    for image in written(tmp_path / "source", classes=2).rglob("*.png"):
        image.rename(image.with_suffix(".PNG"))
    assert imported(tmp_path).splits["train"].shape[0] == 16
    stray = shutil.copy(tmp_path / "source" / "class-0" / "1.PNG", tmp_path / "source" / "stray.PNG")
    with pytest.raises(ImportRefused, match=r"'stray.PNG' lies outside"):
        imported(tmp_path, existing="replace")
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.move(stray, alone)
    (alone / "README.txt").write_text("where it is from")
    pairs = import_own_images(tmp_path / "data", "pairs", alone, train_only=True)
    assert pairs.splits["train"].shape[0] == 1


def test_train_and_test_folders_are_taken_as_they_are(tmp_path: Path) -> None:
    written(tmp_path / "source" / "train")
    written(tmp_path / "source" / "test", per_class=4)
    with pytest.raises(ImportRefused, match="has test/ already; leave --test-fraction out"):
        imported(tmp_path)
    manifest = imported(tmp_path, test_fraction=None)
    assert {split: entry.shape for split, entry in manifest.splits.items()} == {
        "train": (30, 1, 12, 12),
        "test": (12, 1, 12, 12),
    }


def test_a_set_is_gray_only_if_no_pixel_has_a_color(tmp_path: Path) -> None:
    source = written(tmp_path / "source", mode="RGB")
    assert imported(tmp_path).splits["train"].shape[1] == 1
    image = Image.open(source / "class-1" / "3.png")
    image.putpixel((5, 7), (10, 13, 12))
    image.save(source / "class-1" / "3.png")
    assert imported(tmp_path, existing="replace").splits["train"].shape[1] == 3
    assert open_split(tmp_path / "data", "mine", "train").images.shape[1] == 3
    verify(tmp_path / "data", "mine")
    assert len(list((tmp_path / "data" / "mine").iterdir())) == 3 + 1  # the lock file


def test_images_of_several_sizes_are_brought_to_one(tmp_path: Path) -> None:
    source = written(tmp_path / "source")
    wide = Image.fromarray(np.repeat(np.arange(40, dtype=np.uint8)[None], 20, axis=0))  # columns numbered from the left
    wide.save(source / "class-0" / "0.png")
    with pytest.raises(ImportRefused, match=r"is (40 x 20|12 x 12) pixels; .* --size brings all images to one size"):
        imported(tmp_path)
    manifest = imported(tmp_path, size=(20, 10), test_fraction=0.1)
    assert manifest.origin.source == "source, brought to 20 x 10"
    images = torch.cat([open_split(tmp_path / "data", "mine", split).images for split in ("train", "test")])
    assert images.shape == (30, 1, 20, 10)
    [center] = [image for image in images[:, 0] if image.float().std() > 1]
    assert center[0].tolist() == list(range(15, 25))  # as high as the whole image, half as wide as it is high


def test_a_network_needs_two_classes(tmp_path: Path) -> None:
    written(tmp_path / "source" / "train", classes=1)
    written(tmp_path / "source" / "test", classes=1)
    with pytest.raises(ImportRefused, match="images of only one class, 'class-0'"):
        imported(tmp_path, test_fraction=None)


@pytest.mark.parametrize("name", ["\udcff", "9" * 256], ids=["no text", "too long for a folder"])
def test_a_class_whose_name_no_manifest_holds_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "source", "w") as archive:
        for label in ("class-0", name):
            archive.addfile(tarfile.TarInfo(f"{label}/0.png"))
    with pytest.raises(ImportRefused, match="a class is called by UTF-8 text of at most 255 letters"):
        imported(tmp_path)


def test_a_folder_whose_name_is_no_text_is_named_as_well_as_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "source").symlink_to(written(tmp_path / "a\udcff"))
    assert imported(tmp_path).origin.source == "a\ufffd"


def test_a_set_for_pairs_needs_no_test_images_and_no_second_class(tmp_path: Path) -> None:
    written(tmp_path / "source", classes=1)
    with pytest.raises(ImportRefused, match="has no images in train/CLASS/ and test/CLASS/, nor in CLASS/"):
        imported(tmp_path)
    assert imported(tmp_path, test_fraction=None, train_only=True).classes == ("all",)
    dataset = get_dataset(tmp_path / "data", "mine")
    assert (dataset.role, dataset.splits) == ("regularization", ("train",))
    with pytest.raises(SpecError, match="mine is a regularization set, a network cannot be trained on it"):
        _ = dataset.task
    with pytest.raises(DataError, match="mine is a regularization set"):
        corrupt(tmp_path / "data", "mine")
    with pytest.raises(UnknownName):
        get_dataset(tmp_path / "data", "mine-c")


@pytest.mark.parametrize(("mode", "like"), [("L", "mnist"), ("RGB", "cifar10")])
def test_a_set_is_treated_like_mnist_or_cifar_but_for_augmentation(mode: str, like: str, tmp_path: Path) -> None:
    source = written(tmp_path / "source", mode=mode)
    if mode == "RGB":
        Image.new("RGB", (12, 12), (1, 2, 3)).save(source / "class-0" / "0.png")
    imported(tmp_path)
    found, model = get_dataset(tmp_path / "data", "mine"), DATASETS[like]
    assert (found.pixel_scaling, found.max_epsilon) == (model.pixel_scaling, model.max_epsilon)
    assert found.augmentation == "none"
    assert found.task == (3, (12, 12), model.pixel_scaling)
    assert found.counts == {"train": 24, "test": 6}


def test_it_can_be_corrupted_like_any_other(tmp_path: Path) -> None:
    written(tmp_path / "source", side=32)
    imported(tmp_path)
    manifest = corrupt(tmp_path / "data", "mine")
    assert manifest == get_manifest(tmp_path / "data", "mine-c")
    twin = get_dataset(tmp_path / "data", "mine-c")
    assert (twin.role, twin.clean, twin.splits) == ("corruption", "mine", tuple(FREQUENCY))
    assert open_split(tmp_path / "data", "mine-c", "fog").images.shape == (30, 1, 32, 32)
    shown = [found for found in described(tmp_path / "data") if found.dataset.clean == "mine"]
    assert [(found.dataset.name, found.state, found.unusual) for found in shown] == [
        ("mine", "ready", []),
        ("mine-c", "ready", []),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cifar10", "'cifar10' is taken"),
        ("vgg19", "'vgg19' is taken"),
        ("birds-c", "'birds-c' is reserved for 'birds' with corruptions"),
        ("../birds", "names are made of a to z"),
        ("recordings", "'recordings' is the name of a folder"),
        ("downloads", "'downloads' is the name of a folder"),
        ("weights", "'weights' is the name of a folder"),
        ("b" * 101, "at most 100"),
    ],
)
def test_names_that_mean_something_else_are_refused(name: str, said: str, tmp_path: Path) -> None:
    written(tmp_path / "source")
    with pytest.raises(SpecError, match=said):
        import_own_images(tmp_path / "data", name, tmp_path / "source", test_fraction=0.2)
    assert not (tmp_path / "data").exists()


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    written(tmp_path / "source")
    before = imported(tmp_path)
    shutil.rmtree(tmp_path / "source")
    written(tmp_path / "source", per_class=5)
    with pytest.raises(DataError, match="already; --replace"):
        imported(tmp_path)
    assert get_manifest(tmp_path / "data", "mine") == before
    assert imported(tmp_path, existing="replace").splits["train"].shape[0] == 12


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "class-0" / "notes.txt").write_text("x"), r"'class-0/notes.txt' is not CLASS/IMAGE"),
        (lambda folder: (folder / "class-0" / "3.png").write_bytes(b"x"), r"'class-0/3.png' cannot be read"),
        (lambda folder: [path.unlink() for path in (folder / "class-1").glob("[1-9].png")], "class 'class-1' has 1"),
        (lambda folder: shutil.rmtree(folder) or folder.mkdir(), "has no images in train/CLASS/ and test/CLASS/, nor"),
        (lambda folder: shutil.copy(folder / "class-0" / "3.png", folder / "3.png"), "'3.png' lies outside of the cl"),
    ],
    ids=["text", "no image", "one image", "empty", "beside the classes"],
)
def test_what_does_not_fit_is_refused_by_name(spoil: object, said: str, tmp_path: Path) -> None:
    spoil(written(tmp_path / "source"))  # type: ignore[operator]
    with pytest.raises(ImportRefused, match=said):
        imported(tmp_path)
    assert not (tmp_path / "data").exists()


def test_images_of_a_divided_set_that_are_in_neither_part_are_refused(tmp_path: Path) -> None:
    for part in ("train", "test", "val"):
        written(tmp_path / "source" / part)
    with pytest.raises(ImportRefused, match=r"'val/class-0/0.png' and \d+ more images lie outside"):
        imported(tmp_path, test_fraction=None)


def test_images_beside_those_of_a_set_for_pairs_are_refused_but_for_test_images(tmp_path: Path) -> None:
    for part in ("train", "test"):
        written(tmp_path / "source" / part)
    assert imported(tmp_path, test_fraction=None, train_only=True).splits.keys() == {"train"}
    shutil.copy(tmp_path / "source" / "train" / "class-0" / "3.png", tmp_path / "source" / "3.png")
    with pytest.raises(ImportRefused, match=r"'3.png' lies outside"):
        imported(tmp_path, test_fraction=None, train_only=True, existing="replace")


def test_a_folder_that_is_not_divided_says_how_to(tmp_path: Path) -> None:
    written(tmp_path / "source")
    with pytest.raises(ImportRefused, match=r"not divided into train/ and test/; --test-fraction 0.2"):
        imported(tmp_path, test_fraction=None)


def test_a_set_of_the_table_is_not_imported_as_ones_own_by_a_misspelt_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'mnist'"):
        import_images(tmp_path / "data", "minst", tmp_path)


@pytest.mark.parametrize("existing", ["refuse", "replace"])
def test_a_folder_of_that_name_that_holds_something_else_is_left_alone(existing: Existing, tmp_path: Path) -> None:
    written(tmp_path / "source")
    precious = tmp_path / "data" / "mine" / "pretrained.safetensors"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"of somebody's")
    with pytest.raises(DataError, match="mine holds files that are not a data set; give the set another name"):
        imported(tmp_path, existing=existing)
    assert [path.name for path in precious.parent.iterdir()] == [precious.name]


def test_files_of_others_in_a_sets_folder_stay(tmp_path: Path) -> None:
    written(tmp_path / "source")
    imported(tmp_path)
    others = [tmp_path / "data" / "mine" / name for name in ("pretrained.safetensors", "train-notes.txt", "x.part")]
    for path in others:
        path.write_bytes(b"of somebody's")
    left = tmp_path / "data" / "mine" / "train-0123456789ab.safetensors"  # of an import that was killed
    left.write_bytes(b"")
    imported(tmp_path, existing="replace")
    assert all(path.exists() for path in others)
    assert not left.exists()


def test_what_a_killed_import_left_is_no_obstacle(tmp_path: Path) -> None:
    written(tmp_path / "source")
    left = tmp_path / "data" / "mine" / "train.partial"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    imported(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"class-0",', "", "its classes are not those of the manifest"),
        ("12,\n        12\n", "12,\n        0\n", "splits.train.shape"),
        ("1,\n        12", "2,\n        12", "splits.train.shape"),
    ],
)
def test_a_manifest_that_was_edited_is_told_by_reading_and_by_verifying(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    written(tmp_path / "source")
    imported(tmp_path)
    path = tmp_path / "data" / "mine" / MANIFEST
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(DataDamaged, match=said):
        open_split(tmp_path / "data", "mine", "train")
    with pytest.raises(DataDamaged, match=said):
        verify(tmp_path / "data", "mine")


def test_test_images_are_not_asked_for_where_there_shall_be_none(tmp_path: Path) -> None:
    written(tmp_path / "source")
    with pytest.raises(SpecError, match="--train-only and --test-fraction exclude each other"):
        imported(tmp_path, train_only=True)


def test_a_replacement_of_another_size_that_the_disk_has_no_room_for_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "source")
    before = imported(tmp_path)
    files = {path.name for path in (tmp_path / "data" / "mine").iterdir()}

    def full(*of: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.data.writing.write_manifest", full)
    with pytest.raises(DataError, match="No space left on device; nothing was changed"):
        imported(tmp_path, size=(20, 20), existing="replace")
    assert {path.name for path in (tmp_path / "data" / "mine").iterdir()} == files
    assert get_manifest(tmp_path / "data", "mine") == before
