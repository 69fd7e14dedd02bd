"""Seeds, as suites and commands write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MOST_SEEDS = 10_000


def seeds_of(written: object) -> tuple[int, ...]:
    """Seeds from "0-6", "0,2,5-7" or a list of numbers; sorted, each once. Raises ValueError."""
    if isinstance(written, int):
        raise ValueError(f"one number may be a seed or how many there are: write [{written}] or a range, got {written}")
    parts = written if isinstance(written, list | tuple) else str(written).split(",")
    found: set[int] = set()
    for part in parts:
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", str(part))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"seeds are written like 0-6 or 0,2,5-7, got {written!r:.80}")
        if last - first >= MOST_SEEDS:
            raise ValueError(f"at most {MOST_SEEDS} seeds are possible, got {written!r:.80}")
        found.update(range(first, last + 1))
    if not found:
        raise ValueError("at least one seed is needed")
    return tuple(sorted(found))


def seeds_text(seeds: Iterable[int]) -> str:
    """Seeds as users write them: "0,2,5-7"; empty for none."""
    parts: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return ",".join("-".join(map(str, part)) for part in parts)


Seeds = Annotated[
    tuple[int, ...],
    BeforeValidator(seeds_of),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}),
]
