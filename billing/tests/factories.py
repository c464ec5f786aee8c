import json
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models.functions import Coalesce
from django.test import override_settings
from django.utils import timezone

from agents.tests.factories import make_agent
from backoffice import months
from backoffice.models import User
from backoffice.testing import make_user, platform
from billing.models import (
    BulkPosting,
    CreditLimit,
    CreditTransaction,
    Price,
    ReconciliationFinding,
    ReconciliationRun,
    Settlement,
    SettlementDay,
    Statement,
    UsageLog,
)
from billing.services import adopt_change, request_credit
from billing.settlement.days import settled_days
from billing.settlement.run import settle_through
from tenants.models import Organization
from tenants.tests.factories import change, insert, make_organization, serial


def make_usage(agent=None, **fields):
    """Usage of an agent, charged to its organization, without a cost, as the platform leaves it."""
    agent = agent or make_agent()
    fields = {"organization_id": agent.organization_id, "tokens_used": 100, "channel": "text", **fields}
    return insert(UsageLog, agent=agent, **fields)


def make_posting(organization=None, amount="10.00", kind="top_up", reason="", actor="Somebody in finance"):
    """A ledger row, posted as the back office posts it; the balance of `organization` changes with it."""
    organization = organization or make_organization()
    with platform(), connection.cursor() as cursor:
        cursor.execute("select set_config('backoffice.actor', %s, true)", [actor])
        cursor.execute(
            "select id from post_credit(%s, %s, %s, %s)",
            [organization.pk, Decimal(amount), kind, reason or f"Invoice {serial()}"],
        )
        (posting,) = cursor.fetchone()
        cursor.execute("select set_config('backoffice.actor', '', true)")
    organization.refresh_from_db()
    return CreditTransaction.objects.get(pk=posting)


def make_outside(organization=None, amount="-1.00"):
    """A ledger row as the runtime leaves one: it wrote a balance by itself."""
    organization = organization or make_organization()
    with platform():
        Organization.objects.filter(pk=organization.pk).update(
            credits_balance=Coalesce("credits_balance", Decimal(0)) + Decimal(amount)
        )
    organization.refresh_from_db()
    return CreditTransaction.objects.filter(organization_id=organization.pk).first()


def make_adoption(change=None, *, actor=None, reason="It was the runtime's own deduction", reference=""):
    change = change or make_outside()
    actor = actor or make_user("finance", email=f"adopts{serial()}@example.test")
    return adopt_change(change, actor=actor, reason=reason, reference=reference)


def make_reversal(posting, amount=None):
    """What takes a posting back, or `amount` of it, as the platform."""
    with platform(), connection.cursor() as cursor:
        cursor.execute("select set_config('backoffice.actor', 'Somebody in finance', true)")
        cursor.execute(
            "select id from post_credit(%s, %s, 'reversal', 'Taken back', null, null, null, %s)",
            [posting.organization_id, -posting.amount if amount is None else Decimal(amount), posting.pk],
        )
        (pk,) = cursor.fetchone()
        cursor.execute("select set_config('backoffice.actor', '', true)")
    return CreditTransaction.objects.get(pk=pk)


def set_limits(role="Finance", per_posting="99999999.99", per_day="9999999999.99"):
    """What a role may post alone; without limits to speak of by default."""
    with platform():
        CreditLimit.objects.filter(name=role).update(
            per_posting=Decimal(per_posting), per_day=Decimal(per_day)
        )


def make_back_dated(organization, amount, at, **fields):
    """A ledger row of another time, put in by the database's owner; the balance stays as it is."""
    fields = {"kind": "top_up", "reason": f"Invoice {serial()}", "actor": "Somebody", **fields}
    return insert_posting(organization, amount=Decimal(amount), created_at=at, **fields)


def insert_posting(organization, **fields):
    with platform():
        return CreditTransaction.objects.create(
            organization_id=organization.pk,
            organization_name=organization.name,
            balance_after=0,
            db_role="postgres",
            **fields,
        )


