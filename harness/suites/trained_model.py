"""A trained model of the result database in Python, for what no evaluation asks: confusions, features, saliency."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.data.catalogue import get_dataset
from harness.data.grayscale import as_color
from harness.data.splits import open_split
from harness.errors import HarnessError
from harness.own_code import kept
from harness.seeding import global_generators
from harness.settings import settings
from harness.spec import TrainingSpec
from harness.store.engine import open_database
from harness.store.trainings import find_training
from harness.suites.model_weights import model_folder
from harness.training.trained import load_trained


class TrainedModel(NamedTuple):
    """A model, and the test images of its task as evaluations show them to it."""

    model: nn.Module
    """In eval mode: float32 images (n, c, h, w) in [0, 1] -> logits (n, classes). Gradients reach the images."""
    images: Tensor
    """uint8 (n, c, h, w): the whole test split on the CPU, so that an image's place is that in stored arrays."""
    labels: Tensor
    """int64 (n,)."""


def trained_model(model_id: str, device: str = "cpu") -> TrainedModel:
    """The model of that `model_id` in `v_models`, from the results and data folders that the settings name.

    Its own code, if there is any, is run as it was when the model was trained.

    Raises:
        DatabaseUnusable: there is no database.
        HarnessError: no model trained here has that id, or its code is gone.
        WeightsDamaged, DataMissing, DataDamaged: its weights or its test images cannot be used.
    """
    where = settings()
    with open_database(where.database, create=False) as database:
        found = find_training(database, model_id)
    if found is None:
        raise HarnessError(f"no model that was trained here has the model_id {model_id!r}; v_models lists them")
    spec = TrainingSpec.model_validate(found.spec)
    code = kept(where.code_dir, found.code)
    task = get_dataset(where.data_dir, spec.classification).task
    with global_generators(0, "own code"):
        code.run()
    folder = model_folder(where.models_dir, model_id)
    model = load_trained(spec, folder, found.weights, task, torch.device(device), code)
    test = open_split(where.data_dir, spec.classification, "test")
    return TrainedModel(model, as_color(test.images, spec.color), test.labels)
