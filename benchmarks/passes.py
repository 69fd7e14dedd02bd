"""Evaluation under noise: the form of the network that classifies fastest, against the one that was trained."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.contest import Contest, Disagreement, Way
from harness.evaluations import evaluate
from harness.evaluations.setting import CPU_CHUNK, GPU_CHUNK, Setting
from harness.models.pixels import PixelModel, for_evaluation, unit_pixels
from harness.models.resnet import build
from harness.spec import NetworkSpec, NoiseSpec

N_IMAGES, SIZES = 200, 10


def contests(device: torch.device) -> Iterator[Contest]:
    """Accuracy of a gray ResNet18 of width 16 at ten sizes of Gaussian noise, on images of noise at CIFAR's size."""
    network = build(NetworkSpec(base_width=16), 1, 10, seed=0)
    images = torch.randint(0, 256, (N_IMAGES, 1, 32, 32), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (N_IMAGES,), device=device)
    spec = NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=SIZES)
    folded = for_evaluation(network, "centered").to(device)
    setting = Setting(images=images, labels=labels, chunk=CPU_CHUNK if device.type == "cpu" else GPU_CHUNK)
    model = PixelModel(network, "centered").to(device).eval()

    @torch.inference_mode()
    def plain() -> None:
        for step in range(SIZES):
            right = 0
            for part, answers in zip(images.split(64), labels.split(64), strict=True):
                clean = unit_pixels(part)
                noisy = (clean + 0.1 * step / (SIZES - 1) * torch.randn_like(clean)).clamp_(0, 1)
                right += int((model(noisy).argmax(1) == answers).sum())

    @torch.inference_mode()
    def check() -> str:
        clean = unit_pixels(images)
        difference = float((folded(clean) - model(clean)).abs().max())
        if difference > 1e-3:
            raise Disagreement(f"logits differ by {difference:.1e}")
        return f"logits within {difference:.0e}"

    yield Contest(
        title="Gaussian noise, width 16, float32",
        harness=Way(
            title="folded, channels last", work=lambda: evaluate(folded, setting, spec), amount=N_IMAGES * SIZES
        ),
        reference=Way(title="batches of 64", work=plain, amount=N_IMAGES * SIZES),
        check=check,
    )
