from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

from harness.cli import progress
from harness.cli.progress import Lines, Live, announcement, said
from harness.measurement import Progress
from harness.spec import Place, PlannedJob, TrainingSpec, TrainJob
from harness.suites.cost import Estimate


def job(seed: int, work: float = 1.0) -> PlannedJob:
    training = TrainJob(spec=TrainingSpec(classification="digits"), seed=seed, data={})
    place = Place(suite="tiny", profile="smoke", condition="none", seed=seed, evaluation=None)
    return PlannedJob(job=training, places=(place,), work=work)


HALF = Progress(done=5, total=10, text="epoch 1/2, loss 0.500", images_per_second=1234.5)
GUESS = Estimate(60.0, measured=False)


def test_a_run_of_more_than_a_day_says_so_before_it_starts():
    days = announcement([job(0)], 3, Estimate(3 * 86400.0, measured=True))
    assert days.startswith("1 of 3 jobs to do, about 3.0 days (from rates measured here)")
    assert "more than a day" in days
    assert "more than a day" not in announcement([job(0)], 3, GUESS)


def test_progress_is_said_with_the_speed_where_it_is_known():
    assert said(HALF) == "epoch 1/2, loss 0.500, 1,234 images/s"
    assert said(Progress(done=1, total=2)) == ""


def tell(watch: Lines | Live) -> None:
    first, second = job(0, work=1.0), job(1, work=3.0)
    watch.begin([first, second], 2, GUESS)
    watch.started(first)
    watch.progressed(first, HALF)
    watch.finished(first, 12.0)
    watch.started(second)
    watch.progressed(second, HALF)
    watch.note("something [in brackets] happened")
    watch.failed(second, "it broke")


def test_lines_tell_starts_ends_and_the_share_of_the_work(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    lines: list[str] = []
    tell(Lines(lines.append))
    assert [line.split(" ", 1)[1] for line in lines] == [
        "2 of 2 jobs to do, about 60 s (a guess: not all of it was measured here before)",
        "none, seed 0: training",
        "none, seed 0: 50% epoch 1/2, loss 0.500, 1,234 images/s; 12% of the work",
        "none, seed 0: done in 12 s; 25% of the work",
        "none, seed 1: training",
        "none, seed 1: 50% epoch 1/2, loss 0.500, 1,234 images/s; 62% of the work",
        "something [in brackets] happened",
        "none, seed 1: FAILED: it broke",
    ]


def test_lines_on_a_job_that_goes_on_are_rare():
    lines: list[str] = []
    tell(Lines(lines.append))
    assert not any("50%" in line for line in lines)


def test_bars_show_running_jobs_and_the_whole():
    screen = io.StringIO()
    console = Console(file=screen, width=100, force_terminal=True, color_system=None)
    bars = Bars(TextColumn("{task.description}|{task.percentage:.0f}|{task.fields[text]}"), console=console)
    tell(Live(bars))
    [whole] = bars.tasks
    assert (whole.description, whole.percentage, whole.fields["text"]) == ("all", 100, "2 of 2 jobs")
    for text in (
        "2 of 2 jobs to do",
        "none, seed 0: done in 12 s",
        "something [in brackets]",
        "none, seed 1: it broke",
    ):
        assert text in screen.getvalue()


@pytest.mark.parametrize("kind", [Lines, Live])
def test_another_runs_jobs_end_without_a_beginning_here(kind):
    """They are waited for, not done: no bar is there for them."""
    screen = io.StringIO()
    bars = Bars(console=Console(file=screen, width=100))
    watch = Live(bars) if kind is Live else Lines(lambda line: print(line, file=screen))
    watch.begin([job(0), job(1), job(2)], 3, GUESS)
    watch.elsewhere(job(0))
    watch.failed(job(1), "it broke there")
    watch.started(job(2))
    watch.elsewhere(job(2))  # it was begun here too, and was faster there
    assert "none, seed 1: " in screen.getvalue()
    assert watch._work.settled == watch._work.jobs == 3
    if isinstance(watch, Live):
        assert [task.description for task in bars.tasks] == ["all"]


@pytest.mark.parametrize("kind", [Lines, Live])
def test_jobs_that_are_to_be_done_again_are_part_of_the_whole(kind):
    screen = io.StringIO()
    bars = Bars(console=Console(file=screen, width=100))
    watch = Live(bars) if kind is Live else Lines(lambda line: print(line, file=screen))
    first, again = job(0, work=1.0), job(1, work=3.0)
    watch.begin([first], 2, GUESS)
    watch.started(first)
    watch.finished(first, 12.0)
    watch.extend([again])
    watch.started(again)
    watch.progressed(again, HALF)
    if isinstance(watch, Live):
        whole = bars.tasks[0]
        assert (whole.total, whole.completed, whole.fields["text"]) == (4.0, 2.5, "1 of 2 jobs")
    watch.finished(again, 12.0)
    assert watch._work.settled == watch._work.jobs == 2
    assert watch._work.done == watch._work.total == 4.0
