"""The decision-based Boundary attack: an own implementation for whole batches, and Foolbox as its reference."""

from harness.evaluations.boundary.evaluation import boundary

__all__ = ["boundary"]
