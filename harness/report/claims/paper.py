"""The paper's claims as data: what it says, where, and which comparisons of which suites decide it.

Source: Attias, Pehlevan, Obeid 2024, arXiv 2410.03952. Sentences are shortened; how they are made testable is ours:
the measure, the margin of "the same" and "enough", and the levels that stand beside a part.
"""

from __future__ import annotations

from itertools import combinations

from harness.report.claims.claim import Claim, Part, compared
from harness.report.claims.measures import EARLY_TAPS, LOW_CORRUPTIONS, WHOLE_GRID
from harness.report.published_gammas import GAMMAS
from harness.report.vocabulary import BLACK_BOX

RANDOM = ("uniform", "salt_pepper")
EVERY = (*BLACK_BOX, *RANDOM)
CIFAR_SETS = ("cifar10", "cifar100", "imagenet")
MNIST_SETS = ("mnist", "fashionmnist")
SETS = {
    **dict.fromkeys(("regularization-sets", "grayscale-cifar100", "color-cifar10", "color-cifar100"), CIFAR_SETS),
    **dict.fromkeys(("mnist", "fashionmnist"), MNIST_SETS),
}
"""The conditions of the suites that compare regularization sets."""
CHOSEN = ("regularization-sets", "grayscale-cifar100", "mnist", "fashionmnist")
"""Those for which the paper chooses (alpha, Th) (Table 1)."""

KEPT = 0.1
"""Share of the clean accuracy that an acceptable model may lose: 1 - A0 (section 5.2)."""

STARTING_SHARE = 0.6
"""Weight of the three early taps before training, when all five weigh the same. "Settles on" is more. Ours."""

CONSISTENT = 0.5
"""Rank correlation above which attacks rank pairs consistently. Ours."""


def _early_taps(*suites: str) -> tuple[Part, ...]:
    return tuple(
        Part(
            suite=suite,
            condition=condition,
            measure="early_taps",
            side="higher",
            level=STARTING_SHARE,
            published=sum(gammas[tap] for tap in EARLY_TAPS),
        )
        for (suite, condition), gammas in GAMMAS.items()
        if suite in suites
    )


