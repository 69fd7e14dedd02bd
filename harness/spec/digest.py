"""The identity of a spec: same meaning, same digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel


def digest(*parts: BaseModel | Mapping[str, object] | str | int) -> str:
    """First 16 hex digits of SHA-256 over canonical JSON.

    The order of keys does not matter, nor whether a default is written out: specs are dumped without what has its
    default value. So a field that a later version adds leaves the identity of all results as it was; a default that
    changes its meaning raises the algorithm's version. Names of suites and conditions are in no spec.
    """
    dumped = [
        part.model_dump(mode="json", exclude_defaults=True) if isinstance(part, BaseModel) else part for part in parts
    ]
    text = json.dumps(dumped, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
