"""How a batch takes back what happened to rows of our own tables: by the verbs of their apps, not column by column."""

from collections.abc import Callable
from dataclasses import dataclass

WAYS_BACK = {}  # {name of a table as the audit has it: its WayBack}; the apps add theirs


@dataclass(frozen=True)
class WayBack:
    """`plan` is given the RowChanges of the table. Of each it sets `verb`, which says what taking back does, or
    `problem`, and `obj`, the record whose page shows it; it returns the keys (table, row id) of the rows that go along
    with these. `take_back(change, actor=…, reason=…)` does it and returns why something was left alone, or "".
    """

    permissions: tuple
    plan: Callable
    take_back: Callable

    def missing_permission(self, user):
        return next((name for name in self.permissions if not user.has_perm(name)), "")


def planned(changes):
    """The RowChanges of a batch: those with a way back know it, and what goes along with them is left out."""
    along = set()
    for table, way in WAYS_BACK.items():
        if own := [change for change in changes if change.table == table]:
            for change in own:
                change.way = way
            along |= way.plan(own)
    return [change for change in changes if (change.table, change.row_id) not in along]
