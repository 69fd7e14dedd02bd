from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.data.order import fair_order, fair_positions


@given(st.lists(st.text(), unique=True), st.randoms())
def test_the_order_does_not_depend_on_the_order_given(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fair_order(shuffled) == fair_order(names)
    assert sorted(fair_order(names)) == sorted(names)


@given(st.lists(st.text(), unique=True, min_size=1))
def test_an_image_less_does_not_move_the_others(names: list[str]) -> None:
    assert fair_order(names[1:]) == [name for name in fair_order(names) if name != names[0]]


def test_the_order_is_the_same_everywhere_and_forever() -> None:
    assert fair_order("abcdef") == [
        "d",
        "f",
        "c",
        "b",
        "e",
        "a",
    ]  # of their SHA-256: 18ac, 252f, 2e7d, 3e23, 3f79, ca97


def test_the_first_images_are_a_fair_sample_of_the_classes() -> None:
    names = [f"train/{label}/{index:04}.png" for label in range(10) for index in range(500)]
    first = [name.split("/")[1] for name in fair_order(names)[:1000]]
    assert all(70 <= first.count(str(label)) <= 130 for label in range(10))  # 100 expected, deviation 8.5


def test_positions_stand_in_the_order_of_their_numbers() -> None:
    assert [str(position) for position in fair_positions(30)] == fair_order(map(str, range(30)))
