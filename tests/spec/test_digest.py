from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec import (
    ANALYSIS_SPECS,
    EVALUATION_SPECS,
    AnalyseJob,
    CheckpointSpec,
    EvaluateJob,
    LoadJob,
    PenaltySpec,
    PerturbationSpec,
    RegularizerSpec,
    RobustBenchSpec,
    TrainingSpec,
    TrainJob,
    digest,
)
from harness.spec.spec import Spec

REGULARIZED = TrainingSpec(
    classification="digits",
    penalty=PenaltySpec(function="own.py:penalty", weight=1),
    perturbation=PerturbationSpec(kind="adversarial", epsilon=0.1, steps=2),
    regularizer=RegularizerSpec(
        target="threshold", alpha=10, threshold=0.8, threshold_low=0.2, pair_range="double", images="digits"
    ),
)
NEEDED = {
    "corruption": {"images": "digits-c"},
    "autoattack": {"max_epsilon": 0.1},
    "own_attack": {"function": "own.py:attack", "max_epsilon": 0.1},
    "own_transferred_attack": {"function": "own.py:attack", "max_epsilon": 0.1},
    "own_minimal_attack": {"function": "own.py:attack"},
    "similarity": {"recording": "v1"},
    "noise_examples": {"images": "digits"},
    "corruption_spectra": {"images": "digits-c"},
}
"""What a spec must say."""
EVALUATIONS = {
    kind: spec.model_validate({"kind": kind} | NEEDED.get(kind, {})) for kind, spec in EVALUATION_SPECS.items()
}
ANALYSES = {kind: spec.model_validate({"kind": kind} | NEEDED[kind]) for kind, spec in ANALYSIS_SPECS.items()}
EXTERNAL = {
    "external": RobustBenchSpec(model="Standard"),
    "checkpoint": CheckpointSpec(function="own.py:network", weights="own.pt", classification="digits"),
}


def leaves(spec: Spec) -> list[tuple[str, ...]]:
    """The path of each value in a spec."""
    found: list[tuple[str, ...]] = []
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            continue  # there is no other
        found += [(name, *path) for path in leaves(value)] if isinstance(value, Spec) else [(name,)]
    return found


def other(annotation: Any, value: Any) -> Any:
    """A value that differs from `value` and is of the field's type, perhaps out of its range."""
    if get_origin(annotation) is Annotated:
        return other(get_args(annotation)[0], value)
    if get_origin(annotation) is dict:
        return value | {"another": 1}
    options = [option for option in get_args(annotation) if option not in {value, type(None)}]
    if get_origin(annotation) is Literal:
        return options[0]
    if get_origin(annotation) in {Union, types.UnionType}:
        return other(options[0], value)
    if get_origin(annotation) is tuple:
        return value[:1] if value else ("gaussian_noise",)
    if annotation is bool:
        return not value
    return "another" if annotation is str else (value or 0) + annotation(1)


def changed(spec: Spec, path: tuple[str, ...]) -> Spec:
    """The spec with another value at `path`."""
    name, *rest = path
    value = getattr(spec, name)
    new = changed(value, tuple(rest)) if rest else other(type(spec).model_fields[name].annotation, value)
    return spec.model_copy(update={name: new})


@pytest.mark.parametrize("path", leaves(REGULARIZED), ids=".".join)
def test_every_field_of_a_training_changes_its_identity(path):
    assert training(changed(REGULARIZED, path)).key != training(REGULARIZED).key


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, spec in EVALUATIONS.items() for path in leaves(spec) if path != ("kind",)]
)
def test_every_field_of_an_evaluation_changes_its_identity(kind, path):
    spec = EVALUATIONS[kind]
    assert evaluation(changed(spec, path)).key != evaluation(spec).key


def test_kinds_of_evaluations_differ_though_their_fields_are_the_same():
    assert len({evaluation(spec).key for spec in EVALUATIONS.values()}) == len(EVALUATIONS)


def test_seed_data_and_substitute_are_part_of_the_identity():
    model = TrainJob(spec=REGULARIZED, seed=0, data={"digits/train": "a"})
    models = [
        model,
        TrainJob(spec=REGULARIZED, seed=1, data=model.data),
        TrainJob(spec=REGULARIZED, seed=0, data={"digits/train": "b"}),
    ]
    clean = EVALUATIONS["clean"]
    jobs = [EvaluateJob(model=one, evaluation=clean, data={"digits/test": "c"}) for one in models]
    jobs.append(EvaluateJob(model=model, evaluation=clean, data={"digits/test": "d"}))
    jobs.append(EvaluateJob(model=model, evaluation=clean, data={"digits/test": "c"}, substitute=models[1]))
    assert len({job.key for job in (*models, *jobs)}) == 8
    assert models[0].spec_digest == models[1].spec_digest != models[2].spec_digest


