"""Which lines of a file can be posted, and what is wrong with the others. Reads three times, however many lines."""

import re
import uuid
from collections import defaultdict
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models.functions import Lower

from backoffice.forms import AmountField
from billing.models import BulkPostingRow
from tenants.models import Organization, UserProfile

Problem = BulkPostingRow.Problem
BALANCE_LIMIT = Decimal(100_000_000)  # as in public.post_credit
AMOUNT = AmountField(max_digits=10, decimal_places=2)
AMBIGUOUS_AMOUNT = re.compile(r"[+-]?\d{1,3},\d{3}")
LONGEST = {"organization": 320, "amount": 40, "reason": 500, "reference": 200}
CANDIDATES_NAMED = 5


def check_lines(lines, *, most):
    """One dict per Line with the columns of BulkPostingRow, as billing.add_bulk_posting takes them.

    `most` is what whoever checks may post at once. `problem` is the first of a line's problems, `message` tells all.
    """
    found = Found(lines)
    seen = {}
    return [check_line(line, found, seen, most) for line in lines]


class Found:
    """The organizations that the lines name, by id and by mail address of their owner."""

    def __init__(self, lines):
        given = {line.organization for line in lines}
        ids = {value for text in given if (value := id_of(text))}
        mails = {text.lower() for text in given if "@" in text}
        owners = defaultdict(list)
        for pk, mail in (
            UserProfile.objects.annotate(mail=Lower("email")).filter(mail__in=mails).values_list("pk", "mail")
        ):
            owners[pk].append(mail)
        self.by_id = {row.pk: row for row in Organization.objects.filter(pk__in=ids).only(*COLUMNS)}
        self.by_mail = defaultdict(list)
        owned = Organization.objects.filter(owner__in=list(owners)).only(*COLUMNS, "owner")
        for row in owned.order_by("name", "pk"):
            for mail in owners[row.owner_id]:
                self.by_mail[mail].append(row)

    def candidates(self, text):
        if "@" in text:
            return self.by_mail.get(text.lower(), [])
        row = self.by_id.get(id_of(text))
        return [row] if row else []


COLUMNS = ("id", "name", "credits_balance")


def id_of(text):
    """The UUID of a text, None if it is none."""
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def check_line(line, found, seen, most):
    """`seen` is {organization's id: number of the line that named it first}; it grows with each line."""
    faults = []  # (problem, sentence), the first counts
    if line.fault:
        faults.append((Problem.MALFORMED, line.fault))
    amount, sentence = amount_of(line)
    if sentence and not line.fault:
        faults.append((Problem.MALFORMED, sentence))
    if not line.fault:
        faults += [(Problem.MALFORMED, sentence) for sentence in texts_wrong(line)]
    organization, fault = organization_of(line, found)
    if fault and not line.fault:
        faults.append(fault)
    if organization:
        if (first := seen.setdefault(organization.pk, line.number)) != line.number:
            faults.append((Problem.DUPLICATE, f"Line {first} names the same organization."))
        if amount is not None:
            faults += amount_faults(amount, organization, most)
    return {
        "number": line.number,
        "given": line.organization[: LONGEST["organization"]],
        "organization_id": str(organization.pk) if organization else None,
        "organization_name": organization.name if organization else None,
        "amount": None if amount is None else str(amount),
        "given_amount": line.amount[: LONGEST["amount"]],
        "reason": line.reason[: LONGEST["reason"]],
        "reference": line.reference[: LONGEST["reference"]] or None,
        "problem": faults[0][0].value if faults else None,
        "message": " ".join(sentence for _, sentence in faults) or None,
    }


def amount_of(line):
    """(the amount or None, what is wrong with it)."""
    if not line.is_comma_separated and AMBIGUOUS_AMOUNT.fullmatch(line.amount):
        return None, "The comma of the amount may be a decimal one: write it without, or with two places."
    try:
        amount = AMOUNT.clean(line.amount)
    except ValidationError as error:
        words = "It has no amount." if not line.amount else f"Amount: {' '.join(error.messages)}"
        return None, words
    if amount == 0:
        return None, "The amount is zero."
    return amount, ""


def texts_wrong(line):
    if not line.organization:
        yield "It names no organization."
    elif "@" not in line.organization and id_of(line.organization) is None:
        yield "The organization is neither an id nor a mail address."
    if not line.reason:
        yield "It has no reason."
    for name in ("organization", "reason", "reference"):
        if len(getattr(line, name)) > LONGEST[name]:
            yield f"The {name} is longer than {LONGEST[name]} characters."


def organization_of(line, found):
    """(the Organization or None, (problem, sentence) or None)."""
    candidates = found.candidates(line.organization)
    if len(candidates) == 1:
        return candidates[0], None
    if candidates:
        names = [f"{row.name} ({row.pk})" for row in candidates[:CANDIDATES_NAMED]]
        if len(candidates) > CANDIDATES_NAMED:
            names.append(f"{len(candidates) - CANDIDATES_NAMED} more")
        return None, (Problem.AMBIGUOUS, f"The address owns {len(candidates)}: {', '.join(names)}.")
    if "@" in line.organization:
        return None, (Problem.UNKNOWN, "No organization is owned by this mail address.")
    if id_of(line.organization):
        return None, (Problem.UNKNOWN, "There is no organization of this id.")
    return None, None


def amount_faults(amount, organization, most):
    if abs(amount) > most:
        yield (
            Problem.OVER_LIMIT,
            f"Your role may post {most:,.2f} at once: ask for this one by itself.",
        )
    if abs(balance_of(organization) + amount) >= BALANCE_LIMIT:
        yield Problem.OUT_OF_RANGE, "The balance would pass 100,000,000."


def balance_of(organization):
    """The balance as the ledger counts it: without a number it is zero."""
    balance = organization.credits_balance
    return Decimal(0) if balance is None or balance.is_nan() else balance
