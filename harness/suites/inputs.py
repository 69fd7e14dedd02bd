"""What a suite's jobs read, as the data folder has it. Free of torch.

To a profile that takes no stand-ins, these are data that are not there. So jobs that would read them are blocked, and
never are the same as those that did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.data.catalogue import get_dataset, split_file
from harness.data.manifest import find_manifest
from harness.data.origin import Made, Origin, origin_text
from harness.data.sets import DataSet
from harness.data.similarities import bring_another, get_similarity_manifest
from harness.data.weights import get_weights, get_weights_manifest
from harness.errors import DataDamaged, DataMissing, SpecError, UnknownName
from harness.files import file_sha256
from harness.own_code import OwnCode, sha256_of
from harness.spec.inputs import Input, Recorded
from harness.spec.own import Call
from harness.suites.own_source import names_in, own_folder, read_code, signature_in


@dataclass(frozen=True, kw_only=True)
class InputState:
    """One input, there or not."""

    digest: str
    """SHA-256 of its content; where it is not there, of what results were made of, else empty."""
    count: int
    """Images: those that are there, else those of the official set."""
    generated: bool = False
    """Made by this program, not the official images; stand-ins too."""
    origin: str = ""
    """Where it came from, as `harness.data.origin` writes it."""
    missing: str | None = None
    """Why it is not there, and the command that brings it. A bundled set is never missing: it is made when needed."""


Recall = Callable[[Input], str | None]
"""The SHA-256 of an input that results were made of, None if there are none."""


class Inputs:
    """The inputs in a data folder, and own code beside one's own suites; each looked at once."""

    def __init__(
        self, data_dir: Path, code_dir: Path | None = None, *, stand_ins: bool, recall: Recall = lambda _: None
    ) -> None:
        """What the data folder has.

        stand_ins: whether they are data like others. recall: is asked for what is not there, so that what was done
        with it stays done.
        """
        self.data_dir = data_dir
        self._code_dir = code_dir
        self._recall = recall
        self._code: dict[str, str] = {}
        self._stand_ins = stand_ins
        self._states: dict[Input, InputState] = {}
        self._datasets: dict[str, DataSet] = {}

    def state(self, wanted: Input) -> InputState:
        """An input's state; raises DataDamaged where its file is not what the manifest says."""
        if wanted not in self._states:
            self._states[wanted] = self._look(wanted)
        return self._states[wanted]

    @property
    def seen(self) -> Mapping[Input, InputState]:
        """The inputs that were looked at."""
        return self._states

    def digests(self, inputs: Iterable[Input]) -> dict[str, str]:
        """SHA-256 of each input's content, as jobs carry it."""
        return {str(each): self.state(each).digest for each in inputs}

    def missing(self, inputs: Iterable[Input]) -> str | None:
        """Why one of the inputs is not there."""
        return next((found.missing for each in inputs if (found := self.state(each)).missing), None)

    def too_few(self, images: Input, key: str, wanted: int | None) -> str | None:
        """Why an input does not hold `wanted` images, and what puts it right."""
        state = self.state(images)
        if wanted is None or not state.digest or wanted <= state.count:
            return None
        held, remedy = f"{state.count} training images", f"set it to at most {state.count}"
        if images.kind == "recorded":
            held = f"the similarity of {state.count} images"
            remedy += f", or bring more with: {bring_another(images.name, wanted)}"
        elif wanted <= (dataset := self.dataset(images.name)).counts["train"]:  # of these only a part is here
            remedy += f", or bring more with: {dataset.bring} --replace"
        return f"{key} is {wanted}, but {images.name} here has {held}; {remedy}"

    def splits(self, name: str) -> tuple[str, ...]:
        """The splits that a set of images has here, else those that results were made of, else the official set's.

        In the official set's order: that of an archive's files is not to be part of a result's identity.
        """
        dataset = self.dataset(name)
        if manifest := find_manifest(self.data_dir, dataset):
            known = [split for split in dataset.splits if split in manifest.splits]
        else:
            known = [split for split in dataset.splits if self.state(Input.images(name, split)).digest]
        return tuple(known) or dataset.splits

    def dataset(self, name: str) -> DataSet:
        """The set of images of that name, of the table or of one's own; raises UnknownName."""
        if name not in self._datasets:
            self._datasets[name] = get_dataset(self.data_dir, name)
        return self._datasets[name]

    def require_callable(self, calls: Iterable[Call]) -> None:
        """Raises SpecError where own code does not define what it is asked for, or cannot be called like that."""
        for call in calls:
            file, _, name = call.function.partition(":")
            self.state(Input.code(call.function))
            known = names_in(self._code[file])
            if name not in known:
                raise UnknownName(f"function in {file}", name, known)
            try:
                if twice := sorted({each for each in call.named if call.named.count(each) > 1}):
                    raise TypeError(f"{', '.join(twice)} is given in any case, and is no option")
                if signature := signature_in(self._code[file], name):
                    signature.bind(*call.arguments, **dict.fromkeys(call.named))
            except TypeError as error:
                raise SpecError(f"{file}: {call.told} cannot be called: {error}") from None

    def code(self, inputs: Iterable[Input]) -> OwnCode:
        """The own code among these inputs."""
        files = {each.name for each in inputs if each.kind == "code"}
        return OwnCode(tuple((file, self._code[file]) for file in sorted(files)))

    def own_path(self, name: str) -> Path:
        """Where a file beside one's own suites is looked for; raises SpecError if there is no such folder."""
        return own_folder(self._code_dir, name) / name

    def own_file(self, name: str) -> Path:
        """A file beside one's own suites; raises SpecError if it is not there."""
        path = self.own_path(name)
        if not path.is_file():
            raise SpecError(f"there is no file {path}; a checkpoint's weights lie beside its suite")
        return path

    def require_same(self, digests: Mapping[str, str]) -> None:
        """Raises DataDamaged where an input of the data folder is another than a job was planned with."""
        for text, digest in digests.items():
            read = Input.parsed(text)
            if read.kind not in {"code", "file"} and self.state(read).digest != digest:
                raise DataDamaged(
                    f"{read.name} in {self.data_dir} was replaced since this run began; run the command again"
                )

    def _look(self, wanted: Input) -> InputState:
        match wanted.kind:
            case "images":
                return self._look_at_images(*wanted)
            case "recorded":
                return self._look_at_similarity(wanted.name, cast(Recorded, wanted.part))
            case "weights":
                return self._look_at_weights(wanted.name)
            case "code":
                return self._look_at_code(wanted.name)
            case "file":
                return InputState(digest=file_sha256(self.own_file(wanted.name)), count=0, origin="own file")

    def _look_at_images(self, name: str, split: str) -> InputState:
        dataset = self.dataset(name)
        official = dataset.counts.get(split, 0)
        try:
            manifest, entry, _ = split_file(self.data_dir, name, split)
        except DataMissing as error:
            if dataset.bundled:
                return InputState(digest="", count=official)
            return self._absent(Input.images(name, split), str(error), official)
        if manifest.origin.stand_in and not self._stand_ins:
            return self._refused(f"data set {name}", f"{dataset.bring} --replace", official)
        if self._is_of_other_images(dataset, manifest.origin):
            reason = f"{name} in {self.data_dir} was made of other images than {dataset.clean} now has"
            again = f"{dataset.bring} --replace"
            return InputState(digest="", count=official, missing=f"{reason}; make it again with: {again}")
        return _present(entry.sha256, manifest.origin, entry.shape[0])

    def _is_of_other_images(self, dataset: DataSet, origin: Origin) -> bool:
        """Whether a set that this program made by corrupting another one is of images that have been replaced."""
        if dataset.role != "corruption" or not origin.generated:
            return False
        clean = self.state(Input.images(dataset.clean, "test")).digest
        return clean not in {"", origin.sha256}

    def _look_at_similarity(self, name: str, kind: Recorded) -> InputState:
        try:
            manifest = get_similarity_manifest(self.data_dir, name)
        except DataMissing as error:
            return self._absent(Input.recorded(name, kind), str(error))
        if manifest.stand_in and not self._stand_ins:
            return self._refused(f"the neural similarity {name}", bring_another(name))
        made: Made = "stand-in" if manifest.stand_in else "generated" if manifest.generated else "recorded"
        return InputState(
            digest=manifest.files[kind].sha256,
            count=manifest.n,
            generated=manifest.generated,
            origin=origin_text(made, f"similarity of the recording {manifest.recording_digest[:12]}"),
        )

    def _look_at_weights(self, name: str) -> InputState:
        try:
            manifest = get_weights_manifest(self.data_dir, name)
        except DataMissing as error:
            return self._absent(Input.weights(name), str(error))
        if manifest.origin.stand_in and not self._stand_ins:
            return self._refused(f"the file of weights {name}", f"{get_weights(name).bring} --replace")
        return _present(manifest.sha256, manifest.origin)

    def _look_at_code(self, file: str) -> InputState:
        self._code[file] = read_code(self._code_dir, file)
        return InputState(digest=sha256_of(self._code[file]), count=0, origin="own code")

    def _absent(self, wanted: Input, reason: str, count: int = 0) -> InputState:
        return InputState(digest=self._recall(wanted) or "", count=count, missing=reason)

    def _refused(self, what: str, bring: str, count: int = 0) -> InputState:
        """The state of a stand-in where none is taken: not there, for a reason of its own."""
        reason = f"{what} in {self.data_dir} is a stand-in, which only the profile smoke takes"
        return InputState(digest="", count=count, missing=f"{reason}; bring the real one with: {bring}")


def _present(digest: str, origin: Origin, count: int = 0) -> InputState:
    return InputState(digest=digest, count=count, generated=origin.generated, origin=origin.text)
