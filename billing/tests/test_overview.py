"""A month in figures: parts sum to the whole, and each figure opens just the rows that it counts."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from agents.tests.factories import make_agent
from backoffice.models import ReadLog
from backoffice.testing_crud import HOSTILE, check_page, client_with, count_queries, set_column
from billing.overview import read
from billing.tests.factories import make_usage
from billing.views import overview
from telephony.tests.factories import make_call, make_number
from tenants.tests.factories import make_organization

OCTOBER = date(2025, 10, 1)
FIRST, LAST = datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC) - timedelta(microseconds=1)
URL = "/billing/overview/"
MODELS = ["gpt", " gpt", "GPT", "", None, "null", HOSTILE, "a&b=c", "gpt "]


@pytest.fixture
def world(db):
    """Two tenants with awkward usage and calls in October, and some beside it."""
    one, other = make_organization(name="One"), make_organization(name="Other")
    agents = [make_agent(one), make_agent(one), make_agent(other)]
    for n, model in enumerate(MODELS):
        agent = agents[n % 3]
        fields = {"model_used": model, "channel": ["text", None, "", "null", "fax"][n % 5]}
        make_usage(agent, created_at=FIRST, cost_usd=Decimal(n) / 10000, tokens_used=n, **fields)
        row = make_usage(agent, created_at=LAST, cost_usd=None, **fields)
        if n % 2:
            set_column(row, "cost_usd", "NaN")
    make_usage(
        agents[2], organization_id=one.pk, created_at=FIRST, cost_usd="2147.4836", tokens_used=2**31 - 1
    )
    for moment in (FIRST - timedelta(microseconds=1), LAST + timedelta(microseconds=1)):
        make_usage(agents[0], created_at=moment, cost_usd="7")
    for moment in (None, "infinity", "-infinity"):
        set_column(make_usage(agents[0], cost_usd="7"), "created_at", moment)
        set_column(make_call(one, cost="7"), "created_at", moment)
    numbers = [make_number(one), make_number(other), None]
    for n in range(9):
        number = numbers[n % 3]
        call = make_call(
            [one, other, one][n % 3],
            phone_number=number,
            created_at=[FIRST, LAST][n % 2],
            duration_seconds=[0, None, 61, -5][n % 4],
            cost=[None, Decimal("0.3333"), Decimal(0)][n % 3],
            status=["active", "stale", "completed", None][n % 4],
        )
        if n == 4:
            set_column(call, "cost", "NaN")
    return one


def rows_at(client, url):
    """All rows of the list at an address."""
    response = client.get(url)
    check_page(response)
    assert not list(response.context["ignored"]) and not response.context["filterset"].form.errors, url
    return list(response.context["filterset"].qs)


def figures_of(rows):
    """The same figures, added up one by one."""
    costs = [getattr(row, "cost_usd", getattr(row, "cost", None)) for row in rows]
    return len(rows), sum(cost for cost in costs if cost is not None and not cost.is_nan())


@pytest.mark.parametrize("by", read.CUTS)
@pytest.mark.parametrize("narrowed", [False, True])
@pytest.mark.parametrize("shown", [100, 2])
def test_parts_sum_to_the_whole_and_open_their_rows(manager_client, world, monkeypatch, by, narrowed, shown):
    monkeypatch.setattr(overview, "SHOWN", shown)
    url = f"{URL}?month=2025-10&by={by}" + (f"&organization={world.pk}" if narrowed else "")
    seen = []
    while url:
        response = manager_client.get(url)
        check_page(response)
        context = response.context
        whole, parts = context["whole"], context["parts"]
        others = [context["others"]] if context["others"] else []
        assert read.added([*(part["figures"] for part in parts), *others]) == whole["figures"]
        seen += [part["key"] for part in parts]
        for line in [*parts, whole]:
            for name, address in line["urls"].items():
                count = getattr(line["figures"], name)
                assert bool(address) == bool(count)
                if address:
                    rows = rows_at(manager_client, address)
                    assert len(rows) == count, (name, address)
                    if name == "rows":
                        assert figures_of(rows) == (count, line["figures"].cost), address
        url = context["more_url"]
    assert len(seen) == len(set(seen)) == context["groups"]
    assert whole["figures"].rows == {
        (True, False): 9, (True, True): 6, (False, False): 19, (False, True): 13
    }[read.CUTS[by].of_calls, narrowed]  # fmt: skip


def test_rows_that_belong_to_no_month_are_counted_and_found(support_client, world):
    for by in ("organization", "calls"):
        context = support_client.get(f"{URL}?month=2025-10&by={by}").context
        assert context["without_month"] == 3
        assert len(rows_at(support_client, context["without_month_url"])) == 3


def test_what_nobody_recorded_is_one_group_and_names_are_told_apart_to_the_letter(support_client, world):
    parts = support_client.get(f"{URL}?month=2025-10&by=model").context["parts"]
    assert {part["key"] for part in parts} == {"gpt", " gpt", "GPT", None, HOSTILE, "a&b=c", "gpt "}


def test_file_holds_all_groups_and_the_whole(finance_client, world, monkeypatch):
    monkeypatch.setattr(overview, "SHOWN", 1)
    for by, cut in read.CUTS.items():
        response = finance_client.get(f"{URL}csv/?month=2025-10&by={by}")
        *parts, whole = csv.DictReader(io.StringIO(response.getvalue().decode()))
        assert whole["key"] == "all" and len(parts) > 1
        for name in overview.CALL_HEAD if cut.of_calls else overview.USAGE_HEAD:
            assert sum(Decimal(part[name]) for part in parts) == Decimal(whole[name])
    assert ReadLog.objects.filter(kind="export").count() == len(read.CUTS)


@pytest.mark.parametrize(
    "query",
    ["by=nonsense", "start=99999999", "start=-1", "start=²", "by=model&start=x", "month=2031-01", ""],
)
def test_odd_addresses_are_answered(support_client, world, query):
    check_page(support_client.get(f"{URL}?{query}"))


@pytest.mark.parametrize("query", ["month=", "month=2025", "month=9999-01", "organization=x"])
def test_what_cannot_be_read_is_said_beside_its_field(support_client, query):
    for url in (URL, URL + "csv/"):
        assert "_error" in check_page(support_client.get(f"{url}?{query}"), 422)


def test_costs_the_same_for_many_groups(support_client, world):
    for by in read.CUTS:
        few = count_queries(support_client, f"{URL}?month=2025-10&by={by}")
        assert len(few) <= 8, few


def test_calls_need_the_right_to_see_calls(db):
    client = client_with("billing.view_usagelog")
    check_page(client.get(f"{URL}?by=model"))
    assert "telephony.view_calllog" in check_page(client.get(f"{URL}?by=calls"), 403)
