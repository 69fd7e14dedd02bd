from __future__ import annotations

import shutil

import numpy as np
import pytest

from harness.data.imports.own_sets import write_own_set
from harness.data.origin import new_origin
from harness.data.writing import SplitArrays
from harness.errors import DataDamaged, DataMissing
from harness.spec import Input
from harness.suites.inputs import Inputs
from harness.suites.verified_data import VerifiedData


def test_data_that_were_replaced_meanwhile_are_not_those_of_the_plan(digits_dir):
    images, data = Input.images("digits", "test"), VerifiedData(digits_dir)
    data.verify([images])
    data.require_unaltered(Inputs(digits_dir, stand_ins=False).digests([images]))
    with pytest.raises(DataDamaged, match=r"digits was replaced in .* meanwhile; run the same command again"):
        data.require_unaltered({"digits/test": "0" * 64})


def test_what_was_verified_is_not_verified_again(digits_dir):
    train, test = (Input.images("digits", split) for split in ("train", "test"))
    data = VerifiedData(digits_dir)
    assert data.unverified([train, test]) == {train, test}
    data.verify([train])
    assert data.unverified([train, test]) == {test}


def test_a_set_of_ones_own_that_is_gone_is_missing_like_any_other(tmp_path):
    images, data = Input.images("mine", "train"), VerifiedData(tmp_path)
    arrays = SplitArrays("train", np.arange(64 * 40, dtype=np.uint8).reshape(40, 1, 8, 8), np.arange(40) % 2)
    write_own_set(
        tmp_path, "mine", [arrays], classes=["a", "b"], origin=new_origin("import", "mine"), existing="refuse"
    )
    data.verify([images])
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(DataMissing, match="no data set called 'mine'"):
        data.require_unaltered({"mine/train": "0" * 64})
