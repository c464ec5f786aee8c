"""The price table: added and corrected with a reason, refused where it would not be a price, and what is missing."""

import datetime
import re
from decimal import Decimal

import pytest
from django.db import connection

from agents.tests.factories import make_agent
from backoffice.audit_models import AuditEvent
from backoffice.testing_crud import HOSTILE, TEXTS, PageTests, check_page, form_values, set_column
from billing.models import Price
from billing.settlement import prices
from billing.settlement.prices import estimate, models_without_price
from billing.tests.factories import make_price, make_usage

LIST, ADD, MISSING = "/billing/prices/", "/billing/prices/add/", "/billing/prices/missing/"


class TestPricePages(PageTests):
    model = Price
    odd_rows = False  # the database takes none

    def test_an_id_that_does_not_exist_is_404(self, finance_client):
        for page in ("", "edit/"):
            check_page(finance_client.get(f"{LIST}{10**15}/{page}"), 404)

    def make(self, n):
        return make_price(f"model-{n}", valid_from=f"20{n + 10}-01-01")

    def spread(self, rows, order):
        for row, text in zip(rows, TEXTS, strict=True):
            set_column(row, "model", text.strip() or "blank")
        return "model"


def add(client, **data):
    values = form_values(client.get(ADD))
    return client.post(ADD, values | {"model": "gpt-9", "valid_from": "2026-03-01", "usd_per_1000": "0.0025",
                                      "reason": "Price list of March", **data})  # fmt: skip


def test_a_price_is_added_and_corrected_with_a_reason(finance_client):
    assert add(finance_client).status_code == 302
    price = Price.objects.get()
    assert (price.model, price.usd_per_1000) == ("gpt-9", Decimal("0.0025"))
    assert AuditEvent.objects.of(price).get().reason == "Price list of March"
    url = price.get_absolute_url() + "edit/"
    form = form_values(finance_client.get(url)) | {"usd_per_1000": "0.003"}
    assert "This field is required" in check_page(finance_client.post(url, form), 422)
    assert finance_client.post(url, form | {"reason": "Typed wrong"}).status_code == 302
    changed = AuditEvent.objects.of(price).first()
    assert (changed.changes["usd_per_1000"], changed.reason) == ([0.0025, 0.003], "Typed wrong")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("usd_per_1000", ""),
        ("usd_per_1000", "-0.01"),
        ("usd_per_1000", "NaN"),
        ("usd_per_1000", "1e3"),
        ("usd_per_1000", "0.0000001"),
        ("usd_per_1000", "1000000"),
        ("model", " "),
        ("model", "x" * 101),
        ("model", "a\nb"),
        ("model", "a\0b"),
        ("valid_from", "soon"),
        ("valid_from", ""),
        ("reason", ""),
    ],
)
def test_what_is_no_price_is_refused_beside_its_field(finance_client, field, value):
    response = add(finance_client, **{field: value})
    check_page(response, 422)
    assert list(response.context["form"].errors) == [field]
    assert not Price.objects.exists()


def test_a_second_price_of_the_same_day_is_refused(finance_client):
    make_price("gpt-9", valid_from="2026-03-01")
    response = add(finance_client)
    assert "This model has a price from that day on already" in check_page(response, 422)
    assert add(finance_client, valid_from="2026-03-02").status_code == 302
    assert add(finance_client, model="GPT-9").status_code == 302


def test_models_that_are_used_without_a_price_are_listed_with_a_way_to_add_it(finance_client):
    agent = make_agent()
    for tokens in (2_000_000_000, 2_000_000_000):
        make_usage(agent, model_used=HOSTILE, tokens_used=tokens)
    make_usage(agent, model_used="priced", tokens_used=5)
    make_usage(agent, model_used="dear", tokens_used=7, cost_usd="1.0000")
    make_usage(agent, model_used="old", tokens_used=7, created_at="2020-01-01 00:00+00")
    make_usage(agent, model_used=None, tokens_used=1), make_usage(agent, model_used="", tokens_used=1)
    make_price("priced")
    make_price(HOSTILE, valid_from="2999-01-01")
    assert models_without_price() == [(HOSTILE, 2, 4_000_000_000), (None, 2, 2)]
    assert MISSING in check_page(finance_client.get(LIST))
    html = check_page(finance_client.get(MISSING))
    assert "4,000,000,000" in html and "model not recorded" in html
    assert f"{ADD}?model=" in html
    nothing = re.search(r'href="([^"]*model=null[^"]*)"', html)[1].replace("&amp;", "&")
    assert len(finance_client.get(nothing).context["rows"]) == 2


def test_support_sees_prices_and_adds_none(support_client):
    price = make_price()
    check_page(support_client.get(price.get_absolute_url()))
    make_usage(model_used="dear", tokens_used=7)
    html = check_page(support_client.get(MISSING))
    assert "7 tokens" in html and ADD not in html
    assert ADD not in check_page(support_client.get(LIST))
    for url in (ADD, price.get_absolute_url() + "edit/"):
        check_page(support_client.get(url), 403)


def test_unpriced_usage_shows_its_estimate_marked(support_client):
    make_price("gpt-x", "0.0003", "2026-01-01")
    newer = make_price("gpt-x", "0.0005", "2026-03-01")
    make_price("gpt-x", "9", "2026-03-02")
    usage = make_usage(model_used="gpt-x", tokens_used=50, created_at="2026-03-01 23:59+00")
    assert estimate(usage) == (Decimal("0.000025"), newer)
    html = check_page(support_client.get(usage.get_absolute_url()))
    assert "0.000025 USD" in html and "estimated" in html and newer.get_absolute_url() in html
    for fields in ({"cost_usd": "0.5000"}, {"model_used": "other"}, {"tokens_used": 0}, {"created_at": None},
                   {"created_at": datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)}, {"model_used": None}):  # fmt: skip
        other = make_usage(**{"model_used": "gpt-x", **fields})
        html = check_page(support_client.get(other.get_absolute_url()))
        assert "USD per 1,000 tokens" not in html, fields


def test_too_much_usage_to_count_does_not_keep_the_prices_back(finance_client, monkeypatch):
    make_price("gpt-x")
    monkeypatch.setattr(prices, "WITHOUT", "select null, %s::text, pg_sleep(20)")
    with connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = '1s'")
    assert "gpt-x" in check_page(finance_client.get(LIST))
    assert "too much usage to say here" in check_page(finance_client.get(MISSING))


def test_all_usage_has_a_cost_or_a_price(finance_client):
    make_usage(model_used="dear", tokens_used=7, cost_usd="1.0000")
    assert "has a cost, or a price" in check_page(finance_client.get(MISSING))
    panel = finance_client.get(MISSING, headers={"HX-Request": "true"}).text
    assert "has a cost, or a price" in panel and "<html" not in panel


def test_the_table_of_prices_reads_no_usage(finance_client, django_assert_max_num_queries):
    finance_client.get(LIST)
    with django_assert_max_num_queries(8) as queries:
        finance_client.get(LIST)
    assert not any("usage_logs" in query["sql"] for query in queries.captured_queries)
