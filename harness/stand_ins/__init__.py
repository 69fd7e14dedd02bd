"""Small generated data in the shape and format of the real ones, so that every suite can be tried without its data.

Nothing that is computed of a stand-in says anything about the real data. So it is marked wherever it shows, and only
the profile `smoke` takes it (`harness.suites.inputs`).
"""

from harness.stand_ins.table import STAND_INS, find_obstacle, make_stand_in

__all__ = ["STAND_INS", "find_obstacle", "make_stand_in"]
