from __future__ import annotations

import pytest
import torch
from own_code import CODE, code_of

from harness.errors import SpecError
from harness.regularization.own_target import own_similarity
from harness.regularization.similarity import Similarity
from harness.spec import RegularizerSpec

IMAGES = torch.randint(256, (6, 1, 16, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
FIRST, SECOND = torch.tensor([0, 1, 2]), torch.tensor([3, 1, 5])


def mine(body: str) -> Similarity:
    spec = RegularizerSpec(target="mine.py:f", alpha=1, images="digits")
    return own_similarity(spec, code_of(f"import torch\ndef f(images):\n    return {body}\n"), IMAGES)


def test_the_similarity_is_the_cosine_of_the_functions_rows() -> None:
    spec = RegularizerSpec(target="gradients.py:coarse", options={"side": 4}, alpha=1, images="digits")
    blocks = (IMAGES.double() - 128).unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5)).flatten(1)
    expected = torch.nn.functional.cosine_similarity(blocks[FIRST], blocks[SECOND])
    torch.testing.assert_close(own_similarity(spec, CODE, IMAGES)(FIRST, SECOND), expected.float())


def test_the_images_and_torchs_generators_are_left_alone() -> None:
    before, state = IMAGES.clone(), torch.get_rng_state()
    mine("images.fill_(0).flatten(1).float() + torch.rand(6, 1)")
    assert torch.equal(IMAGES, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_drawn_at_random_is_the_same_one_each_time_and_never_learns() -> None:
    """Else a training that goes on would have other targets."""
    found = []
    for seed in range(2):
        torch.manual_seed(seed)
        found.append(mine("torch.nn.Linear(256, 3)(images.flatten(1) / 255)")(FIRST, SECOND))
    assert torch.equal(*found)
    assert not found[0].requires_grad


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("None", "returns a NoneType for 6 images"),
        ("images[:5].flatten(1).float()", r"returns a tensor \(5, 256\) for 6 images"),
        ("images.float()", r"returns a tensor \(6, 1, 16, 16\)"),
        ("images.flatten(1) / torch.zeros(())", "numbers that are not finite"),
    ],
)
def test_what_is_no_row_for_each_image_is_refused(body: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        mine(body)
