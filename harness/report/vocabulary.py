"""The words that all tables and figures share, the order that they come in, and what the paper looks at."""

from __future__ import annotations

from collections.abc import Iterable

ATTACKS = {
    "gaussian": "Gaussian noise",
    "uniform": "Uniform noise",
    "salt_pepper": "Salt and pepper",
    "fgsm_transfer": "Transferred FGSM",
    "boundary": "Boundary attack",
}
"""The paper's attacks in the order of panels and columns."""
SIZED = tuple(name for name in ATTACKS if name != "boundary")
"""Those that are made at several epsilons."""
NOISES = ("gaussian", "uniform", "salt_pepper")
"""Those that are random."""
BLACK_BOX = ("gaussian", "fgsm_transfer", "boundary")
"""The three that the paper's main figures show."""

TAPS = ("stem", "stage 1", "stage 2", "stage 3", "stage 4")
"""Where the network's feature maps are compared, by the tap's number."""

FREQUENCIES = ("low", "medium", "high")
"""Groups of corruptions (paper, appendix 7.10), and bands of Fourier heat maps, in the order of panels."""
SEVERITY = 4
"""At which single corruptions and their groups are looked at (paper, Figures 6 and 7)."""
WORST = 5
"""At which RobustBench's models are compared (paper, Figure 24)."""

SPECTRUM = "spectrum"
"""The evaluation of the smallest perturbations that the paper shows; a suite may have others of its kind."""
BOUNDARY_SCORE = "Boundary score"
"""How readers call what the Boundary attack measures."""
NORMS = {"l2": "L2", "linf": "L∞"}
"""How readers call what distances are measured in."""
UNREGULARIZED = "none"
"""Target of a condition without a regularizer."""
ELSEWHERE = "external"
"""Target of a condition that was trained elsewhere."""


def attack_title(evaluation: str) -> str:
    """How readers call an evaluation; those with names of the suite's own keep them."""
    others = {
        "clean": "Clean",
        "autoattack": "AutoAttack",
        "hop_skip_jump": "HopSkipJump",
        "corruption": "Corruptions, mean",
        "spectrum": "Smallest perturbations",
        "fourier": "Fourier basis",
    }
    return (others | ATTACKS).get(evaluation, evaluation)


def tap_title(tap: int) -> str:
    """How readers call a tap; a network of one's own may have more than the paper's."""
    return TAPS[tap] if tap < len(TAPS) else f"tap {tap + 1}"


def in_order(evaluations: Iterable[str]) -> list[str]:
    """The evaluations in the order of panels and columns: the paper's first, a suite's own after them."""
    given = list(dict.fromkeys(evaluations))
    return [name for name in ATTACKS if name in given] + [name for name in given if name not in ATTACKS]


def scale(profile: str) -> str:
    """The profile as titles say it; all but `paper` say that they are not the paper's scale."""
    return f"{profile} profile" + ("" if profile == "paper" else ": not the paper's scale")
