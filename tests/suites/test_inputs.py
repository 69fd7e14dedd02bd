from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from plans import plan_of

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
