"""How specs name code of a researcher's own (see `harness.own_code`)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from harness.spec.spec import Spec

_REFERENCE = re.compile(r"\w+\.py:\w+", re.ASCII)


class OwnOr:
    """For an annotation of str: one of these names, or a reference to own code."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def _checked(self, name: str) -> str:
        if name not in self._names and not is_own(name):
            known = "".join(f"{each!r}, " for each in self._names)
            raise ValueError(f"should be {known}{'or ' if known else ''}FILE.py:NAME for a function of your own")
        return name

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        own = {"type": "string", "pattern": f"^{_REFERENCE.pattern}$"}
        return {"anyOf": [{"type": "string", "enum": list(self._names)}, own]} if self._names else own


Function = Annotated[str, OwnOr()]
"""A reference to own code: FILE.py:NAME."""


def is_own(name: str) -> bool:
    """Whether a name is a reference to own code."""
    return _REFERENCE.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class Call:
    """How own code is called."""

    function: str
    """`FILE.py:NAME`."""
    arguments: tuple[str, ...] = ()
    """By position: what they are."""
    named: tuple[str, ...] = ()
    """By name, options among them."""

    @property
    def told(self) -> str:
        """The call as messages write it."""
        name = self.function.partition(":")[2]
        return f"{name}({', '.join((*self.arguments, *(f'{each}=...' for each in self.named)))})"


class MayCall(Spec):
    """What may name own code."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """How its own code is called."""
        return ()

    @property
    def functions(self) -> tuple[str, ...]:
        """The own code that it names."""
        return tuple(call.function for call in self.calls)


def _option(value: object) -> object:
    """One message for what is none, where pydantic has one for each kind that it is not."""
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("should be a finite number, a text, true or false")
    return value


SHAPE = ("channels", "classes", "size")
"""What a function that makes a network is told of what it classifies."""


class WithOptions(Spec):
    """What may be own code, which takes options."""

    options: dict[str, Annotated[bool | int | float | str, BeforeValidator(_option)]] = {}
    """Keyword arguments of a function of your own."""

    def __hash__(self) -> int:
        """Dictionaries have none."""
        return hash(self.model_dump_json())
