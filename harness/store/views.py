"""The SQL views that users rely on: their columns are a contract, tested column by column.

Plain SQL that SQLite and PostgreSQL read alike. Accuracies are fractions; epsilons and Boundary scores are in
[0, 1] pixel units; times are UTC. `regularization` and `target` are 'none' for unregularized models, whose
`alpha` and `threshold` are NULL. `evaluation` is the evaluation's name in the suite, which is its kind unless the
suite has two of a kind. A suite that shares a model with another shows it too. Models that were trained elsewhere
have the target 'external'; what they are compared with is what the suite names.

Views under the others: `placed_model` (every place of a training), `placed_evaluation` (of an evaluation),
`placed_analysis` (of an analysis of data alone), `placed_distortion` (an evaluation's number at its largest
perturbation) and `placed_comparison` (the same beside that of the model's baseline).

What a query costs depends on the suites that it asks for, not on what others have stored. So `WHERE suite = ...` must
reach the tables. SQLite takes it through windows that are partitioned by the suite, and through one GROUP BY, but not
through two on top of each other, through UNION without ALL, into a join of two grouped queries, or into WITH where
the view stands in an IN. A test counts SQLite's steps.
"""

from __future__ import annotations

from sqlalchemy import TableClause, column, table

from harness.measurement import LEAST_CLEAN_RATIO, ROUNDING

PER_CONDITION = (
    *("suite", "profile", "condition", "classification", "regularization", "target", "alpha", "threshold"),
    *("architecture", "color"),
)
COMMON = (*PER_CONDITION, "seed")
"""Columns that every view has; those over seeds have no `seed`."""

_COMMON = ", ".join(COMMON)
_PER_CONDITION = ", ".join(PER_CONDITION)
_PLACED = """s.name AS suite, s.profile, p.condition, m.classification, m.regularization, m.target, m.alpha,
       m.threshold, m.architecture, m.color, p.seed"""

