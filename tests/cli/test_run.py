from __future__ import annotations

import ast
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from databases import locked
from program import NEEDED, Program, interrupt, wait_for, workers_of

from harness.store import runners, schema
from harness.store.engine import open_database
from harness.store.runners import RunnerFacts
from harness.suites.devices import get_device

OTHER = "f" * 16  # key of a job
JOBS = 2 * 5 + 1  # trainings and evaluations of what can be finished, and the substitute


BOTH = r"(substitute, seed 10000 and 1 more|wild, seed 0)"
"""The model of a wild training and its substitute: they are told together where they diverge in the same step."""


def test_a_job_that_fails_or_has_no_data_does_not_stop_the_others(finished):
    program, code, said = finished
    assert code == 1
    assert program.query("SELECT condition, count(*) FROM v_jobs WHERE state = 'done' GROUP BY condition") == [
        (None, 1),
        ("none", 5),
        ("threshold", 5),
    ]
    assert re.search(rf"\nfailed: {BOTH}: diverged: ", said)
    assert "blocked: wild, seed 0: boundary and 3 more: a model that it needs failed: diverged: " in said
    assert "blocked: absent, seed 0 and 4 more: data set imagenet is not in" in said
    assert "bring it with: harness data import imagenet PATH" in said
    assert f"{JOBS} of {JOBS + 11} jobs are done, {JOBS} of them now, 2 failed, 9 blocked" in said


def test_every_result_knows_where_it_comes_from(finished):
    program, _, _ = finished
    [(device, threads, command)] = program.query(
        "SELECT DISTINCT e.device, e.threads, j.command FROM job j JOIN environment e ON e.id = j.environment_id"
    )
    assert device
    assert threads >= 1
    assert command == "harness run-suite tiny"


NEVER = ("torch", "pandas", "matplotlib", "numpy", "PIL", "jinja2", "alembic", "pydantic_settings", "foolbox")
"""What a command that computes nothing does without: each takes longer to import than all that it has to do."""


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        (["list"], (*NEVER, "sqlalchemy", "rich.progress")),
        (["show", "tiny"], NEVER),
        (["status"], (*NEVER, "rich.progress")),
    ],
    ids=["list", "show", "status"],
)
def test_what_a_command_does_not_need_is_not_imported(finished, command, absent):
    program, _, _ = finished
    assert imported(program, command, absent)[0] == []


def test_a_finished_suite_has_nothing_to_do_and_needs_no_torch(finished):
    program, _, _ = finished
    before = program.content
    found, said = imported(program, ["run-suite", "tiny", *NEEDED], NEVER)
    assert found == []
    assert f"nothing to do: all {JOBS} jobs are done" in said
    assert program.content == before


def imported(program, command, names):
    """Which of these modules a command has imported when it ends, and what it said."""
    look = "import sys; from harness.cli import app; app(sys.argv[2:], standalone_mode=False); "
    look += "print([name for name in sys.argv[1].split() if name in sys.modules])"
    with program.popen([sys.executable, "-c", look, " ".join(names), *command]) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return ast.literal_eval(said.splitlines()[-1]), said


def test_show_and_dry_run_say_what_is_done_and_what_it_costs(finished):
    program, _, _ = finished
    before = program.content
    for command in (["show", "tiny"], ["run-suite", "tiny", "--dry-run"]):
        code, said = program(*command, "--seeds", "0-1", "--device", "cpu", "--workers", "2")
        assert code == 0, said
        assert "26 blocked" not in said
        assert "To do: about" in said
        assert "from rates measured here" in said
        assert "blocked: absent, seed 0 and 9 more: data set imagenet is not in" in said
    assert program.content == before


def test_status_says_what_failed_and_why(finished):
    program, _, _ = finished
    code, said = program("status", "tiny")
    assert code == 0, said
    assert re.search(rf"\ndiverged: tiny \(profile paper\): {BOTH}: the cross-entropy is ", said)
    assert said.count("blocked: ") == 2, "one line for each reason, however many jobs it blocks"
    assert "blocked: tiny (profile paper): absent, seed 0: boundary and 4 more: data set imagenet is not in" in said


