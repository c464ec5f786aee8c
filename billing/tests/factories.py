from decimal import Decimal

from django.db import connection

from agents.tests.factories import make_agent
from backoffice.testing import platform
from billing.models import CreditLimit, CreditTransaction, UsageLog
from tenants.tests.factories import insert, make_organization, serial


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


def set_limits(role="Finance", per_posting="99999999.99", per_day="9999999999.99"):
    """What a role may post alone; without limits to speak of by default."""
    with platform():
        CreditLimit.objects.filter(name=role).update(
            per_posting=Decimal(per_posting), per_day=Decimal(per_day)
        )
