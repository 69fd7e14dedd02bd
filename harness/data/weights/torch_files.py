"""Files of weights that others made with torch.save or safetensors, read without trusting them."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ImportRefused

if TYPE_CHECKING:
    from torch import Tensor

HEAD = 512  # bytes that tell a web page from weights
HARMLESS = ("numpy.", "argparse.")
"""What training programs leave beside the tensors."""
KEEP_TENSORS = (
    "import sys, torch; d = torch.load(sys.argv[1], weights_only=False); d = d.get('state_dict', d); "
    "torch.save({k: v for k, v in d.items() if torch.is_tensor(v)}, 'tensors.pt')"
)

# What torch's restricted unpickler raises for files that are no checkpoints (tried with thousands of altered ones).
_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    AssertionError,
    TypeError,
    AttributeError,
    MemoryError,
)


def read_tensors(path: Path, called: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file, by name: those of its "state_dict" if it has one, as robustbench reads it.

    called: what errors call the file, its path if absent. Nothing in the file is executed.

    Raises:
        ImportRefused: it is empty, a web page, cut short, altered, holds code or other things, or numbers that are
            not finite.
    """
    called = called or str(path)
    _refuse_other_files(path, called)
    found = _loaded(path, called)
    tensors = found.get("state_dict", found) if isinstance(found, Mapping) else found
    return _checked(tensors, called)


def read_safetensors(path: Path, called: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name; it can hold nothing else.

    Raises:
        ImportRefused: it is none, cut short, or holds numbers that are not finite.
    """
    import safetensors.torch

    try:
        return _checked(safetensors.torch.load_file(path), called)
    except (safetensors.SafetensorError, OSError) as error:
        raise ImportRefused(f"{called} is no safetensors file or is damaged: {error}") from error


def _refuse_other_files(path: Path, called: str) -> None:
    """Look at the file as a whole, before anything is unpickled."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise ImportRefused(f"{called} is empty")
    if head.lstrip().startswith(b"<"):
        raise ImportRefused(
            f"{called} is a web page, not weights (Google Drive sends one when too many people asked for a file); "
            "download it with a browser, or later, and import that"
        )
    if head.startswith(b"PK\x03\x04"):  # what torch.save writes since 1.6; the older form has no checksums
        _check_archive(path, called)


def _check_archive(path: Path, called: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ImportRefused(f"{called} is a compressed zip, not weights as torch.save writes them")
            altered = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise ImportRefused(f"{called} is cut short or damaged: {error}") from error
    if altered:
        raise ImportRefused(f"{called} is damaged: {altered} in it has another checksum than the one noted")


def _loaded(path: Path, called: str) -> Any:
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        if wanted is None:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ImportRefused(
                f"{called} is not a file of weights or is damaged: torch says {reason[-1]!r}"
            ) from error
        if not wanted[1].startswith(HARMLESS):
            raise ImportRefused(
                f"{called} would use {wanted[1]} when it is read; nothing in it was run. Of a whole network save the "
                "weights alone: torch.save(network.state_dict(), FILE)"
            ) from error
        raise ImportRefused(
            f"{called} holds {wanted[1]} beside its tensors, and reading that can run code, so it was not read. If you "
            f'trust where it is from, import tensors.pt, which this makes of it: python -c "{KEEP_TENSORS}" FILE'
        ) from error


def _checked(tensors: Any, called: str) -> dict[str, Tensor]:
    import torch

    if not isinstance(tensors, Mapping) or not tensors:
        raise ImportRefused(f"{called} holds no named tensors, only a {type(tensors).__name__}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            inside = f"; save the tensors in it alone: torch.save(loaded[{name!r}], FILE)"
            raise ImportRefused(
                f"{called}: {name!r} is of type {type(tensor).__name__}, not a tensor"
                + (inside if isinstance(tensor, Mapping) else "")
            )
        try:
            finite = bool(tensor.isfinite().all())
        except RuntimeError:  # quantized, sparse, without numbers
            raise ImportRefused(
                f"{called}: {name!r} is {tensor.dtype} in the layout {tensor.layout}, no plain tensor; save it as one, "
                "for instance of float32"
            ) from None
        if not finite:
            raise ImportRefused(f"{called}: {name!r} has numbers that are not finite")
    return dict(tensors)
