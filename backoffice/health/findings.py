"""One thing that a check found, and the sections in which findings stand."""

from dataclasses import dataclass
from typing import NamedTuple

BAD, WARN, INFO, GOOD = "bad", "warn", "info", "good"
LEVELS = {BAD: "Bad", WARN: "Worth mending", INFO: "Worth knowing", GOOD: "Nothing found"}
RANK = {level: place for place, level in enumerate(LEVELS)}


class Section(NamedTuple):
    label: str
    icon: str
    meaning: str
    all_well: str


SECTIONS = {
    "schema": Section(
        "Schema differences",
        "table-properties",
        "Tables, columns, keys, functions and triggers, compared with the back office's models and with db/*.sql.",
        "Everything is there as db/*.sql makes it.",
    ),
    "rights": Section(
        "Row level security and grants",
        "shield",
        "Who may read and write what: policies, grants, roles, compared with db/*.sql. Whoever gets round them reads "
        "other tenants' conversations.",
        "Policies, grants and roles are those of db/*.sql.",
    ),
    "indexes": Section(
        "Indexes",
        "list-tree",
        "Indexes that pages need, compared by their columns, not by name; and those that are broken, double or unused.",
        "Every index that pages need is there.",
    ),
    "orphans": Section(
        "Orphans",
        "unlink",
        "Rows whose other half is gone, or belongs to another tenant.",
        "Every row finds what it belongs to.",
    ),
    "oddities": Section(
        "Oddities",
        "microscope",
        "Rows that the platform should not have written so, rule by rule, and risky settings of tenants.",
        "No rule found a row.",
    ),
}
OF_CATALOG = ("schema", "rights", "indexes")  # read at each look
OF_ROWS = ("orphans", "oddities")  # counted in the background


@dataclass(frozen=True)
class Finding:
    """`rule` and `subject` name it within its section: found again, it is the same one.

    `count` is the number of rows, 1 for what stands in the catalog; with `is_more` counting stopped there. `remedy` is
    a sentence, or the command to give.
    """

    section: str
    rule: str
    subject: str
    level: str
    text: str
    remedy: str = ""
    count: int = 1
    is_more: bool = False
    url: str = ""

    @property
    def key(self):
        return self.section, self.rule, self.subject[:300]


def verdict(levels):
    """The worst of them: bad, warn, or good."""
    return min((level for level in levels if level in (BAD, WARN)), key=RANK.get, default=GOOD)
