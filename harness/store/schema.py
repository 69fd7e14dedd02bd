"""The tables. Each column's comment is the data dictionary (on PostgreSQL also in the database).

A plan writes what is to be known: suites, places, models, evaluations and their jobs. Finished jobs write what
was found: trainings with epochs and gammas; measurements and images. A number that is not finite is never
stored as a number: the row says why.

    suite 1─* place *─1 job *─0..1 model 1─0..1 training 1─* epoch, gamma
                        job 1─0..1 evaluation *─0..1 model;  evaluation 1─* measurement, image_result, result_array
                        job *─1 environment;  job *─* data_split (job_data);  job 1─0..1 claim *─1 runner

Beside them, `seal` has a digest of each finished job's rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from harness.store.columns import LARGEST, Flag, Json, Real, UtcTime, Whole, Words

STATES = ("waiting", "running", "done", "diverged", "failed", "blocked")
"""A job's states."""
FINAL = frozenset({"done", "diverged"})
"""Those of finished jobs."""


class Base(DeclarativeBase):
    """All constraints have names, so that migrations can change them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Words, int: Whole, bool: Flag, float: Real, datetime: UtcTime, dict[str, Any]: Json}


def _among(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=f"{column}_known")


class Suite(Base):
    """A suite at one profile, as it was last planned."""

    __tablename__ = "suite"
    __table_args__ = (UniqueConstraint("name", "profile"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(comment="Name of its file in experiments/.")
    profile: Mapped[str] = mapped_column(comment="Scale: paper, small or smoke; never mixed in one table or figure.")
    title: Mapped[str] = mapped_column(comment="One line: what the suite asks.")
    planned_at: Mapped[datetime] = mapped_column(comment="Last plan, UTC.")


class Model(Base):
    """A model to train or trained, here or elsewhere: the identity and the spec, whether or not it exists yet."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(comment="Identity: 16 hex digits of spec, data content and seed; its job's key.")
    spec_digest: Mapped[str] = mapped_column(index=True, comment="The identity without the seed, 16 hex digits.")
    seed: Mapped[int] = mapped_column(comment="Seed of its random streams.")
    spec: Mapped[dict[str, Any]] = mapped_column(comment="The whole spec, resolved, as JSON.")
    baseline: Mapped[str] = mapped_column(
        index=True, comment="Digest of the spec without regularizers and perturbation: a model's and its baseline's."
    )
    classification: Mapped[str] = mapped_column(comment="Data set of the task.")
    color: Mapped[str] = mapped_column(comment="gray or rgb.")
    n_train: Mapped[int | None] = mapped_column(comment="The first n training images; NULL: all.")
    architecture: Mapped[str] = mapped_column(
        comment="resnet18, resnet34, FILE.py:NAME of one's own, or an external model's own name."
    )
    base_width: Mapped[int | None] = mapped_column(comment="Channels of the first stage; NULL: an external model.")
    regularization: Mapped[str] = mapped_column(
        comment="Source of the image pairs: a data set, or a recording's similarity; 'none' without a regularizer."
    )
    target: Mapped[str] = mapped_column(
        comment="Target similarity: none, pixel, threshold, neural, raw, label, features, each maybe 'shuffled ...', "
        "FILE.py:NAME of one's own; or that of a penalty; or of what training images are perturbed with, gaussian, "
        "adversarial or FILE.py:NAME; with ' + ' between them if there are several; external: a model that was trained "
        "elsewhere."
    )
    alpha: Mapped[float | None] = mapped_column(
        comment="Weight of the similarity loss, without one of a penalty; NULL without both."
    )
    threshold: Mapped[float | None] = mapped_column(comment="Th (Th1 of double), a cosine similarity.")
    threshold_low: Mapped[float | None] = mapped_column(comment="Th2 of the pair range double.")
    pair_range: Mapped[str | None] = mapped_column(comment="Which pairs are drawn (appendix 7.7).")
    n_images: Mapped[int | None] = mapped_column(comment="N, regularization images.")
    pairs_per_batch: Mapped[int | None] = mapped_column(comment="k, image pairs per training step.")