def test_an_analysis_that_is_blocked_is_called_one(program: Program) -> None:
    suite = program.folder / "experiments" / "tiny.toml"
    suite.write_text(f"{suite.read_text()}\n[analyses.examples]\nkind = 'noise_examples'\nimages = 'mnist'\n")
    assert program("run-suite", "tiny", *NEEDED)[0] == 0
    _, said = program("status", "tiny")
    assert "blocked: tiny (profile paper): analysis examples: data set mnist is not in" in said


def test_killed_at_random_moments_a_suite_ends_with_the_same_results(finished, program):
    undisturbed, _, _ = finished
    moments = random.Random(time.time_ns())
    for _ in range(2):
        with program.start("run-suite", "tiny") as process:
            wait_for(process, "jobs")  # to do, or done already where the machine is fast
            time.sleep(moments.uniform(0, 6))
            workers = workers_of(process) if process.poll() is None else []
            process.kill()
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert not alive, "a worker outlived its runner"
    code, said = program("run-suite", "tiny")
    assert code == 1, said
    assert program.content == undisturbed.content


def test_ctrl_c_says_how_to_continue_and_a_second_run_is_refused_meanwhile(finished, program):
    undisturbed, _, _ = finished
    command = ("run-suite", "tiny", *NEEDED)
    with program.start(*command) as process:
        wait_for(process, "done in")
        process.send_signal(signal.SIGSTOP)  # or it may be done before the second run begins
        code, said = program(*command)
        assert code == 1
        assert f"another run works on {program.results} (process {process.pid}, since " in said
        workers = workers_of(process)
        interrupt(process)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("continues: harness run-suite tiny --only none --only threshold")
    assert "Traceback" not in said
    assert not psutil.wait_procs(workers, timeout=30)[1]
    assert program.query("SELECT count(*) FROM v_jobs WHERE state = 'running'") == [(0,)]
    assert program(*command)[0] == 0
    curves = "SELECT * FROM v_curves WHERE condition <> 'wild' ORDER BY condition, evaluation, epsilon"
    assert program.query(curves) == undisturbed.query(curves)


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.4])
def test_ctrl_c_while_the_workers_start_is_no_traceback(wait, program):
    with program.start("run-suite", "tiny", "--workers", "2") as process:
        deadline = time.monotonic() + 60
        while not workers_of(process) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(wait)
        interrupt(process)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said


def test_ctrl_c_before_the_command_is_known_is_no_traceback(program):
    with program.popen([sys.executable, "-X", "importtime", "-m", "harness", "list"]) as process:
        wait_for(process, " typer")  # one of the first modules that the command line imports
        interrupt(process)
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (130, False), said


def test_status_says_who_is_at_work(program):
    with program.start("run-suite", "tiny", "--only", "none") as process:
        wait_for(process, "none, seed 0: training")
        _another_runner_works_on_another_suite(program)  # before the stop, which may find the run writing
        process.send_signal(signal.SIGSTOP)
        code, said = program("status", "tiny")
        process.send_signal(signal.SIGCONT)
        interrupt(process)
        process.communicate(timeout=60)
    assert code == 0, said
    assert f", process {process.pid}, {program.results.resolve()}: 1 job; last sign of life 20" in said
    assert "elsewhere" not in said
    assert "No run is active: " not in said


def test_a_worker_that_is_killed_is_replaced(program):
    with program.start("run-suite", "tiny", "--only", "none") as process:
        wait_for(process, "none, seed 0: training")
        for worker in workers_of(process):
            worker.kill()
        said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "none, seed 0: its process was killed (signal 9), possibly because memory ran out; it begins again" in said
    assert program.query("SELECT attempts FROM v_jobs WHERE condition = 'none' AND kind = 'train'") == [(2,)]


