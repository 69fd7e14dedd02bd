"""Weights on disk: safetensors files whose names carry their content's SHA-256.

safetensors has no checksum of its own: a flipped bit would load silently. Here a file is either whole and exactly what
was written, or refused; and one that is being written when the machine stops leaves nothing behind but a `.tmp`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from harness.errors import WeightsDamaged
from harness.files import write_whole

_METADATA = "harness"  # one key only: safetensors writes several in no fixed order, which would change the digest


def save(folder: Path, stem: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> Path:
    """The new file `folder`/`stem`-SHA256.safetensors, on the disk for good when this returns.

    metadata: anything that JSON can say. The digest is a function of tensors and metadata only.

    Raises:
        HarnessError: the disk is full or the folder cannot be written; nothing half-written stays.
    """
    ordinary = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(ordinary, {_METADATA: json.dumps(metadata, sort_keys=True, allow_nan=False)})
    path = folder / f"{stem}-{hashlib.sha256(content).hexdigest()}.safetensors"
    write_whole(path, content)
    return path


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and metadata of a file that `save` wrote.

    Raises:
        WeightsDamaged: the file is missing, or its content is not what its name promises.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsDamaged(f"{path} cannot be read: {error.strerror}; train the model again") from error
    if hashlib.sha256(content).hexdigest() != promised_sha256(path):
        raise WeightsDamaged(
            f"{path} is truncated or altered: its SHA-256 is not the one in its name; train the model again"
        )
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return safetensors.torch.load(content), json.loads(header["__metadata__"][_METADATA])
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsDamaged(f"{path} was not written by this program: {error!r:.80}; train the model again") from None


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def promised_sha256(path: Path) -> str:
    """The SHA-256 that a weight file's name promises."""
    return path.stem.rpartition("-")[2]