class Environment(Base):
    """What a job ran on: code, packages, hardware. One row for each that differs."""

    __tablename__ = "environment"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(comment="16 hex digits over all columns below.")
    git_commit: Mapped[str | None] = mapped_column(comment="Commit of the harness checkout; NULL if installed.")
    git_dirty: Mapped[bool | None] = mapped_column(comment="1: the checkout had changes that were not committed.")
    python: Mapped[str] = mapped_column(comment="Version of Python.")
    platform: Mapped[str] = mapped_column(comment="Operating system and processor type.")
    packages: Mapped[dict[str, Any]] = mapped_column(comment="Versions of the packages that numbers depend on.")
    device: Mapped[str] = mapped_column(comment="The hardware's own name.")
    driver: Mapped[str | None] = mapped_column(comment="Version of the GPU driver; NULL on a CPU.")
    threads: Mapped[int] = mapped_column(comment="CPU threads that torch used.")


class DataSplit(Base):
    """The content of one input that jobs read: a split of a data set, or another part of what has a name."""

    __tablename__ = "data_split"
    __table_args__ = (UniqueConstraint("name", "split", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(comment="Data set, for instance cifar10.")
    split: Mapped[str] = mapped_column(comment="train, test, or a corruption's name.")
    sha256: Mapped[str] = mapped_column(comment="Digest of images, labels and class names.")
    n: Mapped[int | None] = mapped_column(comment="Images.")
    generated: Mapped[bool | None] = mapped_column(comment="1: made on the spot (corrupted, or a stand-in).")
    origin: Mapped[str | None] = mapped_column(comment="Where it came from.")


class Job(Base):
    """A unit of work: train one model, take in one, evaluate one, or analyse data alone."""

    __tablename__ = "job"
    __table_args__ = (
        _among("state", STATES),
        CheckConstraint("attempts >= 0 AND work >= 0 AND seconds >= 0", name="not_negative"),
        CheckConstraint(
            "state NOT IN ('done', 'diverged') OR (finished_at IS NOT NULL AND environment_id IS NOT NULL)",
            name="finished_is_whole",
        ),
        CheckConstraint(
            "state NOT IN ('diverged', 'failed', 'blocked') OR reason IS NOT NULL", name="trouble_says_why"
        ),
    )

    key: Mapped[str] = mapped_column(primary_key=True, comment="Identity of its result, 16 hex digits.")
    kind: Mapped[str] = mapped_column(comment="train, load (an external model), or the evaluation's or analysis' kind.")
    model_id: Mapped[int | None] = mapped_column(
        ForeignKey("model.id"), index=True, comment="The model that it makes or evaluates; NULL: an analysis."
    )
    state: Mapped[str] = mapped_column(index=True, comment="waiting, running, done, diverged, failed or blocked.")
    attempts: Mapped[int] = mapped_column(comment="How often it was started.")
    reason: Mapped[str | None] = mapped_column(comment="Why it is diverged, failed or blocked.")
    work: Mapped[float] = mapped_column(comment="Estimated GFLOP.")
    planned_at: Mapped[datetime] = mapped_column(comment="First plan, UTC.")
    started_at: Mapped[datetime | None] = mapped_column(comment="Start of the last attempt, UTC.")
    finished_at: Mapped[datetime | None] = mapped_column(comment="End of the last attempt, UTC.")
    seconds: Mapped[float | None] = mapped_column(comment="Duration of the attempt that finished it.")
    images_classified: Mapped[int | None] = mapped_column(comment="Forward passes behind an evaluation, in images.")
    device: Mapped[str | None] = mapped_column(comment="Device of the last attempt.")
    command: Mapped[str | None] = mapped_column(comment="Command line that finished it.")
    environment_id: Mapped[int | None] = mapped_column(
        ForeignKey("environment.id"), comment="What the attempt that finished it ran on."
    )


class Runner(Base):
    """One run of a command that does jobs: who it is, and that it lives."""

    __tablename__ = "runner"

    id: Mapped[int] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(comment="Identity of its results folder, as in that folder's folder.id.")
    title: Mapped[str] = mapped_column(comment="How people find it: host, process, results folder.")
    machine: Mapped[str] = mapped_column(comment="Where its process number means something: boot and namespace.")
    process: Mapped[int] = mapped_column(comment="Its process number there.")
    started_at: Mapped[datetime] = mapped_column(comment="Its first job, UTC.")
    seen_at: Mapped[datetime] = mapped_column(
        comment="Its last sign of life, UTC; others only look whether it changes, so clocks need not agree."
    )


class Claim(Base):
    """Which runner does a job now, or did it last."""

    __tablename__ = "claim"
    __table_args__ = {"sqlite_with_rowid": False}

    job_key: Mapped[str] = mapped_column(ForeignKey("job.key", ondelete="CASCADE"), primary_key=True)
    runner_id: Mapped[int] = mapped_column(ForeignKey("runner.id"), index=True)


class JobData(Base):
    """Which data a job reads."""

    __tablename__ = "job_data"
    __table_args__ = {"sqlite_with_rowid": False}

    job_key: Mapped[str] = mapped_column(ForeignKey("job.key", ondelete="CASCADE"), primary_key=True)
    data_split_id: Mapped[int] = mapped_column(ForeignKey("data_split.id"), primary_key=True, index=True)


class Place(Base):
    """Where in a suite a job's result belongs; one job may have many places, in many suites."""

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("suite_id", "condition", "seed", "evaluation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    suite_id: Mapped[int] = mapped_column(ForeignKey("suite.id"))
    condition: Mapped[str] = mapped_column(comment="Name of the condition in the suite.")
    seed: Mapped[int] = mapped_column(comment="The model's seed.")
    evaluation: Mapped[str] = mapped_column(
        comment="Name of the evaluation in the suite; empty (not NULL, so that it is unique) for the training."
    )
    job_key: Mapped[str] = mapped_column(ForeignKey("job.key"), index=True)
    baseline: Mapped[str | None] = mapped_column(
        comment="Of a model's place: the condition that the suite compares it with; NULL: that of model.baseline."
    )


class Evaluation(Base):
    """An evaluation of a model, or an analysis of data alone; done or to be done."""

    __tablename__ = "evaluation"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("job.key", ondelete="CASCADE"), comment="Its job's key.")
    kind: Mapped[str] = mapped_column(comment="clean, gaussian, boundary, ...")
    spec: Mapped[dict[str, Any]] = mapped_column(comment="The whole evaluation spec, resolved, as JSON.")
    model_id: Mapped[int | None] = mapped_column(
        ForeignKey("model.id"), index=True, comment="The model under test; NULL: an analysis, which has none."
    )
    substitute_id: Mapped[int | None] = mapped_column(
        ForeignKey("model.id"), index=True, comment="The model whose gradients a transferred attack uses."
    )
    steps: Mapped[int | None] = mapped_column(comment="Steps of an iterative attack.")
    weights_sha256: Mapped[str | None] = mapped_column(
        comment="Digest of the weights that were evaluated; NULL: not known, or an analysis."
    )
    substitute_sha256: Mapped[str | None] = mapped_column(comment="Digest of the substitute's weights.")


class Training(Base):
    """A finished training, or an external model that was found to be whole."""

    __tablename__ = "training"
    __table_args__ = (
        _among("status", ("ok", "diverged")),
        CheckConstraint(
            "(status = 'ok') = (weights IS NOT NULL AND weights_sha256 IS NOT NULL)",
            name="ok_has_weights",
        ),
    )

    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), primary_key=True)
    status: Mapped[str] = mapped_column(comment="ok or diverged.")
    reason: Mapped[str | None] = mapped_column(comment="Where it diverged: epoch, step, and what was not finite.")
    best_epoch: Mapped[int | None] = mapped_column(
        comment="Epoch (from 0) of the lowest validation loss, whose weights are kept; NULL: not trained here."
    )
    weights: Mapped[str | None] = mapped_column(comment="File name in the model's folder.")
    weights_sha256: Mapped[str | None] = mapped_column(comment="Digest of that file.")
    parameters: Mapped[int] = mapped_column(comment="Parameters of the network.")


