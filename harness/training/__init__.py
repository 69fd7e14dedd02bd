"""Training: one spec, one seed, one device in; weights on disk and their curve out."""

from harness.training.images import TrainingImages, training_images
from harness.training.loop import train
from harness.training.trained import load_trained

__all__ = ["TrainingImages", "load_trained", "train", "training_images"]
