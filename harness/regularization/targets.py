"""What the network's similarity of a pair should be."""

from __future__ import annotations

from torch import Tensor

from harness.spec.training import RegularizerSpec


def thresholded(similarity: Tensor, threshold: float) -> Tensor:
    """S_Th: 1 where similarity > threshold, -1 where similarity < -threshold, else 0; shape and dtype of similarity.

    Source: paper, equation 5.
    """
    return (similarity > threshold).to(similarity) - (similarity < -threshold).to(similarity)


def target_values(similarity: Tensor, spec: RegularizerSpec) -> Tensor:
    """S_target of pairs, given their similarity; same shape. Only the threshold target changes it.

    For pairs of the range `double` this is equation 6: it is defined for |S| > Th1 and |S| <= Th2 only, and
    equation 5 at Th1 has the same values there.
    """
    if spec.target != "threshold":
        return similarity
    assert spec.threshold is not None, "the spec requires a threshold for this target"
    return thresholded(similarity, spec.threshold)
