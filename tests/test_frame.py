"""What stands around the package: layers, README, locked dependencies, Compose file."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import typer.main
import yaml
from importlinter import cli as importlinter
from packaging.requirements import Requirement

from harness.cli import app
from harness.settings import Settings
from harness.spec import PROFILES, parse_suite
from harness.store import relations, views
from harness.store.engine import open_database

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCKS = ("requirements.lock", "requirements-dev.lock")
SCALE_LOCK = "requirements-scale.lock"


OWNERS = {
    "alembic": "store/migrations/",
    "docker": "suites/executors/docker/",
    "foolbox": "evaluations/boundary/",
    "gdown": "models/published_weights.py",
    "jinja2": "report/page.py",
    "matplotlib": "report/",
    "ray": "suites/executors/ray/",
    "rich": "cli/",
    "robustbench": "models/zoo.py",
    "sklearn": "data/bundled.py",
    "sqlalchemy": "store/",
    "typer": "cli/",
}
"""Where a foreign package may be imported."""


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands(start: str) -> list[list[str]]:
    """Arguments of the README's shell lines that begin so, whatever comes before `start` on the line left out."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    found = [re.search(rf"^{start}\s+(.*)", line) for line in lines]
    return [shlex.split(match[1].split(" > ")[0], comments=True) for match in found if match]


def pins(lock: str) -> dict[str, str]:
    """Version by name."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))


def test_imports_point_downward_only() -> None:
    assert importlinter.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize(("package", "owner"), OWNERS.items())
def test_a_foreign_package_has_one_owner(package: str, owner: str) -> None:
    imported = re.compile(rf"^\s*(?:from|import) {package}\b", flags=re.MULTILINE)
    modules = [path for path in (ROOT / "harness").rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]
    names = {path.relative_to(ROOT / "harness").as_posix() for path in modules}
    assert names == {name for name in names if name.startswith(owner)} != set()


@pytest.mark.parametrize(
    "arguments", commands("harness") + commands(r"docker compose run worker(?:-cpu)?"), ids=" ".join
)
def test_the_readmes_commands_exist(arguments: list[str]) -> None:
    command = typer.main.get_command(app)
    context = command.make_context("harness", list(arguments))
    while hasattr(command, "resolve_command"):
        name, command, arguments = command.resolve_command(context, arguments)
        context = command.make_context(name, list(arguments), parent=context)


def test_the_readme_names_every_command() -> None:
    names = typer.main.get_command(app).commands
    assert set(names) == {name for name in names if f"harness {name}" in README}


def test_the_readmes_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {name for name, *_ in commands("make")} <= set(targets)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_readmes_suite_is_a_suite(profile: str, tmp_path: Path) -> None:
    text, _ = blocks("toml")  # the second is a part of the one in docs/own-code.md
    (tmp_path / "alphas.toml").write_text(text, encoding="utf-8")
    suite = parse_suite(tmp_path / "alphas.toml", profile)
    assert list(suite.conditions) == ["none", *(f"threshold[alpha={alpha}]" for alpha in (1, 4, 16))]
    assert suite.seeds == ((0,) if profile == "smoke" else (0, 1, 2))


def test_the_suite_of_the_page_on_precision_is_a_suite(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "precision.md").read_text(encoding="utf-8")
    [text] = re.findall(r"^```toml\n(extends.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "bfloat16.toml").write_text(text, encoding="utf-8")
    files = {path.stem: path for path in (ROOT / "experiments").glob("*.toml")}
    suite = parse_suite(tmp_path / "bfloat16.toml", "small", files)
    assert {condition.precision for condition in suite.conditions.values()} == {"auto"}


@pytest.mark.parametrize("query", blocks("sql"))
def test_the_readmes_questions_can_be_asked(query: str, tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'results.sqlite'}") as database:
        assert relations.answer(database, query).rows == ()


def test_the_readme_names_every_view_and_setting() -> None:
    assert set(re.findall(r"`(v_\w+)`", README)) == set(views.PUBLIC)
    variables = {f"HARNESS_{field.name.upper()}" for field in fields(Settings)}
    assert set(re.findall(r"^\| `(HARNESS_\w+)`", README, flags=re.MULTILINE)) == variables


@pytest.mark.parametrize("lock", [*LOCKS, SCALE_LOCK])
def test_locked_dependencies_have_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for entry in text.replace("\\\n", " ").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry), entry[:80]


def test_the_locks_agree_and_hold_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, development = (pins(lock) for lock in LOCKS)
    assert runtime.items() <= development.items()
    assert runtime.items() <= pins(SCALE_LOCK).items()
    groups = project["dependency-groups"]
    needed = project["project"]["dependencies"] + groups["build"]
    needed_to_develop = [entry for entry in (*groups["test"], *groups["dev"]) if isinstance(entry, str)]
    for pinned, requirements in ((runtime, needed), (development, needed_to_develop)):
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_only_the_gpu_worker_asks_for_a_gpu() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    gpu, cpu = services["worker"], services["worker-cpu"]
    [device] = gpu.pop("deploy")["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert gpu == cpu
    assert {volume.split(":")[0] for volume in cpu["volumes"]} == {"./data", "./results"}
