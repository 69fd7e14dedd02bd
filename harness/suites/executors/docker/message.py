"""How a job goes into a container, and its values come back: JSON, with arrays as safetensors. Nothing is a pickle.

Code in a container is not trusted. What it says is parsed into the types below and nothing else; names that become
files are those of files alone, texts are plain and short, numbers are finite. It can lie about its own results, and
about nothing else.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from harness.measurement import EvaluationResult, ImageResult, Measurement, Progress, TrainingResult
from harness.provenance import Provenance
from harness.suites.executors.executor import Failed, Finished, OwnCause, Progressed, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORM = "2"
"""Of what runner and container say to one another; an image with another one says that it is of another version."""
MOST_BYTES = 1 << 30  # of one message: the arrays of the largest suite are a tenth of it
MOST_CHARACTERS = 2000
_WORK: TypeAdapter[Work] = TypeAdapter(Work)
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


class Refused(Exception):
    """A message that is none, or that says what no job says."""


def work_message(work: Work) -> str:
    """A work as one line."""
    return _WORK.dump_json(work).decode()


def work_of(message: str) -> Work:
    """The work of a line that the runner wrote; raises ValueError if this version does not know such works."""
    return _WORK.validate_json(message)


def said_message(event: Progressed | Finished | Failed) -> str:
    """What a worker says, as one line."""
    match event:
        case Progressed():
            content: dict[str, Any] = {"progress": asdict(event.progress)}
        case Failed():
            content = {"failure": event.reason, "cause": event.cause}
        case Finished():
            content = {"value": _value(event), "environment": event.made_with.environment}
    return json.dumps(content, allow_nan=False)


def event_of(message: bytes, key: str, image: str) -> Progressed | Finished | Failed:
    """What the container of the image that does the job `key` says in a line; raises Refused."""
    try:
        json.loads(message, parse_float=_finite, parse_constant=_finite, parse_int=_small)
        said = _Said.model_validate_json(message)
        if said.progress:
            return Progressed(key, replace(said.progress, text=_plain(said.progress.text)))
        if said.value and said.environment:
            packages = {**said.environment.packages, "container-image": image}
            made_with = Provenance(**dict(said.environment) | {"packages": packages}, command="")
            return Finished(key, said.value.result, made_with, said.value.seconds)
    except (ValueError, RecursionError) as error:  # pydantic's own are ValueErrors
        raise Refused(str(error).splitlines()[0]) from error
    if said.failure is None:
        raise Refused("an empty message")
    return Failed(key, _plain(said.failure), said.cause)


def _plain(text: str) -> str:
    """Text that cannot move a terminal's cursor, and ends."""
    return "".join(char if char.isprintable() else " " for char in text[:MOST_CHARACTERS])


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number to store")
    return number


def _small(text: str) -> int:
    number = int(text)
    if number.bit_length() > 63:
        raise ValueError("a number beyond 64 bits")
    return number


def _file_name(name: str) -> str:
    if not _FILE.fullmatch(name):
        raise ValueError("no name of a file")
    return name


_Text = Annotated[str, Field(max_length=MOST_CHARACTERS), AfterValidator(_plain)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Environment(_Strict):
    """The container's own installation, and what it computed on."""

    git_commit: _Text | None
    git_dirty: bool | None
    python: _Text
    platform: _Text
    packages: dict[_Text, _Text]
    device: _Text
    driver: _Text | None
    threads: Annotated[int, Field(ge=1)]


class _Evaluation(_Strict):
    """An EvaluationResult; its arrays are base64 of a safetensors file."""

    measurements: tuple[Measurement, ...]
    images: tuple[ImageResult, ...]
    images_classified: Annotated[int, Field(ge=0)]
    warning: _Text | None
    arrays: str

    @property
    def result(self) -> EvaluationResult:
        return EvaluationResult(
            measurements=tuple(replace(each, reason=_optional(each.reason)) for each in self.measurements),
            images=self.images,
            arrays=_arrays_of(self.arrays),
            images_classified=self.images_classified,
            warning=self.warning,
        )


class _Value(_Strict):
    """A Finished. Both kinds of result are absent for a data set that was made."""

    training: TrainingResult | None = None
    evaluation: _Evaluation | None = None
    seconds: Annotated[float, Field(ge=0)]

    @property
    def result(self) -> TrainingResult | EvaluationResult | None:
        if self.evaluation:
            return self.evaluation.result
        if self.training is None:
            return None
        weights = self.training.weights
        return replace(
            self.training,
            reason=_optional(self.training.reason),
            weights=None if weights is None else _file_name(weights),
        )


class _Said(_Strict):
    """One line: exactly one of progress, failure with its cause, and value with environment."""

    progress: Progress | None = None
    failure: str | None = None
    cause: OwnCause = "refused"
    value: _Value | None = None
    environment: _Environment | None = None


def _optional(text: str | None) -> str | None:
    return None if text is None else _plain(text)


def _value(event: Finished) -> dict[str, Any]:
    content: dict[str, Any] = {"seconds": event.seconds}
    match event.result:
        case TrainingResult():
            content["training"] = asdict(event.result)
        case EvaluationResult():
            fields = asdict(replace(event.result, arrays={}))
            content["evaluation"] = fields | {"arrays": _arrays_message(event.result.arrays)}
    return content


def _arrays_message(arrays: Mapping[str, NDArray[Any]]) -> str:
    from safetensors.numpy import save

    return base64.b64encode(save(dict(arrays))).decode() if arrays else ""


def _arrays_of(message: str) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load

    from harness.data.imports.foreign_arrays import NOT_TENSORS

    if not message:
        return {}
    try:
        arrays = load(base64.b64decode(message, validate=True))
    except NOT_TENSORS as error:
        raise ValueError(f"arrays that are none: {error}") from None
    return {_file_name(name): array for name, array in arrays.items()}
