"""One check: every rule over one moment of the database."""

import datetime
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from backoffice import keyset
from backoffice.snapshot import snapshot
from billing.reconciliation import sql
from billing.reconciliation.rules import RULES

# Findings of one rule that are kept; more are counted. What is wrong a thousand times has one cause.
KEPT_PER_RULE = 10_000
STEPS = 6
NOTHING = Decimal(0)
NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Finding:
    """See ReconciliationFinding, which holds the same. `amount` is None where it is no number."""

    rule: str
    organization_id: object
    organization_name: str
    amount: Decimal | None
    diverged_at: datetime.datetime | None
    is_after: bool
    detail: str
    url: str


@dataclass
class Result:
    """What a check found. `found` is {rule: [how many, sum of the amounts without signs]} of all findings."""

    as_of: datetime.datetime
    settled_from: datetime.date | None
    watermark: datetime.date | None
    organizations: int = 0
    ledger_rows: int = 0
    balance: Decimal = NOTHING
    ledger: Decimal = NOTHING
    settled: Decimal = NOTHING
    late: Decimal = NOTHING
    pending: Decimal = NOTHING
    found: dict = field(default_factory=dict)
    findings: list = field(default_factory=list)
    kept: Counter = field(default_factory=Counter)
    late_of: dict = field(default_factory=dict)  # {organization: cost}
    # Both halves of a check find what is wrong with settlements.
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def drift(self):
        """How many findings say that something is wrong."""
        return sum(count for rule, (count, _) in self.found.items() if RULES[rule].is_drift)

    def add(self, finding):
        with self.lock:
            self.count(finding.rule, 1, abs(finding.amount or 0))
            if self.kept[finding.rule] < KEPT_PER_RULE:
                self.kept[finding.rule] += 1
                self.findings.append(finding)

    def count(self, rule, number, amount):
        known, total = self.found.get(rule, (0, NOTHING))
        self.found[rule] = [known + number, total + amount]


def settled_from():
    """The first day that is settled at all; None where settlement is off."""
    return settings.SETTLEMENT_FROM


def start_of(day):
    """The first moment of a day, in UTC."""
    return datetime.datetime.combine(day, datetime.time.min, datetime.UTC)


def settled_span(first, watermark):
    """From when to before when usage and calls have to be settled: nothing where settlement is off (no `first` day)."""
    if first is None:
        return "-infinity", "-infinity"
    end = first if watermark is None else max(first, watermark + datetime.timedelta(days=1))
    return start_of(first), start_of(end)


@contextmanager
def checking(organization_id=None):
    """A Check of one moment over two connections, one for each half of the work; of one organization, or all."""
    with snapshot() as cursor, snapshot(same_as=cursor) as beside:
        yield Check(cursor, organization_id, beside=beside)


