"""What all specs share: frozen, and strict about keys and numbers."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from annotated_types import Le, Lt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, create_model

Table = dict[str, Any]
"""A table as TOML reads it."""

MOST = 2**63 - 1
"""Of a whole number."""

T = TypeVar("T")


def _some_each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("should have at least one value")
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"should have each value once, got {value!r} {values.count(value)} times")
    return values


SomeOf = Annotated[
    tuple[T, ...],
    AfterValidator(_some_each_once),
    Field(json_schema_extra={"minItems": 1, "uniqueItems": True}),
]
"""Some of what there is: at least one, each once."""


class Spec(BaseModel):
    """Base of every spec: immutable, unknown keys refused, numbers finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, defer_build=True
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Numbers, true and false are strict: `true` is no 1, a text is neither. Whole ones have 64 bits at most."""
        super().__pydantic_init_subclass__(**options)
        for field in cls.model_fields.values():
            kinds = {*(get_args(field.annotation) or [field.annotation])} - {NoneType}
            if kinds <= {bool, int, float} and Strict() not in field.metadata:
                field.metadata.append(Strict())
                if kinds == {int} and not any(isinstance(each, Le | Lt) for each in field.metadata):
                    field.metadata.append(Le(MOST))

    def replaced(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated again."""
        return type(self).model_validate(self.model_dump() | changes)


class _Part(Spec):
    """Base of the models of parts, whose fields bring their descriptions with them."""

    model_config = ConfigDict(use_attribute_docstrings=False)


@cache
def part_of(spec: type[Spec], *without: str) -> type[Spec]:
    """The model of a table that says a part of `spec`: each key is checked alone, and none is needed.

    What is written once for many conditions is checked with it where it is written, so that an error names
    that place; and JSON Schema takes its keys from it.
    """
    fields: dict[str, Any] = {}
    for name, field in spec.model_fields.items():
        if name not in without:
            kind = _part_of_annotation(field.annotation)
            if field.metadata:
                kind = Annotated[kind, *field.metadata]
            plain = isinstance(field.default, str | int | float | tuple)
            default: Any = {"default": field.default} if plain else {"default_factory": _nothing}
            fields[name] = (kind, Field(description=field.description, **default))
    return create_model(f"{spec.__name__}Part", __base__=_Part, __doc__=spec.__doc__, **fields)


def _part_of_annotation(annotation: Any) -> Any:
    """The annotation with each spec in it, alone or in a union, replaced by its part."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return part_of(annotation)
    if get_origin(annotation) in {Union, UnionType}:
        return Union[tuple(_part_of_annotation(option) for option in get_args(annotation))]  # noqa: UP007
    return annotation


def _nothing() -> None:
    return None
