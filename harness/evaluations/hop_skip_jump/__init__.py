"""HopSkipJump: a decision-based attack that learns from its queries which way the decision boundary faces."""

from harness.evaluations.hop_skip_jump.evaluation import hop_skip_jump

__all__ = ["hop_skip_jump"]
