"""Specs as databases hold them: each version of this program writes the settings that it has."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter, ValidationError

from harness.spec.analysis import AnalysisSpec
from harness.spec.evaluation import EvaluationSpec
from harness.spec.external import ModelSpec

AnySpec = ModelSpec | EvaluationSpec | AnalysisSpec


def mean_the_same(one: str, other: str) -> bool:
    """Whether two texts in JSON are of one spec; a setting that one leaves out has its default value."""
    if one == other:
        return True
    try:
        return _adapter().validate_json(one) == _adapter().validate_json(other)
    except ValidationError:
        return False


@cache
def _adapter() -> TypeAdapter[AnySpec]:
    return TypeAdapter(AnySpec)
