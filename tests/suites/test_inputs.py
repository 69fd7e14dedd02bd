from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from plans import plan_of

from harness.data.origin import new_origin
from harness.data.sets import DATASETS
from harness.data.writing import SplitArrays, write_set
from harness.spec import PROFILES, Input, takes_stand_ins
from harness.suites.inputs import Inputs


@pytest.fixture
def stand_in(digits_dir: Path, tmp_path: Path) -> Path:
    """A data folder whose digits say that they are a stand-in."""
    shutil.copytree(digits_dir / "digits", tmp_path / "data" / "digits")
    manifest = tmp_path / "data" / "digits" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"bundled"', '"stand-in"'))
    return tmp_path / "data"


def test_smoke_alone_takes_stand_ins():
    assert list(filter(takes_stand_ins, PROFILES)) == ["smoke"]


def test_a_stand_in_that_is_taken_says_what_it_is(stand_in):
    state = Inputs(stand_in, stand_ins=True).state(Input("digits", "train"))
    assert (state.missing, state.generated) == (None, True)
    assert state.origin.startswith("stand-in: ")


def test_elsewhere_a_stand_in_is_data_that_are_not_there(stand_in):
    state = Inputs(stand_in, stand_ins=False).state(Input("digits", "train"))
    assert (state.digest, state.count) == ("", 1437)
    assert state.missing == (
        f"data set digits in {stand_in} is a stand-in, which only the profile smoke takes; "
        "bring the real one with: harness data prepare digits --replace"
    )


def test_jobs_that_would_read_a_stand_in_are_blocked_and_not_the_same_as_those_that_did(parse, stand_in):
    done, refused = (plan_of(Inputs(stand_in, stand_ins=taken), parse()).jobs for taken in (True, False))
    assert not any(planned.blocked for planned in done)
    assert all("is a stand-in" in (planned.blocked or "") for planned in refused)
    assert {planned.key for planned in done}.isdisjoint(planned.key for planned in refused)


def test_the_order_of_an_archives_files_is_no_part_of_a_results_identity(tmp_path):
    images, labels = np.zeros((5, 3, 32, 32), np.uint8), np.arange(5)
    arrays = [SplitArrays(split, images, labels) for split in ("fog", "snow", "contrast")]
    for folder, order in (("tar", arrays), ("folder", arrays[::-1])):
        cifar10_c = DATASETS["cifar10-c"]
        write_set(tmp_path / folder, cifar10_c, order, classes=list("0123456789"), origin=new_origin("import", folder))
        assert Inputs(tmp_path / folder, stand_ins=False).splits("cifar10-c") == ("snow", "fog", "contrast")


def test_of_a_set_that_is_gone_results_know_the_part_that_was_there(tmp_path):
    digests = {Input.images("cifar10-c", split): "0" * 64 for split in ("fog", "contrast")}
    gone = Inputs(tmp_path, stand_ins=False, recall=digests.get)
    assert set(gone.splits("cifar10-c")) == {"fog", "contrast"}
    assert gone.state(Input.images("cifar10-c", "fog")).digest == "0" * 64
    assert "cifar10-c is not in" in (gone.missing(digests) or "")
    assert Inputs(tmp_path, stand_ins=False).splits("cifar10-c") == DATASETS["cifar10-c"].splits
