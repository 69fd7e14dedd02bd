from __future__ import annotations

import invented
from invented import condition

from harness.report.paper.panels import panel_numbers, shares


def test_each_condition_is_the_first_suites_that_has_it() -> None:
    seven = invented.results((condition("none"), condition("pixel", "pixel")), seeds=7)
    five = invented.results(
        (condition("none"), condition("pixel", "pixel"), condition("neural", "threshold", alpha=1)), seeds=5
    )
    labels = {"none": "unregularized", "pixel": "S", "neural": "neural", "absent": "?"}
    both = shares({"seven": seven, "five": five}, labels)
    assert [(found, list(own)) for found, own in both] == [(seven, ["none", "pixel"]), (five, ["neural"])]
    assert [list(own) for _, own in shares({"five": five}, labels)] == [["none", "pixel", "neural"]]
    counts = {name: set(panel_numbers(found, ("gaussian",), own)["n"]) for found, own in both for name in own}
    assert counts == {"none": {7}, "pixel": {7}, "neural": {5}}
