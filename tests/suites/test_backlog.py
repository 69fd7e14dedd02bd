from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.suites.backlog import ALIKE_SHARE, Backlog


def by_definition(waiting: list[str], ready: set[str], seconds: dict, to_end: dict, workers: int) -> str | None:
    """Looks at every job."""
    longest = min((key for key in waiting if key in ready), key=lambda key: -to_end[key], default=None)
    if longest is None:
        return None
    alike = sum(to_end[key] >= ALIKE_SHARE * to_end[longest] for key in waiting)
    rounds = -(-alike // workers)
    return longest if rounds * to_end[longest] >= sum(seconds[key] for key in waiting) / workers else None


@given(st.integers(1, 40), st.integers(2, 5), st.randoms(use_true_random=False))
def test_the_urgent_job_is_the_one_of_the_definition(n: int, workers: int, chance: random.Random) -> None:
    keys = [f"job {number}" for number in range(n)]
    seconds = {key: float(chance.choice([1, 1, 2, 10, 60])) for key in keys}
    to_end = {key: seconds[key] + chance.choice([0.0, 0.0, 5.0]) for key in keys}
    backlog, waiting, ready, away = Backlog(seconds, to_end, workers), list(keys), set(), []
    for key in keys:
        backlog.add(key)
    for _ in range(4 * n):
        event = chance.choice(["ready", "begin", "return", "ask"])
        if event == "ready" and waiting:
            key = chance.choice(waiting)
            ready.add(key)
            backlog.offer(key, keys.index(key))
        elif event == "begin" and ready & set(waiting):
            key = chance.choice(sorted(ready & set(waiting)))
            waiting.remove(key)
            backlog.remove(key)
            away.append(key)
        elif event == "return" and away:
            key = away.pop()
            waiting = [each for each in keys if each in {*waiting, key}]
            backlog.add(key)
            backlog.offer(key, keys.index(key))
        assert backlog.find_urgent() == by_definition(waiting, ready, seconds, to_end, workers)