def make_statement(organization=None, month=None):
    """A closed month of an organization, by itself the last one that is over."""
    organization = organization or make_organization()
    month = month or months.before(months.current())
    if organization.created_at and organization.created_at >= months.bounds(month)[1]:
        change(organization, created_at=months.bounds(month)[0])
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "select set_config('backoffice.actor', 'Somebody', true), set_config('backoffice.actor_id', '0', true),"
            " set_config('backoffice.reason', 'Month end', true)"
        )
        cursor.execute("select (billing.close_month(%s, %s)).id", [organization.pk, month])
        (pk,) = cursor.fetchone()
        cursor.execute("select set_config('backoffice.actor', '', true)")
    return Statement.objects.get(pk=pk)


def make_bulk_posting(*organizations, amount="5.00", name="", actor="Somebody in finance"):
    """A checked file with a row for each organization, which waits; checked by an account that is gone."""
    rows = [
        {
            "number": number,
            "given": str(organization.pk),
            "organization_id": str(organization.pk),
            "amount": amount,
            "given_amount": amount,
            "reason": f"Ticket {serial()}",
        }
        for number, organization in enumerate(organizations or [make_organization()], 2)
    ]
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "select set_config('backoffice.actor', %s, true), set_config('backoffice.actor_id', '0', true),"
            " set_config('backoffice.reason', 'File', true), set_config('credits.role', 'Finance', true)",
            [actor],
        )
        number = serial()
        cursor.execute(
            "select billing.add_bulk_posting(%s, %s, 'goodwill', %s, 7)",
            [name or f"file{number}.csv", f"sha{number}", json.dumps(rows)],
        )
        (pk,) = cursor.fetchone()
        cursor.execute(
            "select set_config('backoffice.actor', '', true), set_config('backoffice.actor_id', '', true),"
            " set_config('backoffice.reason', '', true), set_config('credits.role', '', true)"
        )
    return BulkPosting.objects.get(pk=pk)


def make_request(user, organization=None, amount="5000.00", **fields):
    """A CreditRequest of `user` that waits for somebody else."""
    fields = {"kind": "top_up", "reason": f"Invoice {serial()}", **fields}
    return request_credit(organization or make_organization(), actor=user, amount=Decimal(amount), **fields)


def expire(request):
    """Lets a request's time run out."""
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "update billing.credit_request set expires_at = now() - interval '1 second' where id = %s",
            [request.pk],
        )
    request.refresh_from_db()


def make_run(**fields):
    """A check of all balances that found nothing."""
    fields = {
        "as_of": timezone.now(),
        "seconds": Decimal("1.50"),
        "actor_name": "Nightly check",
        "organizations": 1,
        "ledger_rows": 1,
        "drift": 0,
        **dict.fromkeys(["balance", "ledger", "settled", "late", "pending"], Decimal(0)),
        **fields,
    }
    return ReconciliationRun.objects.create(**fields)


def make_finding(run=None, organization=None, rule="balance", **fields):
    """What a check found: by default a balance one cent above its ledger."""
    organization = organization or make_organization()
    fields = {
        "organization_name": organization.name,
        "amount": Decimal("0.01"),
        "diverged_at": timezone.now(),
        "detail": "Balance 0.01, ledger 0.00.",
        "url": organization.get_absolute_url(),
        **fields,
    }
    return ReconciliationFinding.objects.create(
        run=run or make_run(drift=1, found={rule: [1, "0.01"]}),
        organization=organization,
        rule=rule,
        **fields,
    )


def make_price(model="gpt-x", usd="2", valid_from="2020-01-01"):
    """A price of a model, as if from before the tests began."""
    with platform():
        return Price.objects.create(model=model, valid_from=valid_from, usd_per_1000=Decimal(usd))


def make_settlement(organization=None, cost="1.0000", day=None, actor=None):
    """Usage of an organization on the next day to settle, from 2025 on, and its settlement."""
    organization = organization or make_organization()
    actor = actor or User.objects.filter(groups__name="Finance").first() or make_user("finance")
    with override_settings(SETTLEMENT_FROM=day or date(2025, 1, 1)):
        day = settled_days().next
        agent = make_agent(organization=organization)
        make_usage(agent, cost_usd=cost, created_at=f"{day} 12:00+00")
        settle_through(day, actor=actor, reason="Daily settlement")
    return Settlement.objects.get(organization_id=organization.pk, day=day)


def make_settlement_day():
    return SettlementDay.objects.get(day=make_settlement().day)
