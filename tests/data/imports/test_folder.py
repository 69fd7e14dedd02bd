from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data.catalogue import get_manifest
from harness.data.imports.folder import import_images
from harness.data.imports.source import Folder
from harness.data.order import fair_order
from harness.data.sets import DATASETS
from harness.data.splits import open_split, verify
from harness.errors import DataError, DataMissing, ImportRefused

MakeFolder = Callable[..., Path]


def digests(data_dir: Path, name: str = "mnist") -> dict[str, str]:
    return {split: entry.sha256 for split, entry in get_manifest(data_dir, name).splits.items()}


def packed(folder: Path, kind: str, *, outer: bool = False) -> Path:
    """The folder as an archive, with the folder itself in it or only what it holds."""
    root = folder.parent if outer else folder
    return Path(shutil.make_archive(str(folder.parents[1] / f"packed-{outer}"), kind, root, "."))


def test_every_image_lands_in_its_place_with_its_label(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder()
    manifest = import_images(tmp_path / "data", "mnist", folder)
    assert manifest.classes == tuple("0123456789")
    names = fair_order(path.relative_to(folder).as_posix() for path in (folder / "train").rglob("*.png"))
    split = open_split(tmp_path / "data", "mnist", "train")
    assert split.labels.tolist() == [int(name.split("/")[1]) for name in names]
    for image, name in zip(split.images, names, strict=True):
        np.testing.assert_array_equal(image[0].numpy(), np.asarray(Image.open(folder / name)))


def test_a_folder_and_its_archives_give_the_same_set(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder(classes=10, per_class=2)
    import_images(tmp_path / "folder", "mnist", folder)
    for kind in ("tar", "gztar", "zip"):
        for outer in (False, True):
            data_dir = tmp_path / f"{kind}-{outer}"
            import_images(data_dir, "mnist", packed(folder, kind, outer=outer))
            assert digests(data_dir) == digests(tmp_path / "folder")


def test_the_origin_names_the_archive_and_its_sha256_but_no_path(tmp_path: Path, image_folder: MakeFolder) -> None:
    archive = packed(image_folder(per_class=1), "gztar")
    origin = import_images(tmp_path / "data", "mnist", archive).origin
    assert (origin.kind, origin.source) == ("import", archive.name)
    assert origin.sha256 is not None


def test_jpegs_of_any_case_are_read_and_left_overs_of_desktops_are_not(
    tmp_path: Path, image_folder: MakeFolder
) -> None:
    folder = image_folder(channels=3, size=(32, 32), suffix="JPEG")
    for stray in ("._0.JPEG", ".DS_Store", "Thumbs.db"):
        (folder / "train" / "0" / stray).write_bytes(b"not an image")
    (folder / "README.txt").write_text("about")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "x.png").write_bytes(b"")
    assert import_images(tmp_path / "data", "cifar10", folder).splits["train"].shape == (30, 3, 32, 32)


def test_other_names_than_published_models_number_the_classes_by_are_refused(
    tmp_path: Path, image_folder: MakeFolder
) -> None:
    folder = image_folder(channels=3, size=(32, 32))
    for split in ("train", "test"):
        for label, name in enumerate(DATASETS["cifar10"].class_names):
            (folder / split / str(label)).rename(folder / split / name)
    assert import_images(tmp_path / "data", "cifar10", folder).classes[1] == "automobile"
    for split in ("train", "test"):
        (folder / split / "automobile").rename(folder / split / "car")  # which would come after bird
    with pytest.raises(ImportRefused, match="cifar10 has no class 'car', and labels number the sorted names"):
        import_images(tmp_path / "others", "cifar10", folder)


def test_class_names_that_are_numbers_are_sorted_by_value(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder(channels=3, size=(32, 32), classes=100, per_class=1)
    assert import_images(tmp_path / "data", "cifar100", folder).classes == tuple(map(str, range(100)))


def test_a_regularization_set_needs_no_test_images_and_takes_any_size(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder(channels=3, size=(150, 200), classes=3)
    shutil.rmtree(folder / "test")
    import_images(tmp_path / "data", "imagenet", folder)
    assert open_split(tmp_path / "data", "imagenet", "train").images.shape == (9, 3, 36, 64)


def test_threads_and_batches_do_not_mix_images_up(
    tmp_path: Path, image_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = image_folder(channels=3, size=(150, 260), classes=4, per_class=10)
    import_images(tmp_path / "a", "imagenet", folder)
    monkeypatch.setattr("harness.data.imports.decoding.BATCH_IMAGES", 3)
    import_images(tmp_path / "b", "imagenet", folder)
    assert digests(tmp_path / "a", "imagenet") == digests(tmp_path / "b", "imagenet")


def test_train_alone_is_enough_when_asked_for(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder()
    shutil.rmtree(folder / "test")
    shutil.copytree(folder / "train", folder / "val")
    said = (
        "no images in test/CLASS/, only folders called train, val; official files are read from .*/downloads/mnist by: "
    )
    with pytest.raises(ImportRefused, match=f"{said}harness data prepare mnist$"):
        import_images(tmp_path / "data", "mnist", folder)
    import_images(tmp_path / "data", "mnist", folder, splits=("train",))
    with pytest.raises(DataMissing, match="has no test"):
        open_split(tmp_path / "data", "mnist", "test")


def test_the_first_images_are_the_beginning_of_all(tmp_path: Path, image_folder: MakeFolder) -> None:
    folder = image_folder()
    import_images(tmp_path / "all", "mnist", folder)
    import_images(tmp_path / "some", "mnist", folder, first=12)
    few, many = (open_split(tmp_path / data, "mnist", "train").images for data in ("some", "all"))
    assert torch.equal(few, many[:12])


def test_progress_reaches_the_number_of_images(tmp_path: Path, image_folder: MakeFolder) -> None:
    told: list[tuple[int, int]] = []
    import_images(tmp_path / "data", "mnist", image_folder(), on_progress=lambda *of: told.append(of))
    assert told[-1] == (60, 60)


def remove_class_from_test(folder: Path) -> None:
    shutil.rmtree(folder / "test" / "4")


def add_class_to_test(folder: Path) -> None:
    shutil.copytree(folder / "test" / "4", folder / "test" / "40")


def remove_class(folder: Path) -> None:
    shutil.rmtree(folder / "test" / "4")
    shutil.rmtree(folder / "train" / "4")


def add_class(folder: Path) -> None:
    for split in ("train", "test"):
        shutil.copytree(folder / split / "4", folder / split / "40")


def cut_short(folder: Path) -> None:
    path = folder / "train" / "7" / "1.png"
    path.write_bytes(path.read_bytes()[:200])


def odd_sized(folder: Path) -> None:
    Image.new("L", (28, 27)).save(folder / "test" / "7" / "1.png")


def another_format(folder: Path) -> None:
    Image.new("L", (28, 28)).save(folder / "train" / "7" / "1.gif")


def too_deep(folder: Path) -> None:
    shutil.copytree(folder / "train" / "7", folder / "train" / "7" / "more")


def linked_out(folder: Path) -> None:
    (folder / "train" / "7" / "9.png").symlink_to("/etc/hostname")


def renamed_split(folder: Path) -> None:
    (folder / "train").rename(folder / "training")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (remove_class_from_test, "class '4' is in train/ but not in test/"),
        (add_class_to_test, "class '40' is in test/ but not in train/"),
        (remove_class, r"train has 9 classes .*mnist has 10"),
        (add_class, r"train has 11 classes .*mnist has 10"),
        (cut_short, r"'train/7/1\.png' cannot be read as an image"),
        (odd_sized, r"'test/7/1\.png' is 28 x 27 pixels; mnist has 28 x 28"),
        (another_format, r"'train/7/1\.gif' is not train/CLASS/IMAGE"),
        (too_deep, r"'train/7/more/0\.png' is not train/CLASS/IMAGE"),
        (linked_out, r"'train/7/9\.png' is a link"),
        (renamed_split, "no images in train/CLASS/"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_changes(
    tmp_path: Path, image_folder: MakeFolder, spoil: Callable[[Path], None], problem: str
) -> None:
    folder = image_folder()
    import_images(tmp_path / "data", "mnist", folder)
    before = digests(tmp_path / "data")
    spoil(folder)
    with pytest.raises(ImportRefused, match=problem):
        import_images(tmp_path / "data", "mnist", folder, existing="replace")
    with pytest.raises(ImportRefused, match=problem):
        import_images(tmp_path / "empty", "mnist", folder)
    assert digests(tmp_path / "data") == before
    verify(tmp_path / "data", "mnist")
    assert not (tmp_path / "empty" / "mnist").exists()


def test_a_set_that_is_there_is_refused_before_anything_is_read(tmp_path: Path, image_folder: MakeFolder) -> None:
    import_images(tmp_path / "data", "mnist", image_folder())
    with pytest.raises(DataError, match=r"mnist is in .* already; --replace"):
        import_images(tmp_path / "data", "mnist", tmp_path / "nowhere")


def test_a_kill_in_the_middle_leaves_nothing_half_made(tmp_path: Path, image_folder: MakeFolder) -> None:
    archive = packed(image_folder(), "tar")
    code = """if True:
        import os, signal, sys
        from pathlib import Path
        from harness.data.imports.folder import import_images
        kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)
        import_images(Path(sys.argv[1]), "mnist", Path(sys.argv[2]), on_progress=kill)
    """
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "data", archive], check=False)
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(DataMissing):
        open_split(tmp_path / "data", "mnist", "train")
    import_images(tmp_path / "data", "mnist", archive)
    verify(tmp_path / "data", "mnist")


def test_a_source_that_loses_an_image_while_it_is_read_is_refused(
    tmp_path: Path, image_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Folder.read
    monkeypatch.setattr(Folder, "read", lambda self, wanted: list(read(self, wanted))[1:])
    with pytest.raises(ImportRefused, match="changed while it was read"):
        import_images(tmp_path / "data", "mnist", image_folder())
    assert not (tmp_path / "data" / "mnist").exists()
