"""Plans of suites, as tests ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.spec import Suite
from harness.suites.devices import PLAIN_CPU, Device
from harness.suites.inputs import Inputs
from harness.suites.plan import Plan, make_plan
from harness.suites.selection import Selection

BFLOAT16_CPU = replace(PLAIN_CPU, bfloat16=True)
GPU = replace(BFLOAT16_CPU, kind="cuda")


def plan_of(
    inputs: Inputs, *suites: Suite, device: Device = PLAIN_CPU, seeds: Sequence[int] = (), only: Sequence[str] = ()
) -> Plan:
    """The plan of suites, on a processor without bfloat16 unless a test says another device."""
    return make_plan(Selection(suites=suites, seeds=tuple(seeds), only=tuple(only)), inputs, device)
