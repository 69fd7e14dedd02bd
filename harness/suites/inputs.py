"""The image splits that a suite's jobs read, as the data folder has them. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.manifest import find_manifest, split_file
from harness.data.sets import get_dataset
from harness.errors import DataMissing


@dataclass(frozen=True, kw_only=True)
class SplitState:
    """One split, there or not."""

    digest: str
    """SHA-256 of its content; empty where it is not there."""
    count: int
    """Images: those that are there, else those of the official set."""
    generated: bool = False
    """Made by this program, not the official images."""
    origin: str = ""
    """Where it came from."""
    missing: str | None = None
    """Why it is not there, and the command that brings it. A bundled set is never missing: it is made when needed."""


class Inputs:
    """The splits of a data folder, each looked at once."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._states: dict[tuple[str, str], SplitState] = {}

    def state(self, name: str, split: str) -> SplitState:
        """A split's state; raises DataDamaged where its file is not what the manifest says."""
        if (name, split) not in self._states:
            self._states[name, split] = self._look(name, split)
        return self._states[name, split]

    @property
    def seen(self) -> Mapping[tuple[str, str], SplitState]:
        """The splits that were looked at, by set and split."""
        return self._states

    def _look(self, name: str, split: str) -> SplitState:
        dataset = get_dataset(name)
        try:
            manifest, entry, _ = split_file(self.data_dir, name, split)
        except DataMissing as error:
            missing = None if dataset.bundled else str(error)
            return SplitState(digest="", count=dataset.counts.get(split, 0), missing=missing)
        origin = manifest.origin
        return SplitState(
            digest=entry.sha256,
            count=entry.shape[0],
            generated=origin.kind == "generated",
            origin=f"{origin.kind}: {origin.source}",
        )

    def digests(self, name: str, splits: Iterable[str]) -> dict[str, str]:
        """SHA-256 of each split's content by "name/split", as jobs carry it."""
        return {f"{name}/{split}": self.state(name, split).digest for split in splits}

    def missing(self, name: str, splits: Iterable[str]) -> str | None:
        """Why one of the splits is not there."""
        return next((found.missing for split in splits if (found := self.state(name, split)).missing), None)

    def too_few(self, name: str, key: str, wanted: int | None) -> str | None:
        """Why the training split does not hold `wanted` images."""
        state = self.state(name, "train")
        if wanted is None or not state.digest or wanted <= state.count:
            return None
        return f"{key} is {wanted}, but {name} here has {state.count} training images; {get_dataset(name).bring}"

    def splits(self, name: str) -> tuple[str, ...]:
        """The splits that a set has here, else those of the official set."""
        manifest = find_manifest(self.data_dir, name)
        return tuple(manifest.splits) if manifest else get_dataset(name).splits
