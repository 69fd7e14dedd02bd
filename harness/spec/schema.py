"""The JSON Schema of a suite's file, for editors."""

from __future__ import annotations

from typing import Any

from harness.spec.evaluation import EVALUATION_SPECS
from harness.spec.model import part_of
from harness.spec.suite import SuiteFile


def suite_schema() -> dict[str, Any]:
    """Draft 2020-12; every key with its docstring, and nothing required that another table may say."""
    schema = SuiteFile.model_json_schema()
    kinds = {kind: f"{kind}Evaluation" for kind in EVALUATION_SPECS}
    for kind, name in kinds.items():
        schema["$defs"][name] = part_of(EVALUATION_SPECS[kind]).model_json_schema()
    references = {kind: {"$ref": f"#/$defs/{name}"} for kind, name in kinds.items()}
    evaluations = {
        "type": "object",
        "description": "By name; `kind` is the name itself if absent.",
        "properties": references,
        "additionalProperties": {"anyOf": list(references.values())},
    }
    for table in (schema, schema["$defs"]["ProfileOverlay"]):
        table["properties"]["evaluations"] = evaluations
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