@given(st.randoms())
def test_neither_order_nor_written_out_defaults_matter(random):
    written = REGULARIZED.model_dump()
    shuffled = in_any_order(written, random)
    sparse = REGULARIZED.model_dump(exclude_defaults=True)
    key = TrainJob(spec=REGULARIZED, seed=0, data={"a": "1", "b": "2"}).key
    for table in (shuffled, in_any_order(sparse, random)):
        spec = TrainingSpec.model_validate(table)
        assert TrainJob(spec=spec, seed=0, data={"b": "2", "a": "1"}).key == key


@pytest.mark.parametrize("kind", EVALUATIONS)
def test_written_out_defaults_of_an_evaluation_do_not_matter(kind):
    spec = EVALUATIONS[kind]
    assert digest(type(spec).model_validate(spec.model_dump())) == digest(spec)


STORED = {
    "clean": "d2cf3dd6f778ce6b",
    "gaussian": "2079083c397cf526",
    "uniform": "772f5c9e6b506e7b",
    "salt_pepper": "d773f830c3aff4d2",
    "fgsm_transfer": "cc096a30b031d4e0",
    "boundary": "61b60d9324dd5fb6",
    "spectrum": "50da1716eaecf8d0",
    "corruption": "5e45721f275158ea",
    "own_attack": "72ee53b7a646d509",
}
"""Keys from before evaluations had a precision; the last one from before there were minimal attacks."""


@pytest.mark.parametrize("kind", STORED)
def test_results_that_an_earlier_version_stored_keep_their_identity(kind):
    model = TrainJob(spec=TrainingSpec(classification="digits"), seed=0, data={})
    assert EvaluateJob(model=model, evaluation=EVALUATIONS[kind], data={}).key == STORED[kind]


@pytest.mark.parametrize(("key", "condition"), [("538418733e5d6d3c", "external"), ("8546e36976a72808", "checkpoint")])
def test_models_that_an_earlier_version_took_in_keep_their_identity(key, condition):
    assert LoadJob(spec=EXTERNAL[condition], data={}).key == key


def test_of_models_trained_elsewhere_over_seeds_the_weights_are_in_the_identity_with_the_seed_alone():
    spec = CheckpointSpec(function="own.py:network", weights="own-{seed}.pt", classification="digits")

    def load(seed, weights="w", code="c"):
        return LoadJob(spec=spec, seed=seed, data={"own.py/code": code, f"own-{seed}.pt/file": weights})

    assert load(1).weights_sha256 == "w"
    assert len({load(0).key, load(1).key, load(1, weights="v").key, load(1, code="d").key}) == 4
    assert load(0).spec_digest == load(1, weights="v").spec_digest != load(0, code="d").spec_digest


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("64ec286d22209f40", "similarity"),
        ("c41c19c0818de89d", "noise_examples"),
        ("6ea05f2a2fe2998c", "corruption_spectra"),
    ],
)
def test_analyses_that_an_earlier_version_stored_keep_their_identity(key, kind):
    assert AnalyseJob(spec=ANALYSES[kind], data={}).key == key


@pytest.mark.parametrize("spec", [REGULARIZED, *EXTERNAL.values(), *EVALUATIONS.values(), *ANALYSES.values()])
def test_a_raised_version_is_another_identity(spec, monkeypatch):
    before = job(spec).key
    monkeypatch.setattr(type(spec), "version", spec.version + 1)
    assert job(spec).key != before


def test_whole_numbers_and_decimals_are_the_same_number():
    assert digest(RegularizerSpec(target="pixel", alpha=10, images="digits")) == digest(
        RegularizerSpec(target="pixel", alpha=10.0, images="digits")
    )


def test_names_of_suites_and_conditions_do_not_matter(parse):
    first = parse(name="one").conditions["threshold"]
    second = parse(("conditions.threshold", "conditions.other"), name="two").conditions["other"]
    assert digest(first) == digest(second)


def in_any_order(table: Any, random: Any) -> Any:
    if not isinstance(table, dict):
        return table
    keys = list(table)
    random.shuffle(keys)
    return {key: in_any_order(table[key], random) for key in keys}


def training(spec: Spec) -> TrainJob:
    return TrainJob(spec=spec, seed=0, data={})


def evaluation(spec: Spec) -> EvaluateJob:
    return EvaluateJob(model=training(REGULARIZED), evaluation=spec, data={})


def job(spec: Spec) -> TrainJob | LoadJob | EvaluateJob | AnalyseJob:
    if isinstance(spec, TrainingSpec):
        return training(spec)
    if spec in EXTERNAL.values():
        return LoadJob(spec=spec, data={})
    return evaluation(spec) if spec in EVALUATIONS.values() else AnalyseJob(spec=spec, data={})