def _every_set(name: str, task: str, where: str, suite: str, attacks: tuple[str, ...]) -> Claim:
    sentence = f"On {task}, robustness increases with every regularization set."
    return Claim(name=name, sentence=sentence, where=where, parts=compared(suite, SETS[suite], attacks))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        name="threshold-helps",
        sentence="Models regularized with S_Th are more robust than unregularized ones to Gaussian noise, transferred "
        "FGSM and the Boundary attack.",
        where="Section 5.1, Figure 3",
        parts=compared("grayscale-cifar10", ["threshold"], BLACK_BOX),
    ),
    Claim(
        name="threshold-helps-other-noise",
        sentence="S_Th also makes models more robust to uniform and salt-and-pepper noise.",
        where="Appendix 7.3, Figure 13",
        parts=compared("grayscale-cifar10", ["threshold"], RANDOM),
    ),
    Claim(
        name="pixel-helps",
        sentence="S_pixel enhances robustness to Gaussian noise and the Boundary attack modestly, and to uniform and "
        "salt-and-pepper noise at large sizes.",
        where="Section 4, Figures 2 and 12",
        parts=compared("grayscale-cifar10", ["pixel"], ("gaussian", "boundary", *RANDOM)),
    ),
    Claim(
        name="pixel-helps-less",
        sentence="S_pixel helps less than S_Th.",
        where="Sections 4 and 5.1, Figure 3",
        parts=compared("grayscale-cifar10", ["pixel"], BLACK_BOX, "lower", against="threshold"),
    ),
    Claim(
        name="pixel-not-under-fgsm",
        sentence="S_pixel does not enhance robustness to transferred FGSM.",
        where="Section 4, Figure 2b",
        parts=compared("grayscale-cifar10", ["pixel"], ["fgsm_transfer"], "no higher"),
    ),
    Claim(
        name="neural-helps",
        sentence="The neural regularizer of Li et al. makes models more robust than unregularized ones.",
        where="Section 4, Figures 2 and 3",
        parts=compared("neural", ["neural"], BLACK_BOX),
    ),
    Claim(
        name="threshold-matches-neural",
        sentence="Models regularized with S_Th perform similarly to those regularized with neural data.",
        where="Section 5.1, Figure 3",
        parts=compared("neural", ["threshold"], BLACK_BOX, "same", against="neural"),
    ),
    Claim(
        name="choice-is-consistent",
        sentence="The choice of (α, Th) affects robustness in a consistent way across attacks, so that Gaussian noise "
        "is enough to choose by.",
        where="Section 5.2, Figure 4",
        parts=compared(
            "hyperparameters",
            [WHOLE_GRID],
            [f"ranks_{name}" for name in (*RANDOM, "fgsm_transfer", "boundary")],
            against=None,
            level=CONSISTENT,
        ),
    ),
    Claim(
        name="clean-accuracy-is-kept",
        sentence="The chosen (α, Th) keep nine tenths of the clean accuracy.",
        where="Appendix 7.5, Table 1",
        parts=tuple(
            part for suite in CHOSEN for part in compared(suite, SETS[suite], ["clean"], "no lower", share=KEPT)
        ),
    ),
    Claim(
        name="chosen-pairs-help",
        sentence="With the chosen (α, Th) models are more robust under each of the attacks.",
        where="Appendix 7.5, Table 1",
        parts=tuple(part for suite in CHOSEN for part in compared(suite, SETS[suite], EVERY)),
    ),
    Claim(
        name="every-set-helps",
        sentence="Regularizing on different data sets leads to an increase in robustness.",
        where="Section 5.3, Figure 5",
        parts=compared("regularization-sets", CIFAR_SETS, BLACK_BOX),
    ),
    Claim(
        name="sets-differ",
        sentence="There is a quantitative difference in the robustness that different regularization sets achieve.",
        where="Section 5.3, Figure 5",
        parts=tuple(
            part
            for first, second in combinations(CIFAR_SETS, 2)
            for part in compared("regularization-sets", [first], BLACK_BOX, "different", against=second)
        ),
        needs="any",
    ),
    Claim(
        name="corruptions-helped",
        sentence="Regularized models are also more robust to common corruptions.",
        where="Section 5.4, Figure 6",
        parts=compared("grayscale-cifar10", ["threshold"], ["corruption"]),
    ),
    Claim(
        name="high-frequencies-gain-most",
        sentence="Regularized models outperform unregularized ones especially on high-frequency corruptions.",
        where="Section 5.5, Figure 7",
        parts=compared("regularization-sets", CIFAR_SETS, ("high_frequency", "high_over_medium", "high_over_low")),
    ),
    Claim(
        name="some-low-frequencies-do-not-gain",
        sentence="The method does not increase robustness to some of the low-frequency corruptions.",
        where="Section 6, Figures 6 and 7",
        parts=compared("grayscale-cifar10", ["threshold"], LOW_CORRUPTIONS, "no higher"),
        needs="any",
    ),
    Claim(
        name="perturbations-are-low-frequency",
        sentence="Minimal perturbations of regularized models contain more low-frequency power than those of "
        "unregularized ones.",
        where="Section 5.5, Figure 7",
        parts=compared("frequency", CIFAR_SETS, ["low_frequencies"]),
    ),
    Claim(
        name="four-pairs-help",
        sentence="The method is successful with as few as k = 4 pairs per step.",
        where="Section 5.6, Figure 8",
        parts=compared("pair-batch-size", ["threshold[pairs_per_batch=min]"], BLACK_BOX),
    ),
    Claim(
        name="four-pairs-suffice",
        sentence="A small number of pairs per step is enough: k = 4 is as good as k = 32.",
        where="Section 5.6, Figure 8",
        parts=compared(
            "pair-batch-size",
            ["threshold[pairs_per_batch=min]"],
            BLACK_BOX,
            "no lower",
            against="threshold[pairs_per_batch=max]",
        ),
    ),
    Claim(
        name="hundred-images-help",
        sentence="As few as N = 100 regularization images increase robustness to black-box attacks.",
        where="Section 5.6, Figure 9",
        parts=compared("image-count", ["threshold[n_images=min]"], BLACK_BOX),
    ),
    Claim(
        name="hundred-images-suffice",
        sentence="Many images are not needed: N = 100 is as good as N = 5000.",
        where="Section 5.6, Figure 9",
        parts=compared(
            "image-count", ["threshold[n_images=min]"], BLACK_BOX, "no lower", against="threshold[n_images=max]"
        ),
    ),
    _every_set("color-works", "color CIFAR-10", "Section 5.7, Figure 10", "color-cifar10", BLACK_BOX),
    _every_set("color-cifar100-works", "color CIFAR-100", "Appendix 7.8, Figure 23", "color-cifar100", BLACK_BOX),
    _every_set("cifar100-works", "grayscale CIFAR-100", "Appendix 7.4, Figures 16 and 19", "grayscale-cifar100", EVERY),
    _every_set("mnist-works", "MNIST", "Appendix 7.4, Figures 14 and 17", "mnist", EVERY),
    _every_set("fashionmnist-works", "FashionMNIST", "Appendix 7.4, Figures 15 and 18", "fashionmnist", EVERY),
    Claim(
        name="early-taps",
        sentence="The regularizer settles on the lower layers of a ResNet18.",
        where="Section 4, Appendix 7.6, Table 2",
        parts=_early_taps("regularization-sets", "mnist", "fashionmnist"),
    ),
    Claim(
        name="early-taps-resnet34",
        sentence="The regularizer settles on the lower layers of a ResNet34.",
        where="Appendix 7.6, Table 3",
        parts=_early_taps("grayscale-cifar100"),
    ),
    Claim(
        name="better-than-standard",
        sentence="On CIFAR-10-C at severity 5 the regularized model is better than RobustBench's standard model.",
        where="Appendix 7.9, Figure 24",
        parts=compared("robustbench", ["threshold"], ["worst_corruptions"], against="standard", once=True),
    ),
    Claim(
        name="below-the-leaders",
        sentence="It does not reach the performance of RobustBench's leading models.",
        where="Appendix 7.9, Figure 24",
        parts=tuple(
            part
            for leader in ("carmon2019unlabeled", "engstrom2019robustness", "modas2021primeresnet18")
            for part in compared(
                "robustbench", ["threshold"], ["worst_corruptions"], "lower", against=leader, once=True
            )
        ),
    ),
)
