"""Places in a list, and the indexes that every order stands on. (That paging misses no row is shown for every list.)"""

import re
import uuid

import pytest
from django.db import connection
from django.db.models import CharField, DateField, F, TextField, UUIDField, Value
from django.db.models.functions import Cast
from django.http import QueryDict
from django.urls import URLPattern, get_resolver

from backoffice import generic, keyset
from backoffice.testing_crud import TEXTS
from billing.models import UsageLog
from billing.tests.factories import make_usage
from tenants.models import Organization
from tenants.tests.factories import make_organization


@pytest.mark.parametrize("key", [*TEXTS, "infinity", "2026-01-01 00:00:00.000001+00", '"]', "\u2028"])
def test_a_place_survives_the_address(key):
    pk = uuid.uuid4()
    params = QueryDict(mutable=True)
    params["after"] = keyset.encode(key, pk)
    assert keyset.decode(QueryDict(params.urlencode())["after"], Organization) == (key, pk)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "e30",
        "W10",
        "WzFd",
        "%00",
        "é",
        "bnVsbA",
        keyset.encode("\0", uuid.UUID(int=1)),
        keyset.encode("a", "no-uuid"),
        keyset.encode(5, uuid.UUID(int=1)),
        keyset.encode(None, uuid.UUID(int=1)),
    ],
)
def test_a_place_that_we_did_not_give_out_is_told(text):
    with pytest.raises(keyset.BadCursor):
        keyset.decode(text, Organization)


def lists(patterns=None):
    for entry in patterns or get_resolver().url_patterns:
        if not isinstance(entry, URLPattern):
            yield from lists(entry.url_patterns)
        elif issubclass(getattr(entry.callback, "view_class", object), generic.ListView):
            yield entry.callback.view_class


# Days left and spending are computed of two tables with one row per tenant: sorted, as bench/ledger.py measures.
SORTED = {("BalanceList", name) for name in ("days28", "days7", "spent28", "spent7")}
ORDERS = [(view, name) for view in lists() for name in view.orders if (view.__name__, name) not in SORTED]


@pytest.mark.parametrize(("view", "name"), ORDERS, ids=lambda part: getattr(part, "__name__", part))
def test_every_order_is_read_from_an_index_without_sorting(db, view, name):
    for falling in (True, False):
        for place in ("", "after", "before"):
            plan = explain(view, view.orders[name], falling, place)
            # Where the key is unique, an index on it alone does: rows of one key are sorted, which is one row.
            assert "Index" in plan and not re.search(r"(?<!Incremental )Sort +\(cost", plan), plan


def explain(view, order, falling, place):
    """The plan of one page, where nothing but an index could give the order cheaply."""
    down = falling != (place == "before")
    meta = view.model._meta
    key_type = meta.get_field(order.key.name) if isinstance(order.key, F) else order.key.output_field
    rows = view.model._base_manager.annotate(page_key=Cast(order.key, TextField()))
    if place:
        key = "infinity" if isinstance(key_type, DateField | CharField) else "1"
        pk = str(uuid.uuid4()) if isinstance(meta.pk, UUIDField) else "1"
        boundary = Cast(Value(key), key_type), Cast(Value(pk), meta.pk)
        rows = rows.filter(keyset.RowCompare(order.key, F("pk"), *boundary, operator="<" if down else ">"))
    keys = [order.key.desc(), F("pk").desc()] if down else [order.key.asc(), F("pk").asc()]
    with connection.cursor() as cursor:
        cursor.execute(
            "set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off"
        )
    return rows.order_by(*keys)[:51].explain()


class TestTotal:
    def test_is_exact_for_what_can_be_counted(self, db):
        for _ in range(3):
            make_organization()
        assert str(keyset.total(Organization.objects.all(), filtered=False)) == "3"
        assert str(keyset.total(Organization.objects.filter(name="x"), filtered=True)) == "0"

    def test_stops_counting_and_says_so(self, db, monkeypatch):
        monkeypatch.setattr(keyset, "COUNT_LIMIT", 2)
        for _ in range(4):
            make_organization()
        total = keyset.total(Organization.objects.all(), filtered=True)
        assert (str(total), total.kind) == ("2+", "at_least")

    def test_a_large_table_is_estimated_without_counting(
        self, db, owner, monkeypatch, django_assert_num_queries
    ):
        usage = make_usage()
        owner(
            "insert into usage_logs (agent_id, organization_id) select %s, %s from generate_series(1, 500)",
            [usage.agent_id, usage.organization_id],
        )
        owner("analyze usage_logs")
        monkeypatch.setattr(keyset, "COUNT_LIMIT", 100)
        with django_assert_num_queries(1):
            total = keyset.total(UsageLog.objects.all(), filtered=False)
        assert (str(total), total.kind) == ("about 501", "about")


