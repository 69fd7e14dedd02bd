"""The first schema: suites, models, jobs, trainings, evaluations and their results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.errors import DatabaseUnusable
from harness.store.columns import Flag, Json, Real, UtcTime, Whole

revision = "0001"
down_revision = None
VIEWS = "ffb0bae4e58ac6fa"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """Make all tables."""
    _data_split()
    _environment()
    _model()
    _suite()
    _job()
    _training()
    _epoch()
    _evaluation()
    _gamma()
    _job_data()
    _place()
    _image_result()
    _measurement()


def downgrade() -> None:
    """Remove all tables, the ones that point to others first, if nothing is in them; else raise DatabaseUnusable."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM suite")):
        raise DatabaseUnusable("there are results, which go with their tables; nothing was changed")
    for table in (
        "measurement",
        "image_result",
        "place",
        "job_data",
        "gamma",
        "evaluation",
        "epoch",
        "training",
        "job",
        "suite",
        "model",
        "environment",
        "data_split",
    ):
        op.drop_table(table)


def _data_split() -> None:
    op.create_table(
        "data_split",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="Data set, for instance cifar10."),
        sa.Column("split", sa.Text(), nullable=False, comment="train, test, or a corruption's name."),
        sa.Column("sha256", sa.Text(), nullable=False, comment="Digest of images, labels and class names."),
        sa.Column("n", Whole(), nullable=True, comment="Images."),
        sa.Column("generated", Flag(), nullable=True, comment="1: made on the spot (corrupted, or a stand-in)."),
        sa.Column("origin", sa.Text(), nullable=True, comment="Where it came from."),
        sa.CheckConstraint("generated IN (0, 1)", name=op.f("ck_data_split_generated_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_split")),
        sa.UniqueConstraint("name", "split", "sha256", name=op.f("uq_data_split_name_split_sha256")),
        sqlite_strict=True,
    )


