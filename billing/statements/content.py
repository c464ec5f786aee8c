"""What a statement holds, read out of its canonical JSON (billing.statement_content in db/billing.sql)."""

import csv
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from backoffice import months
from backoffice.spreadsheets import guarded
from backoffice.views.bulk import Line
from billing.models import CreditTransaction, Statement

KINDS = dict(CreditTransaction.Kind.choices)
CSV_HEAD = [
    "section", "month", "posting", "time", "kind", "reason", "reference", "channel", "model", "rows", "without_cost",
    "tokens", "seconds", "cost_usd", "amount",
]  # fmt: skip


@dataclass
class Content:
    """One month of one organization; `text` are the bytes that the fingerprint is of."""

    text: str

    def __post_init__(self):
        self.data = json.loads(self.text)
        self.month = months.from_slug(self.data["month"])
        self.organization_name = self.data["organization"]["name"]
        self.opening, self.closing = Decimal(self.data["opening"]), Decimal(self.data["closing"])
        self.usage, self.calls = self.data["usage"], self.data["calls"]

    @property
    def sha256(self):
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def by_kind(self):
        return [
            {**row, "label": KINDS.get(row["kind"], row["kind"]), "amount": Decimal(row["amount"])}
            for row in self.data["by_kind"]
        ]

    @property
    def sum(self):
        return self.closing - self.opening

    @property
    def postings(self):
        """Each with the balance after it."""
        balance = self.opening
        for row in self.data["postings"]:
            amount = Decimal(row["amount"])
            balance += amount
            of_month = row["of_month"] and months.from_slug(row["of_month"])
            label = KINDS.get(row["kind"], row["kind"])
            clock = row["time"][:16].replace("T", " ")
            own = {"amount": amount, "balance": balance, "of_month": of_month, "label": label, "clock": clock}
            yield {**row, **own}

    @property
    def changes(self):
        return [{**row, "month": months.from_slug(row["month"])} for row in self.data["changes"]]

    def months_named(self):
        """The earlier months that a posting or a change belongs to."""
        found = {row["of_month"] for row in self.data["postings"]}
        return {months.from_slug(text) for text in found if text} | {row["month"] for row in self.changes}


def computed(organization_id, month):
    """The Content of a month out of the rows as they are now."""
    return Content(one("select billing.statement_content(%s, %s)", organization_id, month))


def problem(organization_id, month):
    """Why the month cannot be closed, as a sentence; None where it can, or is closed."""
    return one("select billing.month_problem(%s, %s)", organization_id, month)


def one(query, *params):
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()[0]


@dataclass
class Check:
    """A statement made again: whether its text hashes to what is stored, and whether today's rows give the same."""

    statement: Statement
    again: Content

    @property
    def is_intact(self):
        """Whether the stored text is the one that was hashed."""
        return Content(self.statement.content).sha256 == self.statement.sha256

    @property
    def is_same(self):
        return self.again.sha256 == self.statement.sha256

    @property
    def differences(self):
        """[(what, stated, now)] of the figures that differ; a list that differs says how many entries it has."""
        stated, now = (json.loads(text) for text in (self.statement.content, self.again.text))
        return list(differing(stated, now))


def differing(stated, now, path=""):
    for key in sorted({*stated, *now}):
        one, other = stated.get(key), now.get(key)
        name = f"{path}{key.replace('_', ' ')}"
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differing(one, other, f"{name}: ")
        elif one != other:
            if isinstance(one, list) and isinstance(other, list):
                kept = sum(item in other for item in one)
                one, other = f"{len(one)} entries", f"{len(other)} entries, {kept} of them the same"
            yield name, one, other


def check(statement):
    return Check(statement, computed(statement.organization_id, statement.month))


def csv_lines(content):
    """The statement as CSV, line by line; texts are safe in a spreadsheet."""
    write = csv.writer(Line()).writerow

    def line(section, **values):
        values = {"section": section, "month": content.data["month"], **values}
        return write(
            [guarded(str(values.get(name) if values.get(name) is not None else "")) for name in CSV_HEAD]
        )

    yield write(CSV_HEAD)
    yield line("opening", amount=content.data["opening"])
    for row in content.data["postings"]:
        yield line(
            "posting", posting=row["id"], time=row["time"], kind=row["kind"], reason=row["reason"],
            reference=row["reference"], amount=row["amount"], month=row["of_month"] or content.data["month"],
        )  # fmt: skip
    for row in content.data["by_kind"]:
        yield line("by kind", kind=row["kind"], rows=row["rows"], amount=row["amount"])
    for row in content.usage["parts"]:
        yield line("usage", cost_usd=row["cost"], **row)
    yield line("usage total", cost_usd=content.usage["cost"], **content.usage)
    yield line("calls", cost_usd=content.calls["cost"], **content.calls)
    for row in content.data["changes"]:
        yield line(
            "change of usage", month=row["month"], rows=row["usage_rows"], tokens=row["tokens"],
            without_cost=row["usage_without_cost"], cost_usd=row["usage_cost"],
        )  # fmt: skip
        yield line(
            "change of calls", month=row["month"], rows=row["calls"], seconds=row["seconds"],
            without_cost=row["calls_without_cost"], cost_usd=row["call_cost"],
        )  # fmt: skip
    yield line("closing", amount=content.data["closing"])
