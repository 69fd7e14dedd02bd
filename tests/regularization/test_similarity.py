from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from harness.regularization.similarity import PixelRows, cosine, row_similarity, similarity_matrix, unit_rows
from harness.seeding import stream

DIGITS = torch.from_numpy(load_digits().images[:80, None])


def color_images(n: int) -> Tensor:
    return torch.randint(0, 256, (n, 3, 5, 7), dtype=torch.uint8, generator=stream(0, "color images"))


def test_rows_are_the_definition_computed_by_hand() -> None:
    images = color_images(20)
    x = images.numpy().astype(float).mean(axis=1).reshape(20, 35)
    x -= x.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    rows = unit_rows(images)
    assert rows.shape == (20, 35)
    assert rows.dtype == torch.float32
    np.testing.assert_allclose(rows, x, atol=1e-6)
    np.testing.assert_allclose(similarity_matrix(rows), x @ x.T, atol=1e-6)


@pytest.mark.parametrize("scaled", [lambda x: x / 255, lambda x: 5 * (x / 255 - 0.5)], ids=["raw", "centered"])
def test_pixel_scaling_leaves_the_rows_as_they_are(scaled: object) -> None:
    assert callable(scaled)
    images = color_images(20)
    torch.testing.assert_close(unit_rows(scaled(images.float())), unit_rows(images), atol=1e-6, rtol=0)


def test_rows_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = color_images(20)
    whole = unit_rows(images)
    monkeypatch.setattr("harness.regularization.similarity._CHUNK", 300)
    assert torch.equal(unit_rows(images), whole)


@pytest.mark.parametrize("shape", [(200, 1, 28, 28), (200, 3, 20, 20)])
def test_rows_are_bit_for_bit_those_of_all_images_at_once(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean image is made in blocks of pixels, and lengths and rows in blocks of images."""
    monkeypatch.setattr("harness.regularization.similarity._CHUNK", 300)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=stream(0, "blocks"))
    whole = images.flatten(2).float().mean(1)
    whole -= whole.mean(0)
    whole /= torch.linalg.vector_norm(whole, dim=1, keepdim=True)
    rows, some = PixelRows(images), torch.tensor([7, 199, 0, 7])
    assert torch.equal(unit_rows(images), whole)
    assert torch.equal(rows[some], whole[some])
    assert torch.equal(rows[3:50], whole[3:50])
    assert (len(rows), rows.shape) == (200, tuple(whole.shape))


def test_rows_are_made_of_floating_images_without_changing_them() -> None:
    responses = torch.rand(5, 1, 1, 9, generator=stream(0, "responses"))
    before = responses.clone()
    assert unit_rows(responses).shape == (5, 9)
    assert torch.equal(responses, before)


def test_an_image_that_equals_the_mean_image_is_similar_to_none() -> None:
    images = torch.tensor([[[[0, 4]]], [[[4, 0]]], [[[2, 2]]]], dtype=torch.uint8)
    rows = unit_rows(images)
    assert rows[2].tolist() == [0, 0]
    assert row_similarity(rows, torch.tensor([0, 0]), torch.tensor([1, 2])).tolist() == pytest.approx([-1, 0])


@given(order=st.permutations(range(40)), size=st.integers(1, 40))
def test_a_pairs_similarity_is_the_same_in_any_company(order: list[int], size: int) -> None:
    rows = unit_rows(DIGITS)
    i, j = torch.arange(40), torch.arange(40, 80)
    alone = torch.cat([row_similarity(rows, a, b) for a, b in zip(i.split(1), j.split(1), strict=True)])
    picked = torch.tensor(order[:size])
    assert torch.equal(row_similarity(rows, i[picked], j[picked]), alone[picked])


def test_a_pairs_products_are_summed_so_exactly_that_no_order_of_summation_shows() -> None:
    rows = unit_rows(color_images(20))
    i, j = torch.triu_indices(20, 20, offset=1)
    exact = torch.tensor([math.fsum(products) for products in (rows[i] * rows[j]).tolist()])
    assert torch.equal(row_similarity(rows, i, j), exact)


def test_no_pairs_have_no_similarities() -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert row_similarity(unit_rows(color_images(3)), none, none).shape == (0,)


def test_cosine_of_feature_maps_is_that_of_the_flattened_maps() -> None:
    a, b = torch.randn(2, 4, 3, 2, 2, generator=stream(0, "maps"))
    expected = [(p * q).sum() / p.norm() / q.norm() for p, q in zip(a, b, strict=True)]
    torch.testing.assert_close(cosine(a, b), torch.stack(expected))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_gradients_of_a_cosine_are_right_and_lie_in_memory_as_the_maps_do(order: torch.memory_format) -> None:
    maps = torch.randn(2, 4, 3, 2, 2, generator=stream(0, "maps"), dtype=torch.float64)
    a, b = (half.contiguous(memory_format=order).requires_grad_() for half in maps)
    assert torch.autograd.gradcheck(cosine, (a, b))
    for gradient in torch.autograd.grad(cosine(a, b).sum(), (a, b)):
        assert gradient.is_contiguous(memory_format=order)


def test_maps_of_unlike_memory_orders_are_compared_place_by_place() -> None:
    a, b = torch.randn(2, 4, 3, 2, 2, generator=stream(0, "maps"))
    torch.testing.assert_close(cosine(a.contiguous(memory_format=torch.channels_last), b), cosine(a, b))


@pytest.mark.parametrize("scale", [1e-15, 1e-6, 1, 1e15])
def test_a_map_of_zeros_has_cosine_0_and_no_map_is_too_long_or_too_short(scale: float) -> None:
    a, b = scale * torch.randn(2, 4, 3, 2, 2, generator=stream(0, "maps"))
    a[0] = 0
    a, b = a.requires_grad_(), b.requires_grad_()
    found = cosine(a, b)
    torch.testing.assert_close(found, F.cosine_similarity(a.flatten(1), b.flatten(1)))
    assert found[0] == 0
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(found.sum(), (a, b)))
