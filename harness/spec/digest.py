"""The identity of a spec: same meaning, same digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pydantic import BaseModel


def digest(*parts: BaseModel | Mapping[str, object] | str | int) -> str:
    """First 16 hex digits of SHA-256 over canonical JSON.

    The order of keys and defaults that are written out do not matter: models are dumped whole. Names of suites
    and conditions are in no spec, so they cannot matter either.
    """
    dumped = [part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts]
    text = json.dumps(dumped, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
