from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.data.frequencies import bands, half_plane
from harness.evaluations import evaluate
from harness.evaluations.fourier import basis_image
from harness.models.pixels import unit_pixels
from harness.seeding import image_streams, uniform

SIZES = [(8, 8), (5, 6), (36, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_basis_images_have_unit_norm_and_two_frequencies_at_most(size) -> None:
    height, width = size
    half = half_plane(*size)
    for down, across in list(zip(half.down.tolist(), half.across.tolist(), strict=True))[:: 1 + len(half.down) // 40]:
        image = basis_image(down, across, *size)
        assert (image.shape, image.dtype) == (size, torch.float32)
        assert image.double().square().sum().item() == pytest.approx(1, abs=1e-6)
        spectrum = np.abs(np.fft.fft2(image.double().numpy(), norm="ortho"))
        there = {(down % height, across % width), (-down % height, -across % width)}
        assert {(int(y), int(x)) for y, x in np.argwhere(spectrum > 1e-5)} == there


def test_basis_images_of_different_frequencies_are_orthogonal() -> None:
    half = half_plane(5, 6)
    images = [
        basis_image(*place, 5, 6).flatten() for place in zip(half.down.tolist(), half.across.tolist(), strict=True)
    ]
    gram = torch.stack(images).double() @ torch.stack(images).double().T
    torch.testing.assert_close(gram, torch.eye(len(images), dtype=torch.float64), atol=1e-6, rtol=0)


def slowly(model, setting, epsilon, noise_seed=0):
    """Whether each image is classified right at each frequency (h, w, n): one at a time, by NumPy's inverse transform.

    Signs are drawn frequency by frequency, row by row from the upper left, of each two that belong together the first.
    """
    n, channels, height, width = setting.images.shape
    hits, streams, drawn = np.full((height, width, n), -1), image_streams(torch.arange(n), noise_seed, "fourier"), 0
    for y, x in np.ndindex(height, width):
        other = (2 * (height // 2) - y) % height, (2 * (width // 2) - x) % width
        if hits[other][0] >= 0:
            hits[y, x] = hits[other]
            continue
        spectrum = np.zeros((height, width), dtype=complex)
        spectrum[y, x] += 1 + 1j
        spectrum[other] += 1 - 1j
        wave = np.fft.ifft2(np.fft.ifftshift(spectrum)).real
        wave /= np.linalg.norm(wave)
        signs = uniform(streams, channels, drawn).numpy() < 0.5
        drawn += channels
        for image in range(n):
            perturbed = setting.images[image].numpy() / 255
            for channel in range(channels):
                perturbed[channel] += epsilon * (-wave if signs[image, channel] else wave)
            shown = torch.from_numpy(perturbed.clip(0, 1)).float()[None]
            hits[y, x, image] = model(shown).argmax().item() == setting.labels[image].item()
    return hits.astype(bool)


@pytest.mark.parametrize(("channels", "size"), [(1, (8, 8)), (3, (5, 6)), (1, (4, 9))])
def test_it_is_what_a_slow_loop_finds(channels, size, smaller, spec_of) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (12, channels, *size), dtype=torch.uint8, generator=generator)
    weights = torch.randn(10, images[0].numel(), generator=generator)
    labels = (unit_pixels(images).flatten(1).double() - 0.5) @ weights.T.double()
    setting = smaller(12, images=images, labels=labels.argmax(1), chunk=5)

    def model(shown):
        return (shown.flatten(1).double() - 0.5) @ weights.T.double()

    class Linear(torch.nn.Module):
        def forward(self, shown):
            return model(shown)

    result = evaluate(Linear().eval(), setting, spec_of("fourier", epsilon=1.5, noise_seed=3))
    expected = slowly(model, setting, 1.5, noise_seed=3)
    assert 0.1 < expected.mean() < 0.95
    np.testing.assert_array_equal(result.arrays["hits"], expected)
    np.testing.assert_array_equal(result.arrays["accuracy"], expected.mean(2))
    assert result.images_classified == 12 * len(half_plane(*size).down)


def test_the_map_is_symmetric_around_frequency_zero(setting, network, spec_of) -> None:
    """But for the first row and column, the highest frequencies of an even size, which have no counterpart."""
    accuracy = evaluate(network, setting, spec_of("fourier")).arrays["accuracy"]
    assert accuracy.shape == (8, 8)
    assert len(np.unique(accuracy)) > 5
    np.testing.assert_array_equal(accuracy[1:, 1:], accuracy[:0:-1, :0:-1])


def test_a_plane_is_crossed_at_its_own_frequency_alone(plane, smaller, spec_of) -> None:
    """A linear model whose normal is a wave, and images at distance 0.3 from its plane, half on either side.

    A wave of 0.5 takes those across the plane that its sign sends there; of any other frequency none moves at all.
    """
    wave = basis_image(-2, 1, 8, 8)
    middle = torch.full((200, 1, 8, 8), 0.5)
    middle[::2] += 0.3 * wave
    middle[1::2] -= 0.3 * wave
    setting = smaller(200, images=(255 * middle).round().to(torch.uint8), labels=torch.tensor([0, 1] * 100))
    model = plane(wave.flatten())
    accuracy = evaluate(model, setting, spec_of("fourier", epsilon=0.5)).arrays["accuracy"]
    own = {(4 - 2, 4 + 1), (4 + 2, 4 - 1)}
    assert {(int(y), int(x)) for y, x in np.argwhere(accuracy < 1)} == own
    [crossed] = {accuracy[place] for place in own}
    assert 0.35 < crossed < 0.65  # a fair sign keeps about half of 200 images


def test_its_numbers_are_means_over_bands(setting, network, spec_of) -> None:
    result = evaluate(network, setting, spec_of("fourier", n_images=50))
    of, accuracy = bands(8, 8), result.arrays["accuracy"]
    expected = {f"accuracy_{name}": accuracy[of == band].mean() for band, name in enumerate(("low", "medium", "high"))}
    assert {number.metric: number.value for number in result.measurements} == pytest.approx(expected)
    assert len(set(expected.values())) == 3
    assert {number.n for number in result.measurements} == {50}


def test_images_too_small_for_a_band_have_no_number_there_and_say_so(plane, smaller, spec_of) -> None:
    setting = smaller(4, images=torch.zeros(4, 1, 2, 1, dtype=torch.uint8))
    low, medium, high = evaluate(plane(torch.ones(2)), setting, spec_of("fourier")).measurements
    assert low.value is not None
    assert high.value is not None
    assert (medium.metric, medium.value) == ("accuracy_medium", None)
    assert medium.reason == "images as small have no such frequency"


def shown_to(model, setting, spec):
    """All images that a model is shown."""
    seen = []
    hook = model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    evaluate(model, setting, spec)
    hook.remove()
    return torch.cat(seen)


def test_every_model_is_shown_the_same_images_and_a_part_of_them_the_same_part(linear, smaller, spec_of) -> None:
    spec = spec_of("fourier")
    first = shown_to(linear(0), smaller(20), spec)
    assert torch.equal(shown_to(linear(1), smaller(20), spec), first)
    part = shown_to(linear(0), smaller(7), spec)
    assert torch.equal(part.view(-1, 7, 64), first.view(-1, 20, 64)[:, :7])
    assert not torch.equal(shown_to(linear(0), smaller(20), spec.replaced(noise_seed=1)), first)


def test_images_are_clipped_as_told_and_each_channel_has_a_sign_of_its_own(linear, smaller, spec_of) -> None:
    gray = torch.full((30, 3, 8, 8), 128, dtype=torch.uint8)
    setting = smaller(30, images=gray)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 10)).eval()
    added = shown_to(model, setting, spec_of("fourier", epsilon=2.0)) - 128 / 255
    norms = added.flatten(2).norm(dim=2)
    torch.testing.assert_close(norms, torch.full_like(norms, 2.0), rtol=1e-4, atol=0)
    alike = {tuple(int(v) for v in ((one[0] * one[1]).sum().sign(), (one[0] * one[2]).sum().sign())) for one in added}
    assert alike == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    assert torch.equal(
        shown_to(model, setting, spec_of("fourier", epsilon=2.0, clip="image")), gray.repeat(34, 1, 1, 1) / 255
    )
    far = shown_to(model, setting, spec_of("fourier", epsilon=20.0))
    assert (far.min(), far.max()) == (0, 1)


def test_a_spec_that_is_not_resolved_is_a_mistake(linear, setting, spec_of) -> None:
    with pytest.raises(ValueError, match="is not resolved"):
        evaluate(linear(0), setting, spec_of("fourier", epsilon=None))
