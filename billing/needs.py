"""What waits about money, for the dashboard."""

from backoffice import months
from backoffice.addresses import fixed_address
from backoffice.keyset import total, zero_if_null
from backoffice.needs import Need
from billing.models import BulkPosting, CreditRequest, CreditTransaction, ReconciliationRun, Statement
from billing.settlement.days import settled_days
from tenants.models import Organization


def decisions(user):
    """Postings and files that wait for this person's yes or no."""
    found = []
    if user.has_perm("billing.decide_credit"):
        found.append(
            Need(
                "Requests to decide",
                "inbox",
                count(CreditRequest.objects.decidable_by(user)),
                f"{fixed_address('billing:creditrequest_list')}?state=for_me",
                "postings over somebody's limit",
            )
        )
    if user.has_perm("billing.decide_bulk_posting"):
        found.append(
            Need(
                "Bulk postings to decide",
                "files",
                count(BulkPosting.objects.waiting_for(user)),
                f"{fixed_address('billing:bulkposting_list')}?status=mine",
            )
        )
    return found


def balances(user):
    """Balances that stop calls, and changes that nobody stands for."""
    found = []
    if user.has_perm("billing.post_credit"):
        gone = Organization.objects.alias(at_most=zero_if_null("credits_balance"))
        found.append(
            Need(
                "Balances at or under zero",
                "circle-dollar-sign",
                # Said twice: the index has NULL as zero.
                count(gone.filter(at_most__lte=0, credits_balance__lte=0)),
                f"{fixed_address('billing:balance_list')}?balance=gone",
                "calls are refused",
                "bad",
            )
        )
    if user.has_perm("billing.adopt_change"):
        found.append(
            Need(
                "Changes of credit from outside",
                "triangle-alert",
                count(CreditTransaction.objects.unexplained()),
                f"{fixed_address('billing:credittransaction_list')}?outside=unexplained",
                "nobody stands for them",
                "bad",
            )
        )
    if user.has_perm("billing.run_reconciliation"):
        drift = ReconciliationRun.objects.order_by("-pk").values_list("drift", flat=True).first()
        found.append(
            Need(
                "Findings of the last reconciliation",
                "shield-check",
                drift or 0,
                fixed_address("billing:reconciliation"),
                "balances that do not explain themselves",
                "bad",
            )
        )
    return found


def closing(user):
    """Days to settle, and the month that is over and has no statement."""
    found = []
    if user.has_perm("billing.settle"):
        days = settled_days()
        note = "days (UTC) that are over" if days.is_on else "settlement is off"
        found.append(
            Need(
                "Days to settle",
                "calendar-check",
                days.waiting,
                fixed_address("billing:settlementday_list"),
                note,
            )
        )
    if user.has_perm("billing.close_month"):
        month = months.before(months.current())
        is_open = not Statement.objects.filter(month=month).exists()
        found.append(
            Need(
                f"{months.name_of(month)} to close",
                "scroll-text",
                int(is_open),
                f"{fixed_address('billing:statement_list')}?month={months.slug_of(month)}",
                "no statement yet",
            )
        )
    return found


def count(queryset):
    return total(queryset, filtered=True).number
