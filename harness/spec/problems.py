"""What is wrong with a table that should be a spec, in sentences that say where and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.errors import SpecError
from harness.spec.spec import Spec

S = TypeVar("S", bound=Spec)

_IN_TOML = dict.fromkeys(("dict_type", "model_type"), "should be a table") | {"tuple_type": "should be a list"}
"""What a file should have, where pydantic says it in Python's words."""


def validated(kind: type[S], value: object, where: str, at: str = "") -> S:
    """`value` as a `kind`; a SpecError that names the file (`where`), the table (`at`) and the key if it is not one."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        prefix = f"{at}." if at else ""
        raise SpecError("\n".join(f"{where}: {line}" for line in _sentences(kind, error, prefix))) from None


def validated_conditions(kind: type[S], tables: Mapping[str, object], where: str) -> dict[str, S]:
    """Each condition's table as a `kind`. A problem that several share is reported once, with their names."""
    found: dict[str, S] = {}
    problems: dict[str, list[str]] = {}
    for name, table in tables.items():
        try:
            found[name] = kind.model_validate(table)
        except ValidationError as error:
            for sentence in _sentences(kind, error, ""):
                problems.setdefault(sentence, []).append(name)
    if problems:
        raise SpecError("\n".join(f"{where}: conditions {_few(names)}: {line}" for line, names in problems.items()))
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
        *table, wrong = path
        known = _known_keys(kind, table)
        inside = [f"{each}.{wrong}" for each in known if wrong in _known_keys(kind, [*table, each])]
        near = inside or difflib.get_close_matches(str(wrong), known, n=1)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(sorted(known))}"
        return f"no key {key!r}; {hint}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = _IN_TOML.get(problem["type"], problem["msg"])
    message = message.removeprefix("Value error, ").replace("Input should", "should", 1)
    given = problem["input"]
    shown = "" if isinstance(given, dict) or ", got " in message else f", got {given!r:.80}"
    separator = " " if message.startswith("should") else ": "
    return f"{key}{separator if key else ''}{message}{shown}"


def _known_keys(kind: type[Spec], path: Iterable[Any]) -> list[str]:
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
