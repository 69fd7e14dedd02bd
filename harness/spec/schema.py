"""The JSON Schema of a suite's file, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.spec.spec import Spec, Table, part_of
from harness.spec.suite_file import KINDS, CollectionFile, SuiteFile

LEFT_OUT = {"enum": [False], "description": "Left out of what this suite takes over from another."}


def suite_schema() -> dict[str, Any]:
    """Draft 2020-12; every key with its docstring, and nothing required that another table or file may say.

    A collection's only key of its own is among a suite's.
    """
    schema = SuiteFile.model_json_schema() | {"required": ["title"]}
    schema["properties"]["suites"] = CollectionFile.model_json_schema()["properties"]["suites"]
    for table_name, specs in KINDS.values():
        instead = [LEFT_OUT] if table_name == "evaluations" else []
        by_kind = _by_kind(schema["$defs"], table_name, specs, instead)
        for table in (schema, schema["$defs"]["ProfileOverlay"]):
            table["properties"][table_name] = by_kind
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _by_kind(
    definitions: dict[str, Any], table_name: str, specs: Mapping[str, type[Spec]], instead: list[Table]
) -> dict[str, Any]:
    """The schema of a table of specs by name, each of one of these kinds; their parts are put into `definitions`.

    instead: what else an entry may be.
    """
    references = {}
    for kind, spec in specs.items():
        name = f"{table_name}.{kind}"
        definitions[name] = part_of(spec).model_json_schema()
        references[kind] = {"$ref": f"#/$defs/{name}"}
    return {
        "type": "object",
        "description": "By name; `kind` is the name itself if absent.",
        "properties": {kind: {"anyOf": [reference, *instead]} for kind, reference in references.items()},
        "additionalProperties": {"anyOf": [*references.values(), *instead]},
    }
