"""Where the labels of points go so that they cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, pi, sin
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in picture units."""

    left: float
    bottom: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.bottom + self.height, other.bottom + other.height) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)


DIRECTIONS = 16
RINGS = 12
OUTSIDE = 4
"""How many times as bad it is to leave the frame as to cover something within it."""


def placed(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    frame: Box,
    obstacles: Sequence[Sequence[Box]],
    radius: float,
) -> list[Box]:
    """A box for each point's label, near it, inside the frame, covering as little as can be.

    points, sizes: in picture units (pixels), one size (width, height) per label. radius: of the points' marks.
    obstacles: what else each label should stay off.
    Points in crowds are placed first, since they have the least choice.
    """
    marks = [Box(x - radius, y - radius, 2 * radius, 2 * radius) for x, y in points]
    found: dict[int, Box] = {}
    for index in sorted(range(len(points)), key=lambda index: (-_crowd(index, points, sizes), index)):
        taken = [*marks, *obstacles[index], *found.values()]
        boxes = sorted(_candidates(points[index], sizes[index], radius), key=lambda box: _distance(box, points[index]))
        free = next((box for box in boxes if not _covered(box, taken, frame)), None)
        found[index] = free or min(boxes, key=lambda box: _covered(box, taken, frame))
    return [found[index] for index in range(len(points))]


def _crowd(index: int, points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]]) -> int:
    (x, y), (width, height) = points[index], sizes[index]
    return sum(abs(x - other_x) < 2 * width and abs(y - other_y) < 4 * height for other_x, other_y in points)


def _candidates(point: tuple[float, float], size: tuple[float, float], radius: float) -> list[Box]:
    """Boxes around the point in all directions, ring after ring."""
    (x, y), (width, height) = point, size
    boxes = []
    for ring in range(RINGS):
        gap = 1.5 * radius + ring * 0.8 * height
        for step in range(DIRECTIONS):
            angle = 2 * pi * step / DIRECTIONS
            middle_x = x + cos(angle) * (gap + width / 2)
            middle_y = y + sin(angle) * (gap + height / 2)
            boxes.append(Box(middle_x - width / 2, middle_y - height / 2, width, height))
    return boxes


def _covered(box: Box, taken: Sequence[Box], frame: Box) -> float:
    outside = box.width * box.height - box.overlap(frame)
    return round(OUTSIDE * outside + sum(box.overlap(other) for other in taken), 3)


def _distance(box: Box, point: tuple[float, float]) -> float:
    """From the point to the box's nearest edge, so that wide labels are not sent above or below."""
    across = max(box.left - point[0], 0.0, point[0] - box.left - box.width)
    up = max(box.bottom - point[1], 0.0, point[1] - box.bottom - box.height)
    return hypot(across, up)
