"""The data of a run: verified before its jobs read them, and not altered while they do. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.data.catalogue import split_file
from harness.data.similarities import verify_similarity
from harness.data.splits import verify
from harness.data.weights import weights_file
from harness.errors import DataDamaged, DataMissing, UnknownName
from harness.spec.inputs import Input


class _Stamp(NamedTuple):
    """What changes when a file of images is replaced or written to."""

    sha256: str
    device: int
    inode: int
    size: int
    written_ns: int


class VerifiedData:
    """What jobs read of a data folder, each input verified once."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._verified: set[Input] = set()
        self._stamps: dict[Input, _Stamp] = {}

    def unverified(self, inputs: Iterable[Input]) -> set[Input]:
        """Those that were not verified yet."""
        return set(inputs) - self._verified

    def verify(self, inputs: Iterable[Input]) -> None:
        """Read every byte of these inputs and compare it with what was noted; raises DataDamaged."""
        whole_sets, stamps, wanted = set(), {}, sorted(inputs)
        for each in wanted:
            match each.kind:  # code and files were read whole
                case "images":
                    whole_sets.add(each.name)
                    stamps[each] = self._stamp(each)
                case "recorded":
                    verify_similarity(self._data_dir, each.name)
                case "weights":
                    weights_file(self._data_dir, each.name)
        for name in sorted(whole_sets):
            verify(self._data_dir, name)
        self._stamps |= stamps
        self._verified.update(wanted)

    def require_unaltered(self, data: Mapping[str, str]) -> None:
        """Raises DataDamaged or DataMissing unless the images that a job has read are those that were verified.

        data: the SHA-256 of each input, as jobs carry it. Whatever else is opened is compared then; images are
        memory-mapped, and what is written into their files meanwhile is what is read.
        """
        touched = []
        for each in map(Input.parsed, data):
            if each not in self._stamps:
                continue
            stamp = self._stamp(each)
            if stamp.sha256 != data[str(each)]:
                raise DataDamaged(f"{each.name} was replaced in {self._data_dir} meanwhile; run the same command again")
            if stamp != self._stamps[each]:
                touched.append(each)
        self.verify(touched)

    def _stamp(self, images: Input) -> _Stamp:
        try:
            _, entry, path = split_file(self._data_dir, *images)
        except UnknownName as error:  # a set of one's own is known by its folder
            raise DataMissing(str(error)) from None
        found = path.stat()
        return _Stamp(entry.sha256, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
