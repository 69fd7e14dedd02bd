"""The scales at which a suite can run."""

from __future__ import annotations

from typing import Literal

ProfileName = Literal["paper", "small", "smoke"]

PROFILES: dict[str, str] = {
    "paper": "the paper's scale",
    "small": "real signal in minutes to an hour or two on two CPU cores",
    "smoke": "seconds: shows that everything works, and nothing else",
}


def takes_stand_ins(profile: str) -> bool:
    """Whether jobs at a profile read stand-ins, which are for trying the mechanics; at others these are not there."""
    return profile == "smoke"
