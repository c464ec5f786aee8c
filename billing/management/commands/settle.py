import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from backoffice.models import User
from billing.settlement.days import settled_days
from billing.settlement.preview import preview
from billing.settlement.run import PERMISSION, settle_through

REASON = "Daily settlement of usage and calls"


class Command(BaseCommand):
    help = (
        "Turns usage and calls of days that are over (in UTC) into ledger debits, once, whatever is run twice or at "
        "the same time. Off without SETTLEMENT_FROM; docs/settlement.md explains it. Exit status 1 if it could not, or "
        "if a tenant was refused."
    )

    def add_arguments(self, parser):
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--through", metavar="DAY", help="the last day to settle (yesterday)")
        until.add_argument("--day", help="this day alone; it has to be the next one")
        parser.add_argument(
            "--dry-run", action="store_true", help="write nothing: print totals, and whose calls would stop"
        )
        parser.add_argument(
            "--as",
            dest="account",
            metavar="MAIL",
            default=settings.SETTLEMENT_ACCOUNT,
            help="the account that acts (SETTLEMENT_ACCOUNT)",
        )
        parser.add_argument("--reason", default=REASON, help=f"kept in the history (“{REASON}”)")

    def handle(self, *, through, day, dry_run, account, reason, **options):
        days = settled_days()
        last = parsed(day or through) or days.last
        try:
            if day and days.is_on and last > days.next:
                raise CommandError(f"The next day to settle is {days.next}, not {last}.")
            is_settled = days.watermark is not None and days.is_on and last <= days.watermark
            if is_settled or (not (day or through) and days.is_on and not days.waiting):
                self.stdout.write(f"Nothing to settle: every day up to {days.watermark or days.last} is.")
                return
            if dry_run:
                self.show(preview(days, last, seconds=3600))
                return
            days.refuse(last)
            outcome = settle_through(last, actor=account_of(account), reason=reason)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(str(outcome))
        if outcome.refused:
            raise CommandError("Not settled: " + ", ".join(str(pk) for pk in outcome.refused))

    def show(self, found):
        unit = settings.CREDIT_UNIT
        write = self.stdout.write
        write(f"Dry run from {found.first} through {found.through}; nothing is written.")
        write(
            f"{found.settlements:,} settlements of {len(found.tenants):,} organizations, {found.rows:,} rows:"
        )
        write(f"  usage      {found.usage_cost:>20,.4f} USD, estimated of it {found.estimated_cost:,.4f}")
        write(f"  calls      {found.call_cost:>20,.4f} USD")
        write(f"  late       {found.late_cost:>20,.4f} USD, contained in these")
        write(f"  to take    {found.amount:>20,.2f} {unit}")
        for heading, tenants in (
            ("Going to zero or below, which stops their calls", found.stopped),
            ("At zero or below already, and going further", found.sinking),
        ):
            write(f"{heading}: {len(tenants):,}")
            for tenant in tenants:
                write(f"  {tenant.id}  {tenant.before:>14,.2f} → {tenant.after:>14,.2f}  {tenant.name}")
        for problem in found.problems:
            model = f", model {problem.model or 'not recorded'}" if problem.source == "usage" else ""
            rows = f"{problem.rows:,} {problem.source} row{'' if problem.rows == 1 else 's'}"
            write(f"Left out: {rows}{model}, {problem.tokens:,} tokens: {problem.words}.")


def parsed(text):
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f"“{text}” is not a day such as 2026-12-01.") from None


def account_of(mail):
    user = (
        User.objects.filter(email=User.objects.normalize_email(mail), is_active=True).first()
        if mail
        else None
    )
    if user is None:
        raise CommandError("Say whose name it is done in: --as MAIL of an account, or SETTLEMENT_ACCOUNT.")
    if not user.has_perm(PERMISSION):
        raise CommandError(
            f"The account {user.email} may not settle days; it lacks the permission {PERMISSION}."
        )
    return user
