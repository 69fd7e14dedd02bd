"""Finished trainings, as whoever loads their models asks for them. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from harness.store import schema
from harness.store.engine import Database


@dataclass(frozen=True, kw_only=True)
class StoredTraining:
    """What it takes to have a model again that was trained here."""

    spec: Mapping[str, Any]
    weights: str
    """File name in the model's folder."""
    code: Mapping[str, str]
    """SHA-256 of each file of own code that it was made with."""


def find_training(db: Database, key: str) -> StoredTraining | None:
    """A training that is done and did not diverge; None if there is none of that key."""
    model, training, data = schema.Model, schema.Training, schema.DataSplit
    query = (
        select(model.spec, training.weights)
        .join(training, training.model_id == model.id)
        .join(schema.Job, schema.Job.key == model.key)
        .where(model.key == key, schema.Job.kind == "train", training.weights.is_not(None))
    )
    code = (
        select(data.name, data.sha256)
        .join(schema.JobData, schema.JobData.data_split_id == data.id)
        .where(schema.JobData.job_key == key, data.split == "code")
    )
    with db.reading() as connection:
        found = connection.execute(query).one_or_none()
        files = {each.name: each.sha256 for each in connection.execute(code)}
    return None if found is None else StoredTraining(spec=found.spec, weights=found.weights, code=files)
