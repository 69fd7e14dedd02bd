"""The table of executors where their packages are missing."""

from __future__ import annotations

import sys

import pytest

from harness.errors import ExecutorUnusable
from harness.settings import Settings
from harness.suites.executors import EXECUTORS


@pytest.mark.parametrize("name", ["ray", "docker"])
def test_an_executor_whose_package_is_missing_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch):
    for module in [module for module in sys.modules if module.startswith(f"harness.suites.executors.{name}")]:
        monkeypatch.delitem(sys.modules, module)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExecutorUnusable, match=rf"pip install 'robustness-harness\[{name}\]'"):
        EXECUTORS[name]("cpu", None, Settings())
