"""The connection is killed before each statement of a write in turn: all of it is there in the end, or nothing."""

import uuid
from decimal import Decimal

import pytest
from django.db import InterfaceError, OperationalError, connection

from backoffice import testing
from billing import services
from billing.models import CreditRequest, CreditTransaction
from tenants.models import Organization
from tenants.tests.factories import make_organization

MOST_STATEMENTS = 60


class Killer:
    """Kills the connection's backend before its n-th statement."""

    def __init__(self, database, number):
        self.database, self.left = database, number

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == 0:
            pid = connection.connection.info.backend_pid
            with self.database.server.connect() as admin:
                admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
        return execute(sql, params, many, context)


def killed_before_each_statement(database, action):
    """Runs it, killed before its first, second, … statement; yields after each, and ends when it went through."""
    for number in range(1, MOST_STATEMENTS):
        killer = Killer(database, number)
        try:
            with connection.execute_wrapper(killer):
                action()
        except (OperationalError, InterfaceError):
            connection.close()
            yield number
        else:
            assert killer.left > 0
            return
    raise AssertionError("It has more statements than that.")


@pytest.fixture
def database(fresh_database):
    with fresh_database.platform():
        make_organization(credits_balance="10.00")
    with fresh_database.django():
        yield fresh_database


def books():
    """(balance, [amounts])."""
    amounts = CreditTransaction.objects.filter(reason="Broken off").values_list("amount", flat=True)
    return Organization.objects.get().credits_balance, list(amounts)


NOTHING = (Decimal("10.00"), [])
WHOLE = (Decimal("12.50"), [Decimal("2.50")])


def test_a_posting_is_whole_or_not_there_and_sent_again_it_counts_once(database):
    tenant, actor, key = Organization.objects.get(), testing.make_user("finance"), uuid.uuid4()
    seen = []

    def post():
        services.post_credit(
            tenant,
            actor=actor,
            reason="Broken off",
            kind="correction",
            amount=Decimal("2.50"),
            idempotency_key=key,
        )

    for number in killed_before_each_statement(database, post):
        seen.append(books())
        assert seen[-1] in (NOTHING, WHOLE), number
    assert seen[0] == NOTHING and books() == WHOLE


def test_an_approval_is_whole_or_not_there(database):
    tenant, second = Organization.objects.get(), testing.make_user("manager")
    request = services.request_credit(
        tenant,
        actor=testing.make_user("finance"),
        reason="Broken off",
        kind="correction",
        amount=Decimal("2.50"),
    )

    def approve():
        if CreditRequest.objects.get(pk=request.pk).status == "pending":
            services.decide_request(request, actor=second, approve=True)

    for number in killed_before_each_statement(database, approve):
        decided = CreditRequest.objects.get(pk=request.pk).status
        assert (decided, books()) in (("pending", NOTHING), ("approved", WHOLE)), number
    assert books() == WHOLE