class TestTotalOfPage:
    """What read_page() counts along with the rows."""

    def total(self, rows, filtered=False, limit=10, **params):
        options = {"descending": False, "size": 2, "counting": keyset.Counting(filtered, limit)}
        return keyset.read_page(rows, F("name"), params=params, **options).total

    def test_is_that_of_the_list_wherever_one_is(self, db, django_assert_num_queries):
        for name in "abcde":
            make_organization(name=name)
        tenants = Organization.objects.all()
        after_c = keyset.encode("c", tenants.get(name="c").pk)
        for place in ({}, {"after": after_c}, {"before": after_c}, {"last": "1"}):
            with django_assert_num_queries(1):
                assert str(self.total(tenants, **place)) == "5", place
            assert str(self.total(tenants.exclude(name="a"), filtered=True, **place)) == "4", place
            assert str(self.total(tenants, limit=4, **place)) == "4+", place
        assert self.total(tenants, after=keyset.encode("f", uuid.uuid4())) is None, "beyond the end"
        with django_assert_num_queries(1):
            assert str(self.total(tenants.filter(name="x"), filtered=True)) == "0"
        assert str(self.total(tenants.none(), filtered=True)) == "0"

    def test_of_a_large_table_is_the_estimate(self, db, owner, monkeypatch):
        for _ in range(5):
            make_organization()
        owner("analyze organizations")
        monkeypatch.setattr(keyset, "COUNT_LIMIT", 4)
        assert str(self.total(Organization.objects.all())) == "about 5"
        assert str(self.total(Organization.objects.all(), filtered=True)) == "5"

    def test_is_not_counted_where_no_row_is_found_even_by_several_processes(self, db, owner):
        usage = make_usage()
        owner(
            "insert into usage_logs (agent_id, organization_id) select %s, %s from generate_series(1, 5000)",
            [usage.agent_id, usage.organization_id],
        )
        owner("analyze usage_logs")
        rows = UsageLog.objects.filter(channel="none").order_by()
        counts = keyset.counts_of(rows, keyset.Counting(True, 10))
        with connection.cursor() as cursor:
            for name in ("min_parallel_table_scan_size", "parallel_setup_cost", "parallel_tuple_cost"):
                cursor.execute("select set_config(%s, '0', true)", [name])
            plan = rows.annotate(**counts).explain(analyze=True)
        assert "Gather" in plan and "InitPlan" in plan
        assert re.search(r"InitPlan.*\n.*Aggregate .*never executed", plan), plan


class TestOfOneParent:
    def test_is_a_list_narrowed_by_one_foreign_key_alone(self, db):
        tenant, usage = make_organization(), UsageLog.objects.all()
        for narrowed in (usage.filter(organization=tenant), tenant.usage_logs.order_by("-id")):
            assert keyset.parent_of(narrowed.query) == ('"usage_logs"."organization_id"', tenant.pk, True)
        through = keyset.parent_of(usage.filter(agent__organization=tenant).query)
        assert through == ('"agents"."organization_id"', tenant.pk, False)
        inner = Organization.objects.filter(name="x").values("pk")
        for other in (
            usage, usage.exclude(organization=tenant), usage.filter(organization=tenant, channel="text"),
            usage.filter(organization=inner[:1]), usage.filter(organization=None),
            usage.filter(organization__in=[tenant]), usage.filter(channel="text"), usage.none(),
        ):  # fmt: skip
            assert keyset.parent_of(other.query) is None, str(other.query) if other else ""

    def test_is_counted_by_its_key(self, db):
        one, other = make_usage(), make_usage()
        usage = UsageLog.objects.filter(organization=one.organization_id)
        assert str(keyset.total(usage, filtered=True)) == "1"
        assert str(keyset.total(usage.filter(channel="none"), filtered=True)) == "0"
        assert (keyset.total(usage, filtered=True, limit=1).kind, other.pk == one.pk) == ("exact", False)

    def test_a_statement_that_is_kept_counts_for_each_key(self, db, monkeypatch):
        one, two = make_usage(), make_usage()
        make_usage(agent=two.agent)

        def usage_of(tenant):
            return UsageLog.objects.filter(organization=tenant).exclude(channel="none")

        wanted = ((one.organization_id, "1"), (two.organization_id, "2"), (uuid.uuid4(), "0"))
        for tenant, number in wanted:
            assert str(keyset.kept_total("usage", usage_of, tenant)) == number
        monkeypatch.setattr(keyset, "COUNT_LIMIT", 1)
        assert str(keyset.kept_total("usage up to 1", usage_of, two.organization_id)) == "1+"
        with pytest.raises(ValueError, match="Not each"):
            keyset.kept_total("all usage", lambda tenant: UsageLog.objects.all(), one.organization_id)


def test_null_counts_as_zero_or_as_long_ago(db):
    low = make_organization(credits_balance="-1.00")
    none = make_organization(credits_balance=None, created_at=None)
    by_balance = Organization.objects.order_by(keyset.zero_if_null("credits_balance"), "pk")
    assert list(by_balance) == [low, none]
    assert list(Organization.objects.order_by(keyset.newest().asc())) == [none, low]
