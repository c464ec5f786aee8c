"""Searches the words of all turns, newest first.

Two ways lead to a page, and which is quick depends on how often the words were said. By the index of words: all turns
that have them, then the newest of these; right where they are few. Back in time: turn by turn along an index on the
time until the page is full; right where they are many. The planner's estimates decide (`plan`). A walk ends after
`walk` turns, and says how far it came; the next page goes on from there.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import OperationalError, transaction

from agents.conversations.words import Asked
from backoffice.faults import QUERY_CANCELED
from backoffice.keyset import Total
from backoffice.replicas.choice import reading

PAGE_SIZE = 25
TIMEOUT = "5s"
TRY = "40ms"  # for the index of words, where the estimate may be far too low
TURNS = "agents_indexedturn"
SETTINGS = """
select set_config('statement_timeout', %s, true), set_config('jit', 'off', true), set_config('work_mem', '32MB', true),
  set_config('max_parallel_workers_per_gather', '0', true), set_config('enable_seqscan', 'off', true),
  to_regclass('turn_words') is not null
"""
BY_WORDS = """
with found as materialized (select id, at from {turns} where words @@ %(words)s::tsquery and {filters})
select t.id, t.conversation_id, t.key, t.at, t.at::text as at_text, t.role, (select count(*) from found)
from (select id from found where {after} order by at desc, id desc limit %(size)s) page
join {turns} t on t.id = page.id
order by t.at desc, t.id desc
"""
BACK = """
select id, conversation_id, key, at, at::text as at_text, role, null
from (select * from {turns} where {line} and {after} order by at desc, id desc limit %(walk)s) walked
where words @@ %(words)s::tsquery and {filters}
order by walked.at desc, walked.id desc limit %(size)s
"""
END_OF_WALK = """
select at::text as at_text, id from {turns} where {line} and {after}
order by at desc, id desc offset %(walk)s - 1 limit 1
"""


@dataclass(frozen=True)
class Effort:
    """How much one page may cost: the turns that are looked up by the index of words, and those walked over."""

    by_words: int = 8_000
    walk: int = 50_000


FIRST = Effort()
FURTHER = Effort(by_words=100_000, walk=500_000)


@dataclass(frozen=True)
class Wanted:
    """What to look for. `channel` may be "null": not set. `since` and `until` are aware times, the latter excluded."""

    query: Asked
    organization: UUID | None = None
    agent: UUID | None = None
    channel: str = ""
    role: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self):
        return {
            "words": self.query.as_tsquery(),
            "organization": self.organization,
            "agent": self.agent,
            "channel": self.channel,
            "role": self.role,
            "since": self.since,
            "until": self.until,
        }

    def filters(self, *names):
        """SQL of the filters that are set, of these or all; "true" for none."""
        conditions = {
            "organization": "organization_id = %(organization)s",
            "agent": "agent_id = %(agent)s",
            "channel": "channel is null" if self.channel == "null" else "channel = %(channel)s",
            "role": "role = %(role)s",
            "since": "at >= %(since)s",
            "until": "at < %(until)s and at > '-infinity'",
        }
        return " and ".join(conditions[name] for name in names or conditions if getattr(self, name)) or "true"

    def lines(self):
        """The filters by which an index on the time leads back, each as SQL: those that it can be read by."""
        names = [name for name in ("organization", "agent") if getattr(self, name)]
        if self.channel not in ("", "null", "text"):
            names.append("channel")
        if self.role not in ("", "user", "assistant"):
            names.append("role")
        return [self.filters(name, "since", "until") for name in names] or [self.filters("since", "until")]


@dataclass(frozen=True)
class Row:
    """A turn that was found; `at_text` is its time as the database writes it."""

    id: int
    conversation_id: int
    key: str
    at: datetime
    at_text: str
    role: str


@dataclass
class Found:
    """A page of rows, newest first. `next` is the place (time as text, id) behind it, None at the end.

    `is_cut`: the page is not full, but what is older than `next` was not looked at. `total` is a keyset.Total, or None
    where nobody knows. `too_slow`: it was stopped.
    """

    rows: list
    next: tuple | None = None
    is_cut: bool = False
    total: Total | None = None
    too_slow: bool = False


def find(wanted, place=None, effort=FIRST, size=None):
    """The page of `wanted` behind a place (None: the first)."""
    connection = reading()
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(SETTINGS, [TIMEOUT])
            *_, is_indexed = cursor.fetchone()
            return Search(cursor, wanted, place, effort, size or PAGE_SIZE).page(is_indexed)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != QUERY_CANCELED:
            raise
        return Found([], too_slow=True)


@dataclass(frozen=True)
class Plan:
    """`way` is words, try (words, for a moment) or back; `line` the SQL of the index to walk along."""

    way: str
    line: str
    expected: int


class Search:
    """One page, in a transaction in which SETTINGS hold."""

    def __init__(self, cursor, wanted, place, effort, size):
        self.cursor, self.wanted, self.place, self.effort, self.size = cursor, wanted, place, effort, size
        self.params = wanted.parameters() | {"size": size + 1, "walk": effort.walk}
        if place:
            self.params |= {"at": place[0], "id": place[1]}

    def page(self, is_indexed):
        plan = self.plan(is_indexed)
        if plan.way == "words":
            return self.by_words()
        if plan.way == "try" and (found := self.try_by_words()):
            return found
        return self.back(plan)

    def plan(self, is_indexed):
        """Which way is the quickest, by the planner's estimates; all of them come from one question."""
        wanted, query, filters = self.wanted, self.wanted.query, self.wanted.filters()
        lines = wanted.lines()
        asked = "words @@ %(words)s::tsquery"
        asked_here = asked if filters == "true" else f"{asked} and {filters}"
        single = {f"word{n}": word for n, word in enumerate(query.needed())}
        each = [asked] if query.is_one_word else [f"words @@ %({name})s::tsquery" for name in single]
        known = self.estimates([*lines, asked, asked_here, *each], single)
        together, expected, each = known[asked], known[asked_here], [known[condition] for condition in each]
        line = min(lines, key=known.get)
        shortest = known[line]
        if not is_indexed or not each or shortest <= min(together, self.effort.walk):
            way = "back"
        elif min(each) <= self.effort.by_words:
            way = "words"
        else:
            way = "try" if together <= self.effort.by_words else "back"
        return Plan(way, line, expected)

    def estimates(self, conditions, params):
        """{condition: the number of turns that the planner expects for it}."""
        # The conditions are texts of this module; what was typed is in the parameters.
        conditions = list(dict.fromkeys(conditions))
        union = " union all ".join(f"select 1 from {TURNS} where {condition}" for condition in conditions)
        self.cursor.execute(f"explain (format json) {union}", self.params | params)
        (answer,) = self.cursor.fetchone()
        plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
        parts = plan["Plans"] if len(conditions) > 1 else [plan]
        return {condition: part["Plan Rows"] for condition, part in zip(conditions, parts, strict=True)}

    def execute(self, sql, line="true"):
        after = "(at, id) < (%(at)s::timestamptz, %(id)s)" if self.place else "true"
        filters = self.wanted.filters()
        self.cursor.execute(sql.format(turns=TURNS, filters=filters, after=after, line=line), self.params)
        return self.cursor.fetchall()

    def by_words(self):
        rows = self.execute(BY_WORDS)
        total = Total(rows[0][-1] if rows else 0, "exact")
        return self.found(rows, None if self.place and not rows else total)

    def try_by_words(self):
        """The same, or None if it takes too long."""
        try:
            with transaction.atomic(using=self.cursor.db.alias):
                self.cursor.execute("select set_config('statement_timeout', %s, true)", [TRY])
                found = self.by_words()
                self.cursor.execute("select set_config('statement_timeout', %s, true)", [TIMEOUT])
                return found
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != QUERY_CANCELED:
                raise
            return None

    def back(self, plan):
        self.cursor.execute(
            "select set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"
        )
        rows = self.execute(BACK, plan.line)
        if len(rows) > self.size:
            is_guess = self.wanted.query.has_phrase
            return self.found(rows, None if is_guess else Total(plan.expected, "about"))
        if end := self.execute(END_OF_WALK, plan.line):
            found = self.found(rows, None)
            found.next, found.is_cut = end[0], True
            return found
        return self.found(rows, None if self.place else Total(len(rows), "exact"))

    def found(self, rows, total):
        more = len(rows) > self.size
        rows = [Row(*row[:-1]) for row in rows[: self.size]]
        return Found(rows, (rows[-1].at_text, rows[-1].id) if more else None, total=total)