class Check:
    """Reads with a cursor that shall see one moment (backoffice.snapshot); `organization_id` narrows it to one.

    `beside` is another cursor on the same moment, on which usage and orphans are read meanwhile.
    """

    def __init__(self, cursor, organization_id=None, *, beside=None, result=None):
        self.cursor = cursor
        self.id = organization_id
        cursor.execute("set local work_mem = '128MB'")
        cursor.execute("set local jit = off")
        # The halves are two processes of the database already; workers of one would each add up what is settled.
        cursor.execute("set local max_parallel_workers_per_gather = 0")
        self.result = result or self.new_result()
        self.beside = beside and Check(beside, organization_id, result=self.result)

    def new_result(self):
        self.cursor.execute(f"select transaction_timestamp(), ({sql.WATERMARK})")
        as_of, watermark = self.cursor.fetchone()
        return Result(as_of, settled_from(), watermark)

    def run(self, step=lambda: None):
        """The Result. `step` is called after each of STEPS parts."""
        with ThreadPoolExecutor(1) as pool:
            other = self.beside or self
            usage, orphans = other.usage, other.orphans
            if self.beside:
                usage, orphans = pool.submit(usage).result, pool.submit(orphans).result
            for part in (self.ledger, self.settlements, self.statements, self.outside, usage, orphans):
                part()
                step()
        order = list(RULES)
        self.result.findings.sort(
            key=lambda one: (order.index(one.rule), str(one.organization_id), one.diverged_at or NEVER)
        )
        return self.result

    def rows(self, statement, **params):
        narrowed = self.id is not None
        text = statement.format(
            one=sql.OF_ONE if narrowed else "",
            only_id="where id = %(id)s" if narrowed else "",
            and_one="and organization_id = %(id)s" if narrowed else "",
        )
        self.cursor.execute(text, {"id": self.id, **params})
        while rows := self.cursor.fetchmany(2000):
            yield from rows

    def ledger(self):
        result = self.result
        for row in self.rows(sql.LEDGER):
            result.organizations, result.balance, result.ledger, result.ledger_rows, organization, *found = (
                row
            )
            if organization is not None:
                self.judge_ledger(organization, *found)

    def judge_ledger(
        self, organization, is_there, name, balance, total, gaps, last_id, last_at, gap_id, gap_at, gap, is_repaired
    ):  # fmt: skip
        # Where every row continues the one before, it happened after the last of them.
        first = (gap_at, False, gap_id) if gaps and not is_repaired else (last_at, True, last_id)
        if is_there and balance != total:
            words = f"Balance {balance:,}, ledger {total:,}" + ("" if last_id else " (it has no row)") + "."
            self.add("balance", organization, name, balance - total, *first, words)
        if not is_there and total:
            words = f"It does not exist any more, and {total:,} stands in its ledger."
            self.add("vanished", organization, name, total, *first, words)
        if gaps:
            rows = "1 row does" if gaps == 1 else f"{gaps:,} rows do"
            rule = "repaired" if is_repaired else "chain"
            words = f"{rows} not continue the one before; the first is #{gap_id}."
            self.add(rule, organization, name, gap, gap_at, False, gap_id, words)

    def settlements(self):
        # Rows lie in the order of their settlements: summed up in passing, not hashed.
        self.cursor.execute("set local enable_hashagg = off")
        for organization, name, pk, day, amount, posting, *facts, at in self.rows(sql.SETTLEMENTS):
            posted_to, posted_as, posted, usage, calls, usage_of_rows, calls_of_rows = facts
            faults, off = [], NOTHING
            if posting is None and amount:
                faults.append("its posting is missing")
                off = amount
            elif posting is not None:
                if posted_to != organization:
                    faults.append("its posting is another organization's")
                    off = amount
                if posted_as != "settlement":
                    faults.append(f"its posting is of kind {posted_as}")
                if posted != -amount:
                    faults.append(f"it says {amount:,}, its posting {-posted:,}")
                    off = off or amount + posted
            if (usage, calls) != (usage_of_rows, calls_of_rows):
                faults.append(
                    f"its costs are {plain(usage + calls)} USD, those of its rows"
                    f" {plain(usage_of_rows + calls_of_rows)}"
                )
            words = f"Settlement of {day}: {'; '.join(faults)}."
            url = address("billing:settlement_detail", pk)
            self.add("settlement", organization, name, off, at, False, posting, words, url)
        self.cursor.execute("set local enable_hashagg = on")

    def orphans(self):
        for organization, name, pk, amount, at in self.rows(sql.ORPHANS):
            words = f"Posting #{pk} is a settlement's, and there is no such settlement."
            self.add("settlement", organization, name, amount, at, False, pk, words)

    def statements(self):
        if not next(self.rows(sql.HAS_STATEMENTS))[0]:
            return
        for row in self.rows(sql.STATEMENTS):
            organization, name, pk, month, closed_at, is_whole, opening_off, follows, closing_off = row
            faults = []
            if not is_whole:
                faults.append("its content was changed after it was closed")
            if opening_off:
                before = "the closing before" if follows else "the ledger before"
                faults.append(f"its opening is {opening_off:+,} off {before}")
            if closing_off:
                faults.append(f"its closing is {closing_off:+,} off opening and ledger")
            at, is_after = (start_of(month), False) if opening_off or closing_off else (closed_at, True)
            words = f"{month:%B %Y}: {'; '.join(faults)}."
            url = address("billing:statement_detail", pk)
            self.add(
                "statement", organization, name, closing_off or opening_off, at, is_after, None, words, url
            )

    def outside(self):
        count, amount = next(self.rows(sql.OUTSIDE))
        if count:
            self.result.count("outside", count, amount)

    def usage(self):
        """What is settled, late and pending. Without settlement everything recorded is pending."""
        result = self.result
        result.pending, result.settled, differing = next(self.rows(sql.USED, **self.span()))
        if differing and result.settled_from:
            self.due(differing)

    def span(self):
        """The parameters of the statements about usage and calls."""
        since, until = settled_span(self.result.settled_from, self.result.watermark)
        return {"since": since, "until": until}

    def figures(self):
        """(id, name, balance, ledger, difference, settled, late, pending) of each organization, after run()."""
        each = self.rows(sql.USED_EACH, **self.span())
        used = {organization: (settled, pending) for organization, pending, settled, _ in each}
        for organization, name, balance, ledger in self.rows(sql.BALANCES):
            settled, pending = used.get(organization, (NOTHING, NOTHING))
            late = self.result.late_of.get(organization, NOTHING)
            yield organization, name, balance, ledger, balance - ledger, settled, late, pending

    def due(self, organizations):
        for row in self.rows(sql.DUE, ids=organizations, **self.span()):
            organization, name, late, late_rows, late_at, corrected, corrected_rows, corrected_at = row
            self.result.late += late
            self.result.late_of[organization] = late
            if late:
                words = f"{counted(late_rows)} of settled days not settled yet."
                url = address("billing:usagelog_list", organization=organization, settled="waiting")
                self.add("late", organization, name, late, late_at, False, None, words, url)
            if corrected:
                words = f"{counted(corrected_rows)} of settled days cost less by now."
                url = address("billing:settlement_list", organization=organization)
                self.add("corrected", organization, name, corrected, corrected_at, False, None, words, url)

    def add(self, rule, organization, name, amount, at, is_after, posting, words, url=""):
        self.result.add(
            Finding(
                rule,
                organization,
                name or "",
                amount,
                at,
                is_after and at is not None,
                words,
                url or self.ledger_url(organization, posting),
            )
        )

    @staticmethod
    def ledger_url(organization, posting):
        """The organization's ledger, beginning with a row."""
        place = {"after": keyset.encode(str(posting + 1), posting + 1)} if posting else {}
        return address("billing:credittransaction_list", organization=organization, **place)


def address(name, *args, **query):
    return reverse(name, args=args) + (f"?{urlencode(query)}" if query else "")


def plain(amount):
    return f"{amount.normalize():,f}"


def counted(rows):
    return "1 usage record or call" if rows == 1 else f"{rows:,} usage records and calls"
