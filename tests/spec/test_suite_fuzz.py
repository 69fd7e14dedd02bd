"""Whatever a suite's file says, it is a suite or one SpecError."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import SpecError
from harness.spec import PROFILES, Suite, parse_suite, read_collection
from harness.suites.registry import suite_files

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
fuzz = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
SUITES = {name: path.read_text() for name, path in sorted(suite_files().items()) if not read_collection(path)}
BASE = """
title = "Base"
seeds = [0]
train.classification = "digits"
[conditions.none]
[evaluations]
clean = {}
"""


def outcome(folder: Path, text: str) -> Suite | SpecError:
    """What becomes of a file; anything but these two is an error of the test."""
    path = folder / "fuzzed.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    (folder / "base.toml").write_text(BASE)
    try:
        if read_collection(path):
            return SpecError("a collection")
        return parse_suite(path, "smoke", suite_files() | {"base": folder / "base.toml"})
    except SpecError as error:
        return error


words = st.sampled_from(
    ["title", "seeds", "train", "regularizer", "conditions", "evaluations", "analyses", "profiles", "grid", "smoke"]
) | st.sampled_from(
    ["kind", "clean", "gaussian", "external", "extends", "suites", "n_images", "optimisation", "epochs", "figures"]
)
plain = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["base", "digits", "0-1"])
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def toml(value: Any) -> str:
    """A value as TOML writes it, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    return repr(value)


@fuzz
@given(tables=st.dictionaries(words, values, max_size=8))
def test_random_tables_are_a_suite_or_refused(tmp_path: Path, tables):
    outcome(tmp_path, "\n".join(f"{key} = {toml(value)}" for key, value in tables.items()))


@fuzz
@given(tables=st.dictionaries(words, values, max_size=8))
def test_random_tables_that_extend_a_suite_are_one_or_refused(tmp_path: Path, tables):
    tables["extends"] = "base"
    outcome(tmp_path, "\n".join(f"{key} = {toml(value)}" for key, value in tables.items()))


@fuzz
@given(data=st.data(), name=st.sampled_from(sorted(SUITES)))
def test_real_suites_with_a_line_changed_are_suites_or_refused(tmp_path: Path, data, name):
    lines = SUITES[name].splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    key, sign, _ = lines[number].partition("=")
    change = data.draw(st.sampled_from(["drop", "double", "value", "letters"]))
    if change == "drop":
        del lines[number]
    elif change == "double":
        lines.insert(number, lines[number])
    elif change == "value" and sign:
        lines[number] = f"{key}= {toml(data.draw(values))}"
    else:
        lines[number] = data.draw(st.text(max_size=20)) + lines[number][2:]
    outcome(tmp_path, "\n".join(lines))


HUGE = {
    "a grid": BASE.replace(
        "[conditions.none]",
        "[conditions.none]\ngrid = {"
        + ", ".join(
            f'"{key}" = [{", ".join(map(str, range(1, 101)))}]'
            for key in ("optimisation.epochs", "optimisation.batch_size", "n_train", "network.base_width")
        )
        + "}",
    ),
    "seeds": BASE.replace("[0]", '"0-99999999999999"'),
    "one seed of very many digits": BASE.replace("[0]", f'"{"9" * 5000}"'),
    "nested arrays": f"title = {'[' * 100_000}",
    "nested keys": ".".join("a" * 2_000) + " = 1",
    "a file of very many bytes": BASE + "#" * (2 << 20),
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
def test_what_would_grow_without_bound_is_refused(tmp_path: Path, text):
    found = outcome(tmp_path, text)
    assert isinstance(found, SpecError)
    assert len(str(found)) < 400


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", SUITES)
def test_no_suite_of_the_program_comes_near_the_limits(name, profile):
    suite = parse_suite(suite_files()[name], profile, suite_files())
    assert len(suite.conditions) < 1_000
    assert len(suite.seeds) < 100
