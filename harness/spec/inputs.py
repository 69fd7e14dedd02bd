"""What jobs read, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Self, get_args

Recorded = Literal["neural", "raw"]
RECORDED = frozenset(get_args(Recorded))
"""Targets that come from recordings."""

Kind = Literal["images", "recorded", "weights", "code", "file"]
_KINDS: Mapping[str, Kind] = {
    "neural": "recorded",
    "raw": "recorded",
    "weights": "weights",
    "code": "code",
    "file": "file",
}
"""By part."""


class Input(NamedTuple):
    """A part of what lies in the data folder, or beside one's own suites, under a name; "name/part" in results."""

    name: str
    part: str

    def __str__(self) -> str:
        return f"{self.name}/{self.part}"

    @classmethod
    def parsed(cls, text: str) -> Self:
        """The input of a "name/part"."""
        name, _, part = text.partition("/")
        return cls(name, part)

    @classmethod
    def images(cls, name: str, split: str) -> Self:
        """A split of a set of images: "cifar10/train"."""
        return cls(name, split)

    @classmethod
    def recorded(cls, name: str, target: Recorded) -> Self:
        """The similarity of recorded responses, with its images: "v1/neural"."""
        return cls(name, target)

    @classmethod
    def weights(cls, name: str) -> Self:
        """The weights of a network: "vgg19/weights"."""
        return cls(name, "weights")

    @classmethod
    def code(cls, reference: str) -> Self:
        """The file of a reference to own code: "pgd.py/code"."""
        return cls(reference.partition(":")[0], "code")

    @classmethod
    def file(cls, name: str) -> Self:
        """Another file beside one's own suites: "robust.pt/file"."""
        return cls(name, "file")

    @property
    def kind(self) -> Kind:
        """What it is; a part of another name is a split of images."""
        return _KINDS.get(self.part, "images")
