"""The JSON Schema is checked with a small reader of the few words that it uses, on every suite that there is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness.spec import EVALUATION_SPECS, TrainingSpec
from harness.spec.schema import suite_schema
from harness.suites.registry import builtin_folder

SCHEMA = suite_schema()
SUITES = sorted(builtin_folder().glob("*.toml"))
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


def complaints(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """What a validator says of `value`: types, keys and choices."""
    if "$ref" in schema:
        return complaints(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]], at)
    if "anyOf" in schema:
        tried = [complaints(value, option, at) for option in schema["anyOf"]]
        return [] if [] in tried else [f"{at}: fits none of {len(tried)}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r} is not in {schema['enum']}"]
    if "type" not in schema:
        return []
    if schema["type"] == "null" or not isinstance(value, TYPES[schema["type"]]):
        return [f"{at}: {value!r} is not of type {schema['type']}"]
    if schema["type"] == "array":
        return [each for item in value for each in complaints(item, schema.get("items", {}), at)]
    return key_complaints(value, schema, at) if schema["type"] == "object" else []


def key_complaints(table: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    found = []
    for key, item in table.items():
        below = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
        if below is False:
            found.append(f"{at}.{key}: no such key")
        elif isinstance(below, dict):
            found += complaints(item, below, f"{at}.{key}")
    return found


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_our_suites_are_valid(path: Path):
    assert complaints(tomllib.loads(path.read_text()), SCHEMA) == []


def test_a_wrong_key_deep_inside_is_found():
    table = {"profiles": {"smoke": {"train": {"network": {"base_with": 4}}}}}
    assert complaints(table, SCHEMA) == [".profiles.smoke.train.network.base_with: no such key"]


def test_a_wrong_key_of_an_evaluation_is_found():
    assert complaints({"evaluations": {"boundary": {"stepz": 1}}}, SCHEMA)
    assert not complaints({"evaluations": {"mine": {"kind": "boundary", "steps": 1}}}, SCHEMA)


def test_editors_can_complete_every_key_of_a_condition_and_an_evaluation():
    condition = SCHEMA["$defs"][SCHEMA["properties"]["conditions"]["additionalProperties"]["$ref"].rsplit("/", 1)[-1]]
    own = {"grid", "external", "checkpoint", "baseline", "substitute"}
    assert set(condition["properties"]) == {*TrainingSpec.model_fields, *own}
    assert set(SCHEMA["properties"]["evaluations"]["properties"]) == set(EVALUATION_SPECS)
    network = SCHEMA["$defs"]["NetworkSpecPart"]["properties"]["base_width"]
    assert network["description"].startswith("Channels of the stem")
    assert (network["default"], network["minimum"], network["maximum"]) == (64, 1, 512)