REFUSED = {
    "an unknown suite": (["run-suite", "tinny"], "no suite called 'tinny'; did you mean 'tiny'?"),
    "an unknown profile": (
        ["run-suite", "tiny", "--profile", "smal"],
        "no profile called 'smal'; did you mean 'small'?",
    ),
    "an unknown condition": (
        ["run-suite", "tiny", "--only", "nonne"],
        "no condition of tiny called 'nonne'; did you mean 'none'?",
    ),
    "seeds": (["show", "tiny", "--seeds", "x"], "--seeds: seeds are written like 0-6 or 0,2,5-7, got 'x'"),
    "an executor": (["run-suite", "tiny", "--executor", "slurm"], "'slurm' is not one of 'local'"),
    "the substitute's seed": (["run-suite", "tiny", "--seeds", "10000"], "seed 10000 is the substitute's"),
    "an option": (["run-suite", "tiny", "--workers", "0"], "--workers"),
}


@pytest.mark.parametrize(("command", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_command_is_refused_with_exit_code_2(program, command, message):
    code, said = program(*command)
    assert code == 2
    assert message in said
    assert "Traceback" not in said


def test_a_gpu_that_is_not_there_is_refused(program: Program):
    code, said = program("run-suite", "tiny", "--device", "cuda")
    assert code == 2
    assert "no NVIDIA GPU" in said


@pytest.mark.gpu
@pytest.mark.skipif(get_device("auto").kind == "cpu", reason="no CUDA device")
def test_a_gpu_that_is_there_does_all_jobs(tmp_path: Path, digits_dir: Path):
    program = Program(tmp_path, digits_dir, gpus=True)
    code, said = program("run-suite", "tiny", *NEEDED, "--workers", "2")
    assert code == 0, said
    assert f"{JOBS} of {JOBS} jobs are done" in said
    devices = {name for (name,) in program.query("SELECT device FROM v_jobs WHERE state = 'done'")}
    assert devices <= {*get_device("cuda").name.split(" and ")}


def limited(program: Program, limit: str, *arguments: str) -> tuple[int, str]:
    """The program below a shell's `ulimit`."""
    command = f'ulimit {limit} && exec "$0" -m harness "$@"'
    with program.popen(["bash", "-c", command, sys.executable, *arguments]) as process:
        said, _ = process.communicate(timeout=200)
    return process.returncode, said


def test_workers_that_may_not_map_what_they_need_are_one_error_that_names_the_limit(program):
    code, said = limited(program, "-v 400000", "run-suite", "tiny", "--only", "none")
    assert (code, "Traceback" in said) == (2, False), said
    assert said.splitlines()[-1].startswith("error: no worker can start: ")
    assert said.endswith(" (a process may map only 390 MB here: raise ulimit -v)\n")


def test_more_workers_than_files_may_be_open_for_are_refused_before_anything_runs(program):
    code, said = limited(program, "-n 64", "run-suite", "tiny", "--workers", "30")
    assert (code, said.splitlines()) == (
        2,
        [
            "error: --workers 30 needs 122 open files, and only 64 are allowed here (ulimit -Hn);"
            " ask for fewer workers, or raise that limit"
        ],
    )


def test_data_that_nothing_can_run_without_are_named(program: Program, tmp_path):
    suite = program.folder / "experiments" / "tiny.toml"
    suite.write_text(suite.read_text().replace('"digits"', '"cifar10"'))
    code, said = program("run-suite", "tiny", "--only", "none")
    assert code == 1
    assert said.splitlines()[-1].endswith("bring it with: harness data prepare cifar10")


def onto_a_full_disk(program: Program, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with its standard output on a disk that is full."""
    with Path("/dev/full").open("w") as full:
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            cwd=program.folder,
            env=program.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )


def test_a_log_on_a_full_disk_does_not_stop_a_run(program):
    process = onto_a_full_disk(program, "run-suite", "tiny", "--only", "none")
    assert (process.returncode, process.stderr) == (0, "")
    assert program.query("SELECT DISTINCT state FROM v_jobs WHERE condition = 'none'") == [("done",)]


def test_an_ending_on_a_full_disk_is_no_failure(finished):
    program, *_ = finished
    process = onto_a_full_disk(program, "run-suite", "tiny", *NEEDED)
    assert (process.returncode, process.stderr) == (0, "")


def test_a_refusal_that_cannot_be_written_keeps_its_exit_code(program):
    with program.popen(["bash", "-c", 'exec "$0" -m harness show tinny 2>/dev/full', sys.executable]) as process:
        assert process.wait(timeout=200) == 2


def test_a_run_whose_standard_output_is_closed_ends_as_with_it(program):
    command = 'exec "$0" -m harness run-suite tiny --only none >&- 2>said'
    with program.popen(["bash", "-c", command, sys.executable]) as process:
        assert process.wait(timeout=200) == 0
    assert (program.folder / "said").read_text() == ""
    states = "SELECT state, attempts, count(*) FROM v_jobs WHERE condition = 'none' GROUP BY 1, 2"
    assert program.query(states) == [("done", 1, 5)]


def test_a_reader_of_the_log_that_leaves_does_not_stop_a_run(program):
    """As `| head` does, or a `| tee` that is killed; also where own code prints."""
    folder = program.folder / "experiments"
    talk = """
evaluations.spoken = { kind = "own_attack", function = "talk.py:talk", max_epsilon = 0.1, sizes = 2, n_images = 8 }
"""
    (folder / "talk.toml").write_text(f'extends = "tiny"\ntitle = "T"\n{talk}\n[conditions.none]')
    (folder / "talk.py").write_text(
        "def talk(model, images, labels, size):\n    print('attacking')\n    return images\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "run-suite", "talk"],
        cwd=program.folder,
        env=program.environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "attacking\n"
        assert process.wait(timeout=200) == 0
    assert program.query("SELECT DISTINCT state FROM v_jobs WHERE condition = 'none'") == [("done",)]


def test_a_terminal_that_goes_away_does_not_stop_a_run(program):
    """As one that is closed after `disown`: nothing is told, and each write fails."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "run-suite", "tiny", "--only", "none"],
        cwd=program.folder,
        env=program.environment | {"TERM": "xterm"},
        stdin=end,
        stdout=end,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        os.close(end)
        shown = b""
        while b"jobs to do" not in shown:
            shown += os.read(terminal, 65536)
        os.close(terminal)
        _, said = process.communicate(timeout=200)
    assert (process.returncode, said) == (0, "")
    assert program.query("SELECT DISTINCT state FROM v_jobs WHERE condition = 'none'") == [("done",)]


WRONG = {
    "typo": ('title = "Half', "typo.toml: not valid TOML"),
    "set": ('extends = "tiny"\ntitle = "S"\n[conditions.none]\nclassification = "cifra10"', "did you mean 'cifar10'?"),
    "code": (
        'extends = "tiny"\ntitle = "C"\n[conditions.own]\npenalty = { function = "broken.py:f", weight = 1 }',
        "broken.py: line 1 is not Python",
    ),
    "keys": ('extends = "tiny"\ntitle = "K"\n[conditions.a]\nx = 1\n[conditions.b]\ny = 1', "(and 1 more)"),
    "both": ('title = "B"\nsuites = ["quickstart", "set"]', "did you mean 'cifar10'?"),
}
"""Suites that are wrong, and what is said of each."""


def test_suites_that_are_wrong_are_named_beside_the_others(program):
    _, listed = program("list")
    for name, (text, _) in WRONG.items():
        (program.folder / "experiments" / f"{name}.toml").write_text(text)
    (program.folder / "experiments" / "broken.py").write_text("def f(")
    code, said = program("list")
    table, errors = said[: len(listed)], said[len(listed) :].splitlines()
    assert (code, table) == (2, listed)
    assert [error.split(": ")[:2] for error in errors] == [["error", name] for name in sorted(WRONG)]
    assert all(WRONG[error.split(": ")[1]][1] in error for error in errors)
    _, checked = program("doctor")
    assert "typo.toml: not valid TOML" in checked
    assert " suites are valid" in checked


def test_suites_that_are_wrong_stop_no_command_that_is_about_another(program):
    for name, (text, _) in WRONG.items():
        (program.folder / "experiments" / f"{name}.toml").write_text(text)
    for command in ("run-suite", "show", "status", "report"):
        asked = ("--only", "none") if command == "run-suite" else ()
        code, said = program(command, "tiny", *asked)
        assert (code, "error" in said) == (0, False), said


def test_a_collection_of_ones_own_has_the_states_and_reports_of_its_suites(finished, tmp_path):
    program, *_ = finished
    collection = program.folder / "experiments" / "mine.toml"
    collection.write_text('title = "All of mine"\nsuites = ["tiny"]')
    try:
        assert program("status", "mine") == program("status", "tiny")
        code, said = program("report", "mine", "--out", tmp_path)
    finally:
        collection.unlink()
    assert code == 0, said
    assert said.startswith("Summary of tiny (paper profile)")
    assert (tmp_path / "tiny-paper" / "report.html").exists()


@pytest.mark.parametrize("command", ["list", "status"])
def test_an_answer_that_cannot_be_written_is_one_error(command, finished):
    program, *_ = finished
    process = onto_a_full_disk(program, command)
    assert process.returncode != 0
    assert "error: No space left on device" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_terminal_without_a_plus_minus_gets_a_report_all_the_same(finished):
    program, *_ = finished
    environment = program.environment | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "harness", "report", "tiny", "--format", "md"]
    found = subprocess.run(command, cwd=program.folder, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    assert "tables and" in found.stdout


def test_a_run_waits_for_a_lock_and_ends_as_without(finished, program):
    with program.start("run-suite", "tiny", *NEEDED) as process:
        wait_for(process, "none, seed 0: training")
        with locked(f"sqlite:///{program.results / 'harness.sqlite'}"):
            wait_for(process, "harness.sqlite is locked by another process: waiting until that one has ended")
            time.sleep(1)
        said, _ = process.communicate(timeout=200)
    assert (process.returncode, "harness.sqlite is free again" in said) == (0, True), said
    whole, *_ = finished
    results = "SELECT condition, seed, evaluation, epsilon, accuracy FROM v_curves ORDER BY 1, 2, 3, 4"
    assert program.query(results) == whole.query(results)
    assert program.query("SELECT count(*), max(attempts) FROM v_jobs WHERE state = 'done'") == [(JOBS, 1)]


def test_a_run_that_waits_for_a_lock_can_be_stopped(program):
    with program.start("run-suite", "tiny", *NEEDED) as process:
        wait_for(process, "none, seed 0: training")
        with locked(f"sqlite:///{program.results / 'harness.sqlite'}"):
            wait_for(process, "harness.sqlite is locked by another process")
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            said, _ = process.communicate(timeout=60)
            assert time.monotonic() < began + 10
    assert (process.returncode, "error: stopped; finished jobs are stored" in said) == (130, True), said
    code, said = program("run-suite", "tiny", *NEEDED)
    assert (code, f"{JOBS} of {JOBS} jobs are done" in said) == (0, True), said


def test_the_version_is_told(program):
    code, said = program("--version")
    assert (code, said.split()[0]) == (0, "harness")


def _another_runner_works_on_another_suite(program: Program) -> None:
    """It has claimed a job that the program's suite does not need."""
    facts = RunnerFacts(folder="f" * 32, title="elsewhere", machine="boot pid:[1]", process=1)
    now = datetime.now(UTC)
    with open_database(f"sqlite:///{program.results / 'harness.sqlite'}") as database:
        runner = runners.enter(database, facts)
        with database.transaction() as session:
            session.add(schema.Job(key=OTHER, kind="train", state="running", attempts=1, work=1.0, planned_at=now))
            session.flush()
            session.add(schema.Claim(job_key=OTHER, runner_id=runner))
