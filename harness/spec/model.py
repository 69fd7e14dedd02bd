"""What all specs share: frozen, strict about keys, and errors that say where and what is allowed."""

from __future__ import annotations

import difflib
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from harness.errors import SpecError

T = TypeVar("T")


class Spec(BaseModel):
    """Base of every spec: immutable, unknown keys refused, numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    def replaced(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated again."""
        return type(self).model_validate(self.model_dump() | changes)


def validated(kind: type[T], value: object, where: str) -> T:
    """`value` as a `kind`; a SpecError that names the file and key if it is not one."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise SpecError("\n".join(f"{where}: {_sentence(kind, problem)}" for problem in error.errors())) from None


def _sentence(kind: Any, problem: Any) -> str:
    path = [part for part in problem["loc"] if part not in {"function-after", "function-before"}]
    key = ".".join(str(part) for part in path)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(kind, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        return f"no key {key!r}; {hint}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem.get("input")
    shown = f", got {given!r}" if isinstance(given, (str, int, float)) else ""
    return f"{key}: {message}{shown}" if key else f"{message}{shown}"


def _known_keys(kind: Any, path: list[Any]) -> list[str]:
    """The keys that the table at `path` may have."""
    schema: dict[str, Any] = TypeAdapter(kind).json_schema()
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
        elif leaf.get("properties", {}).get("kind") and part in _kinds(leaf):
            found.append(leaf)  # pydantic puts a union's tag into the path
    return found


def _kinds(leaf: dict[str, Any]) -> list[str]:
    kind = leaf["properties"]["kind"]
    return list(kind.get("enum", [kind.get("const")]))


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """The node itself, or what its references and unions stand for."""
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    options = node.get("anyOf") or node.get("oneOf")
    if options:
        return [leaf for option in options for leaf in _resolved(option, definitions)]
    return [node]
