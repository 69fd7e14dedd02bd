"""What all specs share: frozen, strict about keys, and errors that say where and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from annotated_types import Le, Lt
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, create_model

from harness.errors import SpecError

Table = dict[str, Any]
"""A table as TOML reads it."""

MOST = 2**63 - 1
"""Of a whole number."""


class Spec(BaseModel):
    """Base of every spec: immutable, unknown keys refused, numbers finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, defer_build=True
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Numbers are strict: `true` is no 1, and a text is no number. Whole ones have a column's 64 bits at most."""
        super().__pydantic_init_subclass__(**options)
        for field in cls.model_fields.values():
            kinds = {*(get_args(field.annotation) or [field.annotation])} - {NoneType}
            if kinds <= {int, float} and Strict() not in field.metadata:
                field.metadata.append(Strict())
                if kinds == {int} and not any(isinstance(each, Le | Lt) for each in field.metadata):
                    field.metadata.append(Le(MOST))

    def replaced(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated again."""
        return type(self).model_validate(self.model_dump() | changes)


S = TypeVar("S", bound=Spec)


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


def validated(kind: type[S], value: object, where: str, at: str = "") -> S:
    """`value` as a `kind`; a SpecError that names the file (`where`), the table (`at`) and the key if it is not one."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        prefix = f"{at}." if at else ""
        raise SpecError("\n".join(f"{where}: {line}" for line in _sentences(kind, error, prefix))) from None


def all_validated(kind: type[S], tables: Mapping[str, object], where: str, at: str) -> dict[str, S]:
    """Each table as a `kind`. A problem that several tables share is reported once, with their names."""
    found: dict[str, S] = {}
    problems: dict[str, list[str]] = {}
    for name, table in tables.items():
        try:
            found[name] = kind.model_validate(table)
        except ValidationError as error:
            for sentence in _sentences(kind, error, ""):
                problems.setdefault(sentence, []).append(name)
    if problems:
        raise SpecError("\n".join(f"{where}: {at} {_few(names)}: {line}" for line, names in problems.items()))
    return found


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _sentences(kind: type[Spec], error: ValidationError, prefix: str) -> Iterable[str]:
    """One sentence per problem. A misspelt key usually is the reason why another is missing: it goes first, alone."""
    problems = error.errors()
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    return [_sentence(kind, problem, prefix) for problem in unknown or problems]


def _sentence(kind: type[Spec], problem: Any, prefix: str) -> str:
    path = tuple(part for part in problem["loc"] if part != "[key]")
    key = (prefix + ".".join(map(str, path))).rstrip(".")
    if problem["type"] == "extra_forbidden":
        known = _known_keys(kind, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        return f"no key {key!r}; {hint}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    given = problem.get("input")
    shown = f", got {given!r:.80}" if isinstance(given, str | int | float) and str(given) not in message else ""
    separator = " " if message.startswith("should") else ": "
    return f"{key}{separator}{message}{shown}"


def _known_keys(kind: type[Spec], path: tuple[Any, ...]) -> list[str]:
    """The keys that the table at `path` may have."""
    schema = kind.model_json_schema()
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part, definitions)]
    return [key for node in nodes for leaf in _resolved(node, definitions) for key in leaf.get("properties", {})]


def _children(node: dict[str, Any], part: Any, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for leaf in _resolved(node, definitions):
        if part in leaf.get("properties", {}):
            found.append(leaf["properties"][part])
        elif isinstance(leaf.get("additionalProperties"), dict):
            found.append(leaf["additionalProperties"])
    return found


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """The node itself, or what its references and unions stand for."""
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    options = node.get("anyOf") or node.get("oneOf")
    if options:
        return [leaf for option in options for leaf in _resolved(option, definitions)]
    return [node]
