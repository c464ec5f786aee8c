import csv
import json
import sys
import time
import uuid

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from backoffice.spreadsheets import guarded
from billing.reconciliation.check import checking, plain
from billing.reconciliation.rules import RULES
from billing.reconciliation.runs import keep

CLEAN, DRIFT, NOT_CHECKED = 0, 1, 2


class Command(BaseCommand):
    help = (
        "Checks that every balance is what its ledger says, that settlements are their postings and that closed months "
        "add up, over one moment of the database; changes no balance. Says what it found, and what of usage and calls "
        "is settled, late and pending. A check of all organizations is kept and shown on the page Reconciliation. "
        "Exit status: 0 all explain themselves, 1 drift was found, 2 it could not be checked."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--organization", metavar="ID", help="check one organization only")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--quiet", action="store_true", help="say nothing unless there is drift")
        how.add_argument("--json", action="store_true", help="print figures and findings as JSON")
        how.add_argument("--csv", action="store_true", help="print one line per organization as CSV")

    def handle(self, *, organization, quiet, **options):
        began = time.monotonic()
        try:
            only = uuid.UUID(organization) if organization else None
        except ValueError:
            raise CommandError(
                f"“{organization}” is no id of an organization.", returncode=NOT_CHECKED
            ) from None
        try:
            with checking(only) as check:
                result = check.run()
                if options["csv"]:
                    self.write_csv(check)
            if only and not (result.organizations or result.ledger_rows):
                raise CommandError("There is no such organization, and never was.", returncode=NOT_CHECKED)
            seconds = time.monotonic() - began
            if not only:
                keep(result, seconds=seconds, actor_name="manage.py reconcile")
        except DatabaseError as error:
            raise CommandError(f"It could not be checked: {error}".strip(), returncode=NOT_CHECKED) from error
        if options["json"]:
            self.stdout.write(json.dumps(as_json(result, seconds), cls=DjangoJSONEncoder, indent=2))
        elif not options["csv"] and (result.drift or not quiet):
            for line in words(result, seconds):
                self.stdout.write(line)
        if result.drift:
            sys.exit(DRIFT)

    def write_csv(self, check):
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(
            [
                "organization_id",
                "name",
                "balance",
                "ledger",
                "difference",
                "settled_usd",
                "late_usd",
                "pending_usd",
            ]
        )
        for key, name, *figures in check.figures():
            writer.writerow([key, guarded(name), *figures])


def words(result, seconds):
    """The lines that tell a person what was found."""
    unit = settings.CREDIT_UNIT
    yield (
        f"Checked {counted(result.organizations, 'organization')} and {counted(result.ledger_rows, 'ledger row')} as of"
        f" {result.as_of:%Y-%m-%d %H:%M:%S} UTC in {seconds:.1f} s."
    )
    yield f"Balances {result.balance:,} {unit}, ledger {result.ledger:,} {unit}."
    if result.settled_from is None:
        yield f"Settlement is off. Usage and calls not settled: {plain(result.pending)} USD."
    else:
        until = f"up to {result.watermark}" if result.watermark else "nothing so far"
        yield (
            f"Usage and calls settled {until}: {plain(result.settled)} USD. Late (goes into the next settlement):"
            f" {plain(result.late)} USD. Pending (newer): {plain(result.pending)} USD."
        )
    for name, (count, amount) in sorted(result.found.items(), key=lambda item: list(RULES).index(item[0])):
        rule = RULES[name]
        kind = "DRIFT" if rule.is_drift else "Known"
        called = unit if rule.unit == "credits" else rule.unit
        yield f"{kind}: {rule.label}: {count:,} ({in_unit(amount, rule)} {called})"
        shown = [finding for finding in result.findings if finding.rule == name]
        for finding in shown:
            yield f"  {finding.organization_name or '(no name)'} ({finding.organization_id}): {detail(finding)}"
        if shown and count > len(shown):
            yield f"  … and {count - len(shown):,} more"
    yield (
        f"{counted(result.drift, 'finding')} of drift."
        if result.drift
        else "All balances explain themselves."
    )


def in_unit(amount, rule):
    """Credits with their two places; what has more of them, and USD, as it is."""
    return f"{amount:,.2f}" if rule.unit == "credits" and amount == round(amount, 2) else plain(amount)


def counted(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def detail(finding):
    off = "" if finding.amount is None else f" Off by {in_unit(finding.amount, RULES[finding.rule])}"
    when = (
        ""
        if finding.diverged_at is None
        else f", {'after' if finding.is_after else 'since'} {finding.diverged_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    return f"{finding.detail}{off}{when}".strip()


def as_json(result, seconds):
    return {
        "as_of": result.as_of,
        "seconds": round(seconds, 2),
        "organizations": result.organizations,
        "ledger_rows": result.ledger_rows,
        "balance": result.balance,
        "ledger": result.ledger,
        "settled_from": result.settled_from,
        "watermark": result.watermark,
        "settled_usd": result.settled,
        "late_usd": result.late,
        "pending_usd": result.pending,
        "drift": result.drift,
        "found": {rule: {"count": count, "amount": amount} for rule, (count, amount) in result.found.items()},
        "findings": [vars(finding) for finding in result.findings],
    }