def _environment() -> None:
    op.create_table(
        "environment",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="16 hex digits over all columns below."),
        sa.Column("git_commit", sa.Text(), nullable=True, comment="Commit of the harness checkout; NULL if installed."),
        sa.Column("git_dirty", Flag(), nullable=True, comment="1: the checkout had changes that were not committed."),
        sa.Column("python", sa.Text(), nullable=False, comment="Version of Python."),
        sa.Column("platform", sa.Text(), nullable=False, comment="Operating system and processor type."),
        sa.Column("packages", Json(), nullable=False, comment="Versions of the packages that numbers depend on."),
        sa.Column("device", sa.Text(), nullable=False, comment="The hardware's own name."),
        sa.Column("driver", sa.Text(), nullable=True, comment="Version of the GPU driver; NULL on a CPU."),
        sa.Column("threads", Whole(), nullable=False, comment="CPU threads that torch used."),
        sa.CheckConstraint("git_dirty IN (0, 1)", name=op.f("ck_environment_git_dirty_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
        sa.UniqueConstraint("digest", name=op.f("uq_environment_digest")),
        sqlite_strict=True,
    )


def _model() -> None:
    op.create_table(
        "model",
        sa.Column("id", Whole(), nullable=False),
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="Identity: 16 hex digits of spec, data content and seed; its job's key.",
        ),
        sa.Column("spec_digest", sa.Text(), nullable=False, comment="The identity without the seed, 16 hex digits."),
        sa.Column("seed", Whole(), nullable=False, comment="Seed of its random streams."),
        sa.Column("spec", Json(), nullable=False, comment="The whole training spec, resolved, as JSON."),
        sa.Column(
            "baseline",
            sa.Text(),
            nullable=False,
            comment="Digest of the same spec without its regularizer: equal for a model and its baseline.",
        ),
        sa.Column("classification", sa.Text(), nullable=False, comment="Data set of the task."),
        sa.Column("color", sa.Text(), nullable=False, comment="gray or rgb."),
        sa.Column("n_train", Whole(), nullable=True, comment="The first n training images; NULL: all."),
        sa.Column("architecture", sa.Text(), nullable=False, comment="resnet18 or resnet34."),
        sa.Column("base_width", Whole(), nullable=False, comment="Channels of the first stage."),
        sa.Column(
            "regularization",
            sa.Text(),
            nullable=False,
            comment="Data set of the image pairs; 'none' without a regularizer.",
        ),
        sa.Column("target", sa.Text(), nullable=False, comment="Target similarity: none, pixel or threshold."),
        sa.Column("alpha", Real(), nullable=True, comment="Weight of the similarity loss; NULL without a regularizer."),
        sa.Column("threshold", Real(), nullable=True, comment="Th (Th1 of double), a cosine similarity."),
        sa.Column("threshold_low", Real(), nullable=True, comment="Th2 of the pair range double."),
        sa.Column("pair_range", sa.Text(), nullable=True, comment="Which pairs are drawn (appendix 7.7)."),
        sa.Column("n_images", Whole(), nullable=True, comment="N, regularization images."),
        sa.Column("pairs_per_batch", Whole(), nullable=True, comment="k, image pairs per training step."),
        sa.CheckConstraint("alpha BETWEEN -1e+308 AND 1e+308", name=op.f("ck_model_alpha_finite")),
        sa.CheckConstraint("threshold BETWEEN -1e+308 AND 1e+308", name=op.f("ck_model_threshold_finite")),
        sa.CheckConstraint("threshold_low BETWEEN -1e+308 AND 1e+308", name=op.f("ck_model_threshold_low_finite")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("key", name=op.f("uq_model_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_model_baseline"), "model", ["baseline"])
    op.create_index(op.f("ix_model_spec_digest"), "model", ["spec_digest"])


def _suite() -> None:
    op.create_table(
        "suite",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of its file in experiments/."),
        sa.Column(
            "profile",
            sa.Text(),
            nullable=False,
            comment="Scale: paper, small or smoke; never mixed in one table or figure.",
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="One line: what the suite asks."),
        sa.Column("planned_at", UtcTime(), nullable=False, comment="Last plan, UTC."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suite")),
        sa.UniqueConstraint("name", "profile", name=op.f("uq_suite_name_profile")),
        sqlite_strict=True,
    )


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("key", sa.Text(), nullable=False, comment="Identity of its result, 16 hex digits."),
        sa.Column("kind", sa.Text(), nullable=False, comment="train, or the evaluation's kind."),
        sa.Column("model_id", Whole(), nullable=False, comment="The model that it makes or evaluates."),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting, running, done, diverged, failed or blocked."),
        sa.Column("attempts", Whole(), nullable=False, comment="How often it was started."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it is diverged, failed or blocked."),
        sa.Column("work", Real(), nullable=False, comment="Estimated GFLOP."),
        sa.Column("planned_at", UtcTime(), nullable=False, comment="First plan, UTC."),
        sa.Column("started_at", UtcTime(), nullable=True, comment="Start of the last attempt, UTC."),
        sa.Column("finished_at", UtcTime(), nullable=True, comment="End of the last attempt, UTC."),
        sa.Column("seconds", Real(), nullable=True, comment="Duration of the attempt that finished it."),
        sa.Column(
            "images_classified", Whole(), nullable=True, comment="Forward passes behind an evaluation, in images."
        ),
        sa.Column("device", sa.Text(), nullable=True, comment="Device of the last attempt."),
        sa.Column("command", sa.Text(), nullable=True, comment="Command line that finished it."),
        sa.Column("environment_id", Whole(), nullable=True, comment="What the attempt that finished it ran on."),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'diverged', 'failed', 'blocked')", name=op.f("ck_job_state_known")
        ),
        sa.CheckConstraint(
            "state NOT IN ('diverged', 'failed', 'blocked') OR reason IS NOT NULL", name=op.f("ck_job_trouble_says_why")
        ),
        sa.CheckConstraint(
            "state NOT IN ('done', 'diverged') OR (finished_at IS NOT NULL AND environment_id IS NOT NULL)",
            name=op.f("ck_job_finished_is_whole"),
        ),
        sa.CheckConstraint("attempts >= 0 AND work >= 0 AND seconds >= 0", name=op.f("ck_job_not_negative")),
        sa.CheckConstraint("seconds BETWEEN -1e+308 AND 1e+308", name=op.f("ck_job_seconds_finite")),
        sa.CheckConstraint("work BETWEEN -1e+308 AND 1e+308", name=op.f("ck_job_work_finite")),
        sa.ForeignKeyConstraint(["environment_id"], ["environment.id"], name=op.f("fk_job_environment_id")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_job_model_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_job")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_job_model_id"), "job", ["model_id"])
    op.create_index(op.f("ix_job_state"), "job", ["state"])


def _training() -> None:
    op.create_table(
        "training",
        sa.Column("model_id", Whole(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="ok or diverged."),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="Where it diverged: epoch, step, and what was not finite."
        ),
        sa.Column(
            "best_epoch",
            Whole(),
            nullable=True,
            comment="Epoch (from 0) of the lowest validation loss, whose weights are kept.",
        ),
        sa.Column("weights", sa.Text(), nullable=True, comment="File name in the model's folder."),
        sa.Column("weights_sha256", sa.Text(), nullable=True, comment="Digest of that file."),
        sa.Column("parameters", Whole(), nullable=False, comment="Trainable parameters of the network."),
        sa.CheckConstraint(
            "(status = 'ok') = (weights IS NOT NULL AND weights_sha256 IS NOT NULL AND best_epoch IS NOT NULL)",
            name=op.f("ck_training_ok_has_weights"),
        ),
        sa.CheckConstraint("status IN ('ok', 'diverged')", name=op.f("ck_training_status_known")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_training_model_id")),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_training")),
        sqlite_strict=True,
    )


