from __future__ import annotations

import pytest

from harness.errors import DataDamaged
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
