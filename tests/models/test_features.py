from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from pretended_device import DEVICE, pretended_device
from torch import Tensor

from harness.data.splits import open_split
from harness.data.weights import weights_file
from harness.errors import ImportRefused, UnknownName
from harness.models import features
from harness.models.features import LAYERS, feature_rows
from harness.models.published_weights import import_weights
from harness.spec.training import RegularizerSpec, TrainingSpec
from harness.training.images import training_images

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def convolutions() -> torch.nn.Sequential:
    """VGG19's, with random weights."""
    with torch.device("meta"):
        layers = torchvision.models.vgg19().features
    layers.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layers.parameters():
            fan_in = parameter[0].numel()
            parameter.normal_(std=(2 / fan_in) ** 0.5, generator=generator)
    return layers


@pytest.fixture(scope="module")
def weights(convolutions: torch.nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vgg19")
    torch.save({f"features.{name}": tensor for name, tensor in convolutions.state_dict().items()}, folder / "random.pt")
    import_weights(folder, "vgg19", folder / "random.pt", kind="stand-in")
    return weights_file(folder, "vgg19")


@pytest.fixture(scope="module")
def images(digits_dir: Path) -> Tensor:
    return open_split(digits_dir, "digits", "test").images[:16].clone()


def plain(convolutions: torch.nn.Sequential, images: Tensor, layer: str) -> Tensor:
    """Cosines of all pairs in float64, as the definition says it."""
    normalised = torchvision.transforms.functional.normalize(
        (images.double() / 255).expand(-1, 3, -1, -1),
        [0.485, 0.456, 0.406],
        [0.229, 0.224, 0.225],
    )
    with torch.no_grad():
        maps = convolutions[: LAYERS[layer] + 1].double()(normalised).flatten(1)
    convolutions.float()
    centered = maps - maps.mean(dim=0)
    unit = centered / centered.norm(dim=1, keepdim=True)
    return unit @ unit.T


def test_layers_are_the_convolutions_that_the_literature_names() -> None:
    layers = features.convolutions()
    assert set(LAYERS) == {
        f"conv{block}_{number}" for block, count in enumerate((2, 2, 4, 4, 4), 1) for number in range(1, count + 1)
    }
    assert all(isinstance(layers[position], torch.nn.Conv2d) for position in LAYERS.values())
    assert layers[LAYERS["conv3_1"]].in_channels == 128
    assert layers[LAYERS["conv3_1"]].out_channels == 256


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_rows_have_the_features_cosines(
    color: str, convolutions: torch.nn.Sequential, weights: Path, images: Tensor
) -> None:
    if color == "rgb":
        images = torch.cat([images, images.flip(2), images.flip(3)], dim=1)
    rows = feature_rows(images, "conv3_1", weights, CPU)
    assert rows.shape == (16, 256 * 8 * 8)
    found = rows.float() @ rows.float().T
    torch.testing.assert_close(found.double(), plain(convolutions, images, "conv3_1"), rtol=0, atol=2e-5)


def test_the_target_features_is_the_cosine_of_the_regularization_images_own_features(
    convolutions: torch.nn.Sequential, weights: Path, digits_dir: Path, tmp_path: Path
) -> None:
    for folder in (weights.parents[1], *digits_dir.iterdir()):
        (tmp_path / folder.name).symlink_to(folder)
    regularizer = RegularizerSpec(target="features", alpha=1, images="digits", n_images=12)
    found = training_images(TrainingSpec(classification="digits", regularizer=regularizer), tmp_path, CPU)
    assert found.regularization is not None
    assert found.similarity is not None
    i, j = torch.triu_indices(12, 12, offset=1)
    expected = plain(convolutions, found.regularization, "conv3_1")[i, j]
    torch.testing.assert_close(found.similarity(i, j).double(), expected, rtol=0, atol=2e-5)


def test_the_rounding_of_rows_stays_within_its_bound(weights: Path, images: Tensor) -> None:
    rows = feature_rows(images, "conv1_1", weights, CPU)
    lengths = rows.double().norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths), rtol=0, atol=2**-11)


def test_the_chunks_do_not_matter(weights: Path, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = feature_rows(images, "conv2_1", weights, CPU)
    monkeypatch.setattr(features, "_CHUNK", 1)
    torch.testing.assert_close(feature_rows(images, "conv2_1", weights, CPU), whole, rtol=0, atol=1e-4)


def test_another_device_gives_the_same_rows(weights: Path, images: Tensor) -> None:
    expected = feature_rows(images, "conv2_1", weights, CPU)
    with pretended_device():
        assert torch.equal(feature_rows(images, "conv2_1", weights, DEVICE).cpu(), expected)


def test_an_image_without_a_direction_has_the_row_0(weights: Path) -> None:
    images = torch.full((2, 1, 32, 32), 77, dtype=torch.uint8)
    assert not feature_rows(images, "conv1_2", weights, CPU).any()


def test_an_unknown_layer_is_refused_with_a_near_name(weights: Path, images: Tensor) -> None:
    with pytest.raises(UnknownName, match="no layer of VGG19 called 'conv3'; did you mean 'conv"):
        feature_rows(images, "conv3", weights, CPU)


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.ones(64, 1, 3, 3)}, tmp_path / "other.pt")
    with pytest.raises(ImportRefused, match=r"other\.pt is not VGG19 .*Missing .*size mismatch for 0\.weight"):
        import_weights(tmp_path, "vgg19", tmp_path / "other.pt", kind="stand-in")