def _epoch() -> None:
    op.create_table(
        "epoch",
        sa.Column("model_id", Whole(), nullable=False),
        sa.Column("epoch", Whole(), autoincrement=False, nullable=False, comment="From 0."),
        sa.Column("learning_rate", Real(), nullable=False),
        sa.Column(
            "task_loss",
            Real(),
            nullable=True,
            comment="Mean cross-entropy over the classification batches; NULL: not finite, the training says why.",
        ),
        sa.Column(
            "similarity_loss",
            Real(),
            nullable=True,
            comment="Mean L_sim before alpha; NULL without a regularizer, or not finite.",
        ),
        sa.Column(
            "train_accuracy", Real(), nullable=False, comment="Fraction, on the augmented batches as trained on."
        ),
        sa.Column("validation_loss", Real(), nullable=True, comment="Mean cross-entropy; NULL: not finite."),
        sa.Column("validation_accuracy", Real(), nullable=False, comment="Fraction."),
        sa.Column("images_per_second", Real(), nullable=False, comment="Training images, pairs not counted."),
        sa.Column("seconds", Real(), nullable=False),
        sa.CheckConstraint(
            "images_per_second BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_images_per_second_finite")
        ),
        sa.CheckConstraint("learning_rate BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_learning_rate_finite")),
        sa.CheckConstraint("seconds BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_seconds_finite")),
        sa.CheckConstraint("similarity_loss BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_similarity_loss_finite")),
        sa.CheckConstraint("task_loss BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_task_loss_finite")),
        sa.CheckConstraint("train_accuracy BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_train_accuracy_finite")),
        sa.CheckConstraint(
            "validation_accuracy BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_validation_accuracy_finite")
        ),
        sa.CheckConstraint("validation_loss BETWEEN -1e+308 AND 1e+308", name=op.f("ck_epoch_validation_loss_finite")),
        sa.ForeignKeyConstraint(["model_id"], ["training.model_id"], name=op.f("fk_epoch_model_id")),
        sa.PrimaryKeyConstraint("model_id", "epoch", name=op.f("pk_epoch")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="Its job's key."),
        sa.Column("kind", sa.Text(), nullable=False, comment="clean, gaussian, boundary, ..."),
        sa.Column("spec", Json(), nullable=False, comment="The whole evaluation spec, resolved, as JSON."),
        sa.Column("model_id", Whole(), nullable=False, comment="The model under test."),
        sa.Column(
            "substitute_id", Whole(), nullable=True, comment="The model whose gradients a transferred attack uses."
        ),
        sa.Column("steps", Whole(), nullable=True, comment="Steps of an iterative attack."),
        sa.ForeignKeyConstraint(["key"], ["job.key"], name=op.f("fk_evaluation_key"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_evaluation_model_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["model.id"], name=op.f("fk_evaluation_substitute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("key", name=op.f("uq_evaluation_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_evaluation_model_id"), "evaluation", ["model_id"])
    op.create_index(op.f("ix_evaluation_substitute_id"), "evaluation", ["substitute_id"])


def _gamma() -> None:
    op.create_table(
        "gamma",
        sa.Column("model_id", Whole(), nullable=False),
        sa.Column("epoch", Whole(), autoincrement=False, nullable=False, comment="From 0."),
        sa.Column("tap", Whole(), autoincrement=False, nullable=False, comment="0: stem; 1 to 4: the stages."),
        sa.Column("gamma", Real(), nullable=False, comment="Softmax of the tap weights."),
        sa.CheckConstraint("gamma BETWEEN -1e+308 AND 1e+308", name=op.f("ck_gamma_gamma_finite")),
        sa.ForeignKeyConstraint(["model_id"], ["training.model_id"], name=op.f("fk_gamma_model_id")),
        sa.PrimaryKeyConstraint("model_id", "epoch", "tap", name=op.f("pk_gamma")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _job_data() -> None:
    op.create_table(
        "job_data",
        sa.Column("job_key", sa.Text(), nullable=False),
        sa.Column("data_split_id", Whole(), nullable=False),
        sa.ForeignKeyConstraint(["data_split_id"], ["data_split.id"], name=op.f("fk_job_data_data_split_id")),
        sa.ForeignKeyConstraint(["job_key"], ["job.key"], name=op.f("fk_job_data_job_key"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_key", "data_split_id", name=op.f("pk_job_data")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_job_data_data_split_id"), "job_data", ["data_split_id"])


def _place() -> None:
    op.create_table(
        "place",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("suite_id", Whole(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False, comment="Name of the condition in the suite."),
        sa.Column("seed", Whole(), nullable=False, comment="The model's seed."),
        sa.Column(
            "evaluation",
            sa.Text(),
            nullable=False,
            comment="Name of the evaluation in the suite; empty (not NULL, so that it is unique) for the training.",
        ),
        sa.Column("job_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_key"], ["job.key"], name=op.f("fk_place_job_key")),
        sa.ForeignKeyConstraint(["suite_id"], ["suite.id"], name=op.f("fk_place_suite_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint(
            "suite_id", "condition", "seed", "evaluation", name=op.f("uq_place_suite_id_condition_seed_evaluation")
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_place_job_key"), "place", ["job_key"])


def _image_result() -> None:
    op.create_table(
        "image_result",
        sa.Column("evaluation_id", Whole(), nullable=False),
        sa.Column("repeat", Whole(), autoincrement=False, nullable=False, comment="From 0."),
        sa.Column("image", Whole(), autoincrement=False, nullable=False, comment="Position in the test split."),
        sa.Column("distance", Real(), nullable=True, comment="||x - x_adv||^2 / d in [0, 1] pixel units."),
        sa.Column("start_distance", Real(), nullable=True, comment="The same for the attack's starting point."),
        sa.Column("queries", Whole(), nullable=False, comment="Images that the model classified for this attack."),
        sa.Column("outcome", sa.Text(), nullable=False, comment="ok or no_start."),
        sa.CheckConstraint("(outcome = 'ok') = (distance IS NOT NULL)", name=op.f("ck_image_result_ok_has_distance")),
        sa.CheckConstraint("outcome IN ('ok', 'no_start')", name=op.f("ck_image_result_outcome_known")),
        sa.CheckConstraint("distance BETWEEN -1e+308 AND 1e+308", name=op.f("ck_image_result_distance_finite")),
        sa.CheckConstraint(
            "start_distance BETWEEN -1e+308 AND 1e+308", name=op.f("ck_image_result_start_distance_finite")
        ),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_image_result_evaluation_id")),
        sa.PrimaryKeyConstraint("evaluation_id", "repeat", "image", name=op.f("pk_image_result")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _measurement() -> None:
    op.create_table(
        "measurement",
        sa.Column("id", Whole(), nullable=False),
        sa.Column("evaluation_id", Whole(), nullable=False),
        sa.Column(
            "metric", sa.Text(), nullable=False, comment="accuracy, score, start_score, queries (mean per image), ..."
        ),
        sa.Column(
            "point",
            sa.Text(),
            nullable=False,
            comment="What was varied, in words: 'epsilon=0.1', 'corruption=fog severity=3'; makes the row unique.",
        ),
        sa.Column("value", Real(), nullable=True, comment="Accuracies: fractions; scores: [0, 1] pixel units."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why there is no value."),
        sa.Column("n", Whole(), nullable=False, comment="Images behind the number."),
        sa.Column("n_failed", Whole(), nullable=False, comment="Images that could not be scored; not in n."),
        sa.Column("epsilon", Real(), nullable=True, comment="Size of the perturbation in [0, 1] pixel units."),
        sa.Column("corruption", sa.Text(), nullable=True, comment="Name of the corruption."),
        sa.Column(
            "frequency", sa.Text(), nullable=True, comment="The corruption's group: low, medium, high (appendix 7.10)."
        ),
        sa.Column("severity", Whole(), nullable=True, comment="1 to 5."),
        sa.Column("repeat", Whole(), nullable=True, comment="Which repeat of a random evaluation, from 0."),
        sa.CheckConstraint(
            "metric <> 'accuracy' OR value BETWEEN 0 AND 1", name=op.f("ck_measurement_accuracy_is_fraction")
        ),
        sa.CheckConstraint("(value IS NULL) = (reason IS NOT NULL)", name=op.f("ck_measurement_value_or_reason")),
        sa.CheckConstraint("epsilon BETWEEN -1e+308 AND 1e+308", name=op.f("ck_measurement_epsilon_finite")),
        sa.CheckConstraint("n >= 0 AND n_failed >= 0", name=op.f("ck_measurement_counts")),
        sa.CheckConstraint("value BETWEEN -1e+308 AND 1e+308", name=op.f("ck_measurement_value_finite")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_measurement_evaluation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurement")),
        sa.UniqueConstraint("evaluation_id", "metric", "point", name=op.f("uq_measurement_evaluation_id_metric_point")),
        sqlite_strict=True,
    )