class Epoch(Base):
    """One epoch of a finished training."""

    __tablename__ = "epoch"
    __table_args__ = {"sqlite_with_rowid": False}

    model_id: Mapped[int] = mapped_column(ForeignKey("training.model_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="From 0.")
    learning_rate: Mapped[float]
    task_loss: Mapped[float | None] = mapped_column(
        comment="Mean cross-entropy over the classification batches; NULL: not finite, the training says why."
    )
    similarity_loss: Mapped[float | None] = mapped_column(
        comment="Mean L_sim before alpha; NULL without a regularizer, or not finite."
    )
    train_accuracy: Mapped[float] = mapped_column(comment="Fraction, on the augmented batches as trained on.")
    validation_loss: Mapped[float | None] = mapped_column(comment="Mean cross-entropy; NULL: not finite.")
    validation_accuracy: Mapped[float] = mapped_column(comment="Fraction.")
    images_per_second: Mapped[float] = mapped_column(comment="Training images, pairs not counted.")
    seconds: Mapped[float]


class Gamma(Base):
    """Weight of one tap in the similarity, at the end of one epoch."""

    __tablename__ = "gamma"
    __table_args__ = {"sqlite_with_rowid": False}

    model_id: Mapped[int] = mapped_column(ForeignKey("training.model_id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="From 0.")
    tap: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="0: stem; 1 to 4: the stages.")
    gamma: Mapped[float] = mapped_column(comment="Softmax of the tap weights.")


class Measurement(Base):
    """One number of one evaluation, or the reason why there is none."""

    __tablename__ = "measurement"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "metric", "point"),
        CheckConstraint("(value IS NULL) = (reason IS NOT NULL)", name="value_or_reason"),
        CheckConstraint("metric <> 'accuracy' OR value BETWEEN 0 AND 1", name="accuracy_is_fraction"),
        CheckConstraint("n >= 0 AND n_failed >= 0", name="counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"))
    metric: Mapped[str] = mapped_column(comment="accuracy, score, start_score, queries (mean per image), power, ...")
    point: Mapped[str] = mapped_column(
        comment="What was varied, in words: 'epsilon=0.1', 'corruption=fog severity=3'; makes the row unique."
    )
    value: Mapped[float | None] = mapped_column(comment="Accuracies: fractions; scores: [0, 1] pixel units.")
    reason: Mapped[str | None] = mapped_column(comment="Why there is no value.")
    n: Mapped[int] = mapped_column(comment="Images behind the number.")
    n_failed: Mapped[int] = mapped_column(comment="Images that could not be scored; not in n.")
    epsilon: Mapped[float | None] = mapped_column(comment="Size of the perturbation in [0, 1] pixel units.")
    corruption: Mapped[str | None] = mapped_column(comment="Name of the corruption.")
    frequency: Mapped[str | None] = mapped_column(comment="The corruption's group: low, medium, high (appendix 7.10).")
    severity: Mapped[int | None] = mapped_column(comment="1 to 5.")
    repeat: Mapped[int | None] = mapped_column(comment="Which repeat of a random evaluation, from 0.")
    radius: Mapped[int | None] = mapped_column(comment="Spatial frequency of a spectrum, in cycles per image, rounded.")


class ResultArray(Base):
    """An array that belongs to one evaluation or analysis. It lies in a file beside the database."""

    __tablename__ = "result_array"
    __table_args__ = {"sqlite_with_rowid": False}

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, comment="What it holds, for instance perturbations.")
    file: Mapped[str] = mapped_column(comment="Its path below the results folder's arrays/.")
    sha256: Mapped[str] = mapped_column(comment="Digest of that file.")
    shape: Mapped[str] = mapped_column(comment="For instance 1000 x 1 x 32 x 32.")


