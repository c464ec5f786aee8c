"""Reading as a tenant: the connection of the tenant's view, and what is left of it afterwards."""

import pytest
from django.db import DatabaseError, InternalError, connections, transaction

from backoffice.postgresql.base import PREVIEW
from backoffice.preview import NotPermitted, as_tenant, permitted
from tenants.models import Organization
from tenants.tests.factories import make_organization


@pytest.fixture(scope="module")
def organizations(module_database, django_db_blocker):
    with django_db_blocker.unblock(), module_database.platform():
        return [make_organization(name="Ada"), make_organization(name="Bob")]


@pytest.fixture
def tenants(organizations, module_database, django_db_blocker):
    """Two tenants' organizations, with the database pointed at."""
    with django_db_blocker.unblock(), module_database.django():
        yield organizations


def seen():
    return [one.name for one in Organization.objects.using(PREVIEW)]


def execute(sql):
    with connections[PREVIEW].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_each_transaction_sees_what_its_login_may_see(tenants):
    ada, bob = tenants
    with as_tenant(ada.owner_id):
        assert seen() == ["Ada"]
    with as_tenant(bob.owner_id):
        assert seen() == ["Bob"]


def test_nothing_is_left_for_whoever_comes_next(tenants):
    with as_tenant(tenants[0].owner_id):
        assert execute("select current_user, current_setting('search_path')") == [("authenticated", "public")]
    with pytest.raises(DatabaseError, match="permission denied"):
        seen()
    claims = "select current_user, nullif(current_setting('request.jwt.claims', true), '')"
    assert execute(claims) == [("backoffice_preview", None)]


def test_what_is_refused_is_told_and_the_rest_goes_on(tenants):
    with as_tenant(tenants[0].owner_id):
        with (
            pytest.raises(NotPermitted, match="permission denied for table credit_transactions"),
            permitted(),
        ):
            execute("select * from credit_transactions")
        assert seen() == ["Ada"]


@pytest.mark.parametrize(
    "sql",
    [
        "update organizations set name = 'taken'",
        "set transaction read write",
        "set role backoffice",
        "set role service_role",
        "select * from audit.event",
        "select * from backoffice.backoffice_user",
    ],
)
def test_nothing_else_can_be_done_in_it(tenants, sql):
    with as_tenant(tenants[0].owner_id):
        with pytest.raises(DatabaseError), transaction.atomic(using=PREVIEW):
            execute(sql)
        assert seen() == ["Ada"]


def test_saving_by_mistake_fails(tenants):
    with as_tenant(tenants[0].owner_id):
        row = Organization.objects.using(PREVIEW).get()
        row.name = "taken"
        with pytest.raises(InternalError, match="read-only transaction"), transaction.atomic(using=PREVIEW):
            row.save()


def test_it_stands_in_no_other_transaction(tenants):
    with transaction.atomic(), pytest.raises(RuntimeError), as_tenant(tenants[0].owner_id):
        pass
    with as_tenant(tenants[0].owner_id), pytest.raises(RuntimeError), as_tenant(tenants[1].owner_id):
        pass