VIEWS: dict[str, str] = {
    # baseline: the same for a model and for what it is compared with; compared: 0 for a baseline, or what has none.
    "placed_model": f"""
SELECT {_PLACED}, p.job_key, m.id AS model_row,
       CASE WHEN p.baseline IS NULL THEN m.baseline ELSE (
           SELECT b.baseline FROM place q JOIN model b ON b.key = q.job_key
           WHERE q.suite_id = p.suite_id AND q.condition = p.baseline AND q.seed = p.seed AND q.evaluation = ''
       ) END AS baseline,
       CASE WHEN p.baseline IS NULL AND m.target IN ('none', 'external') THEN 0 ELSE 1 END AS compared
FROM place p
JOIN suite s ON s.id = p.suite_id
JOIN model m ON m.key = p.job_key
""",
    "placed_evaluation": f"""
SELECT {_PLACED}, p.job_key, m.id AS model_row, p.evaluation, e.id AS evaluation_row, e.kind, e.steps
FROM place p
JOIN suite s ON s.id = p.suite_id
JOIN evaluation e ON e.key = p.job_key
JOIN model m ON m.id = e.model_id
""",
    "placed_analysis": """
SELECT s.name AS suite, s.profile, p.job_key, p.evaluation AS analysis, e.id AS evaluation_row, e.kind
FROM place p
JOIN suite s ON s.id = p.suite_id
JOIN evaluation e ON e.key = p.job_key
WHERE e.model_id IS NULL
""",
    # What remains at the largest epsilon; of the Boundary attack (epsilon NULL) the score.
    "placed_distortion": """
SELECT suite, profile, condition, seed, evaluation,
       (SELECT max(x.epsilon) FROM measurement x WHERE x.evaluation_id = evaluation_row) AS epsilon,
       CASE WHEN kind = 'boundary' THEN (
           SELECT avg(x.value) FROM measurement x WHERE x.evaluation_id = evaluation_row AND x.metric = 'score'
       ) ELSE (
           SELECT x.value FROM measurement x
           WHERE x.evaluation_id = evaluation_row AND x.metric = 'accuracy' AND x.epsilon IS NOT NULL
           ORDER BY x.epsilon DESC LIMIT 1
       ) END AS distorted
FROM placed_evaluation
""",
    # Models, trained here or loaded, diverged ones among them. Clean accuracy: of the suite's own clean evaluation; of
    # several of the one called `clean`, else of the first by name, also where it is not done: all models have the same.
    # git_dirty: 1 where the checkout had changes that were not committed, so that git_commit is not all of the code.
    "v_models": f"""
SELECT {", ".join(f"p.{name}" for name in COMMON)}, m.key AS model_id, m.pair_range, m.n_images, m.pairs_per_batch,
       m.base_width, t.status, t.best_epoch,
       (SELECT x.value
        FROM placed_evaluation c
        LEFT JOIN measurement x ON x.evaluation_id = c.evaluation_row AND x.metric = 'accuracy'
        WHERE c.kind = 'clean' AND c.suite = p.suite AND c.profile = p.profile
          AND c.condition = p.condition AND c.seed = p.seed
        ORDER BY CASE c.evaluation WHEN 'clean' THEN 0 ELSE 1 END, c.evaluation LIMIT 1) AS clean_accuracy,
       j.seconds AS train_seconds, j.device, v.git_commit, m.spec_digest, v.git_dirty
FROM placed_model p
JOIN model m ON m.id = p.model_row
JOIN training t ON t.model_id = m.id
JOIN job j ON j.key = p.job_key
LEFT JOIN environment v ON v.id = j.environment_id
""",
    # Weight of each tap (0: stem, 1 to 4: stages) at the best epoch.
    "v_gammas": f"""
SELECT {", ".join(f"p.{name}" for name in COMMON)}, g.tap, g.gamma
FROM placed_model p
JOIN training t ON t.model_id = p.model_row
JOIN gamma g ON g.model_id = t.model_id AND g.epoch = t.best_epoch
""",
    # Accuracy at each perturbation size. NULL where there is no number; `measurement.reason` says why.
    "v_curves": f"""
SELECT {_COMMON}, evaluation, x.epsilon, x.value AS accuracy, x.n
FROM placed_evaluation
JOIN measurement x ON x.evaluation_id = evaluation_row AND x.metric = 'accuracy' AND x.epsilon IS NOT NULL
""",
    # Mean and standard error (n - 1) over seeds, from deviations from the mean; no SEM for a single seed.
    "v_curve_summary": f"""
SELECT DISTINCT {_PER_CONDITION}, evaluation, epsilon, n_seeds, mean,
       sqrt(sum((accuracy - mean) * (accuracy - mean)) OVER seeds / NULLIF(n_seeds - 1, 0) / n_seeds) AS sem
FROM (
    SELECT {_PER_CONDITION}, evaluation, epsilon, accuracy,
           count(*) OVER seeds AS n_seeds, avg(accuracy) OVER seeds AS mean
    FROM v_curves
    WHERE accuracy IS NOT NULL
    WINDOW seeds AS (PARTITION BY {_PER_CONDITION}, evaluation, epsilon)
) AS centred
WINDOW seeds AS (PARTITION BY {_PER_CONDITION}, evaluation, epsilon)
""",
    # Accuracy on each corruption; `frequency` is its group: low, medium or high (appendix 7.10).
    "v_corruptions": f"""
SELECT {_COMMON}, x.corruption, x.frequency, x.severity, x.value AS accuracy, x.n
FROM placed_evaluation
JOIN measurement x ON x.evaluation_id = evaluation_row AND x.metric = 'accuracy' AND x.corruption IS NOT NULL
""",
    # Score: mean of the median distance over the repeats, without those in which no image had a start. n and n_failed:
    # images scored and not, all repeats together. queries: mean per image and repeat. start_score: the score of the
    # attack's start alone. score_all_images: the score with images without a start as infinitely far; NULL where that
    # is infinite, which it is as soon as half of the images of a repeat have none.
    "v_boundary": f"""
SELECT {_COMMON}, steps,
       avg(CASE WHEN x.metric = 'score' THEN x.value END) AS score,
       count(CASE WHEN x.metric = 'score' THEN 1 END) AS repeats,
       CAST(sum(CASE WHEN x.metric = 'score' THEN x.n ELSE 0 END) AS BIGINT) AS n,
       CAST(sum(CASE WHEN x.metric = 'score' THEN x.n_failed ELSE 0 END) AS BIGINT) AS n_failed,
       avg(CASE WHEN x.metric = 'queries' THEN x.value END) AS queries,
       avg(CASE WHEN x.metric = 'start_score' THEN x.value END) AS start_score,
       evaluation,
       CASE WHEN max(CASE WHEN x.metric = 'score' AND x.n_failed > 0 AND x.n_failed >= x.n THEN 1 ELSE 0 END) = 0
            THEN avg(CASE WHEN x.metric <> 'score' THEN NULL WHEN x.n_failed = 0 THEN x.value ELSE (
                SELECT avg(ranked.distance)
                FROM (SELECT i.distance, row_number() OVER (ORDER BY i.distance) AS place
                      FROM image_result i
                      WHERE i.evaluation_id = evaluation_row AND i.repeat = x.repeat AND i.outcome = 'ok') AS ranked
                WHERE ranked.place IN ((x.n + x.n_failed + 1) / 2, (x.n + x.n_failed + 2) / 2)
            ) END) END AS score_all_images
FROM placed_evaluation
JOIN measurement x ON x.evaluation_id = evaluation_row
WHERE kind = 'boundary'
GROUP BY {_COMMON}, evaluation, evaluation_row, steps
""",
    # Beside each model's numbers those of its baseline in the same suite: the same training without regularizer, or the
    # condition that the suite names.
    "placed_comparison": f"""
SELECT {_COMMON}, compared, evaluation, epsilon, clean, distorted,
       min(CASE WHEN compared = 0 THEN clean END) OVER pair AS baseline_clean,
       min(CASE WHEN compared = 0 THEN distorted END) OVER pair AS baseline_distorted
FROM (
    SELECT {", ".join(f"r.{name}" for name in COMMON)}, b.baseline, b.compared, d.evaluation, d.epsilon,
           r.clean_accuracy AS clean, d.distorted
    FROM v_models r
    JOIN placed_model b
      ON b.suite = r.suite AND b.profile = r.profile AND b.condition = r.condition AND b.seed = r.seed
    JOIN placed_distortion d
      ON d.suite = r.suite AND d.profile = r.profile AND d.condition = r.condition AND d.seed = r.seed
) AS evaluated
WINDOW pair AS (PARTITION BY suite, profile, seed, baseline, evaluation, epsilon)
""",
    # Section 5.2. R: this condition; U: its baseline. 0: clean, D: at the largest epsilon; for the Boundary attack
    # (epsilon NULL) the scores. Means over the seeds that have all four numbers, then ratios. The comparison with
    # A0 avoids dividing by zero; what is equal but for rounding is equal.
    "v_acceptable": f"""
SELECT {_PER_CONDITION}, evaluation, epsilon, n_seeds, r0, u0, rd, ud,
       r0 / NULLIF(u0, 0) AS clean_ratio, rd / NULLIF(ud, 0) AS distorted_ratio,
       CASE WHEN r0 >= {LEAST_CLEAN_RATIO * (1 - ROUNDING)} * u0 AND rd > ud * {1 + ROUNDING} THEN 1 ELSE 0 END
           AS acceptable
FROM (
    SELECT DISTINCT {_PER_CONDITION}, evaluation, epsilon, count(*) OVER seeds AS n_seeds,
           avg(clean) OVER seeds AS r0, avg(baseline_clean) OVER seeds AS u0,
           avg(distorted) OVER seeds AS rd, avg(baseline_distorted) OVER seeds AS ud
    FROM placed_comparison
    WHERE compared = 1 AND clean IS NOT NULL AND baseline_clean IS NOT NULL
      AND distorted IS NOT NULL AND baseline_distorted IS NOT NULL
    WINDOW seeds AS (PARTITION BY {_PER_CONDITION}, evaluation, epsilon)
) AS compared
""",
    # Mean power of the smallest perturbations that change the model's decision, by spatial frequency: the mean over
    # the pixels' frequencies that round to `frequency` cycles per image. n: images.
    "v_spectra": f"""
SELECT {_COMMON}, evaluation, x.radius AS frequency, x.value AS power, x.n
FROM placed_evaluation
JOIN measurement x ON x.evaluation_id = evaluation_row AND x.metric = 'power' AND x.radius IS NOT NULL
""",
    # What suites ask of data alone, without any model.
    "v_analyses": """
SELECT a.suite, a.profile, a.analysis, a.kind, x.metric, x.point, x.value, x.n
FROM placed_analysis a
JOIN measurement x ON x.evaluation_id = a.evaluation_row
""",
    # Arrays beside the database; `condition` and `seed` are NULL for an analysis. file: below arrays/ in the results.
    "v_arrays": """
SELECT p.suite, p.profile, p.condition, p.seed, p.evaluation, p.kind, r.name, r.file, r.sha256, r.shape
FROM placed_evaluation p
JOIN result_array r ON r.evaluation_id = p.evaluation_row
UNION ALL
SELECT a.suite, a.profile, NULL, NULL, a.analysis, a.kind, r.name, r.file, r.sha256, r.shape
FROM placed_analysis a
JOIN result_array r ON r.evaluation_id = a.evaluation_row
""",
    # Every job of a suite; `evaluation` is its name there, NULL for a training. Those without a condition train
    # substitutes for transferred attacks, or analyse data, which has no seed either.
    # CROSS JOIN: else SQLite may begin with all jobs of a state.
    "v_jobs": f"""
SELECT {_COMMON}, j.key AS job, j.kind, j.state, j.attempts, j.reason, j.started_at, j.finished_at, j.seconds,
       j.device, evaluation
FROM (
    SELECT {_COMMON}, NULL AS evaluation, job_key FROM placed_model
    UNION ALL
    SELECT DISTINCT {_COMMON}, evaluation, job_key FROM placed_evaluation
    UNION ALL
    SELECT p.suite, p.profile, NULL, m.classification, m.regularization, m.target, m.alpha, m.threshold,
           m.architecture, m.color, m.seed, NULL, m.key
    FROM placed_evaluation p
    JOIN evaluation e ON e.id = p.evaluation_row
    JOIN model m ON m.id = e.substitute_id
    WHERE NOT EXISTS (SELECT 1 FROM placed_model o
                      WHERE o.suite = p.suite AND o.profile = p.profile AND o.job_key = m.key)
    GROUP BY p.suite, p.profile, m.id
    UNION ALL
    SELECT suite, profile, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, analysis, job_key
    FROM placed_analysis
    GROUP BY suite, profile, analysis, job_key
) AS needed
CROSS JOIN job j
WHERE j.key = job_key
""",
}

PUBLIC = tuple(name for name in VIEWS if name.startswith("v_"))
"""The views of the contract."""


def _view(name: str, *columns: str) -> TableClause:
    return table(name, *map(column, columns))


# Views as queries name them, with the columns that this program asks for.
JOBS = _view("v_jobs", "suite", "profile", "condition", "seed", "job", "state")
MODELS = _view("placed_model", "suite", "profile", "model_row")
EVALUATIONS = _view(
    "placed_evaluation", "suite", "profile", "condition", "seed", "evaluation", "kind", "evaluation_row"
)


def statement(name: str) -> str:
    """What makes a view."""
    return f"CREATE VIEW {name} AS{VIEWS[name].rstrip()}"
