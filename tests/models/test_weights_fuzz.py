"""Whatever a weight file holds, it is tensors or one WeightsDamaged, also where its name promises what it holds."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import torch
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WeightsDamaged
from harness.models import weights

SHAPES = st.lists(st.integers(0, 1 << 62), max_size=3)


def load(folder: Path, content: bytes) -> None:
    path = folder / f"weights-{hashlib.sha256(content).hexdigest()}.safetensors"
    path.write_bytes(content)
    with contextlib.suppress(WeightsDamaged):
        weights.load(path)


@fuzz
@given(data=st.data())
def test_altered_files_under_a_right_name_are_read_or_refused(tmp_path: Path, data):
    content = bytearray(weights.save(tmp_path, "a", {"w": torch.zeros(3)}, {"identity": "x"}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    load(tmp_path, bytes(content[: data.draw(st.integers(0, len(content)))]))
    load(tmp_path, bytes(content))


@fuzz
@given(shape=SHAPES, offsets=SHAPES, kind=st.sampled_from(["F32", "U8", "F64", "X"]), metadata=st.text(max_size=9))
def test_headers_that_promise_what_is_not_there_are_refused(tmp_path: Path, shape, offsets, kind, metadata):
    header = {"w": {"dtype": kind, "shape": shape, "data_offsets": offsets}, "__metadata__": {"harness": metadata}}
    text = json.dumps(header).encode()
    load(tmp_path, len(text).to_bytes(8, "little") + text + b"\0" * 64)
