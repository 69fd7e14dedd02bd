"""Taking over what another results folder has finished: each job in one transaction, under the seal that it has there.

Rows travel as they are; only row numbers are each database's own. A seal is over all that belongs to a result, so one
that is the same here says that everything has arrived, and that nothing had been altered.
"""

from harness.store.merging.plans import unite_plans
from harness.store.merging.results import Damaged, Left, finished, require_wanted, take

__all__ = ["Damaged", "Left", "finished", "require_wanted", "take", "unite_plans"]