class ImageResult(Base):
    """What an attack did to one image."""

    __tablename__ = "image_result"
    __table_args__ = (
        _among("outcome", ("ok", "no_start")),
        CheckConstraint("(outcome = 'ok') = (distance IS NOT NULL)", name="ok_has_distance"),
        {"sqlite_with_rowid": False},
    )

    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="From 0.")
    image: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Position in the test split.")
    distance: Mapped[float | None] = mapped_column(comment="||x - x_adv||^2 / d in [0, 1] pixel units.")
    start_distance: Mapped[float | None] = mapped_column(comment="The same for the attack's starting point.")
    queries: Mapped[int] = mapped_column(comment="Images that the model classified for this attack.")
    outcome: Mapped[str] = mapped_column(comment="ok or no_start.")


OF_TRAINING = (Training, Epoch, Gamma)
"""What a training has found, or taking in an external model; rows that others point to come first."""
OF_EVALUATION = (Measurement, ImageResult, ResultArray)
"""What an evaluation or analysis has found."""


class Seal(Base):
    """A digest by which a changed byte of a result, or of a suite's places, is noticed."""

    __tablename__ = "seal"
    __table_args__ = {"sqlite_with_rowid": False}

    subject: Mapped[str] = mapped_column(primary_key=True, comment="A finished job's key, or SUITE/PROFILE.")
    digest: Mapped[str] = mapped_column(comment="16 hex digits over all rows that belong to it.")


for _table in Base.metadata.tables.values():
    _table.dialect_options["sqlite"]["strict"] = True
    for _column in _table.columns:
        if isinstance(_column.type, Flag):
            _table.append_constraint(CheckConstraint(f"{_column.name} IN (0, 1)", name=f"{_column.name}_known"))
        if isinstance(_column.type, Real):
            _table.append_constraint(
                CheckConstraint(f"{_column.name} BETWEEN -{LARGEST} AND {LARGEST}", name=f"{_column.name}_finite")
            )
