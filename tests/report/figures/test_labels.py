from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report.figures.labels import Box, placed

FRAME = Box(0, 0, 600, 500)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(100, 500), st.floats(100, 400)), min_size=1, max_size=12))
def test_labels_cover_neither_each_other_nor_the_frame(points: list[tuple[float, float]]) -> None:
    boxes = placed(points, [(60.0, 14.0)] * len(points), FRAME, [[]] * len(points), radius=6)
    assert all(one.overlap(other) < 0.01 for one, other in itertools.combinations(boxes, 2))
    assert all(abs(box.overlap(FRAME) - 60 * 14) < 0.01 for box in boxes)


def test_a_lonely_label_is_right_beside_its_point() -> None:
    [box] = placed([(300, 250)], [(60, 14)], FRAME, [[]], radius=6)
    assert 306 <= box.left <= 309
    assert abs(box.bottom + 7 - 250) < 7


def test_labels_keep_off_obstacles() -> None:
    line = Box(310, 0, 4, 500)
    [box] = placed([(300, 250)], [(60, 14)], FRAME, [[line]], radius=6)
    assert box.overlap(line) == 0


def test_a_label_rather_covers_an_obstacle_than_leaves_the_frame() -> None:
    [box] = placed([(20, 250)], [(60, 14)], FRAME, [[Box(30, 0, 570, 500)]], radius=6)
    assert box.overlap(FRAME) == 60 * 14


def test_overlap_is_an_area() -> None:
    assert Box(0, 0, 4, 4).overlap(Box(2, 1, 4, 1)) == 2
    assert Box(0, 0, 1, 1).overlap(Box(1, 1, 1, 1)) == 0
