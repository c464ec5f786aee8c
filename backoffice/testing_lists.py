"""What every list has to do with orders, places and filters, whatever stands in its address; part of PageTests."""

import itertools

from django.db import connection, models
from django.utils.http import urlencode

from backoffice.generic import lists
from backoffice.testing_client import case, check_page, set_column, table

# Values under which paging has to visit every row once: several rows share one, NULL stands beside -infinity.
TIMES = [
    None,
    "infinity",
    "2026-01-01 00:00:00.000001+00",
    "-infinity",
    None,
    "2026-01-01 00:00:00.000001+00",
    "infinity",
    "2026-01-01 00:00:00.000002+00",
    "-infinity",
    None,
    "2026-01-01 00:00:00.000001+00",
    "0044-03-15 00:00:00+00 BC",
]
AMOUNTS = [None, "0", "-5.10", "5", "5", None, "5", "99999999.99", "0", "-5.10", "0.01", None]
# Places in a list that nobody handed out.
NO_PLACES = [
    "x",
    "%00",
    "é",
    "e30",
    "bnVsbA",
    "WzEsMl0",
    "WyJhIiwiYiJd",
    "WyJ4IiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
    "WyJcdTAwMDAiLCIxIl0",
    "W10",
    "A" * 5000,
]
ODD_FILTERS = [
    "nonsense",
    "\0",
    "x" * 10_000,
    "%_\\",
    "'; drop table agents; --",
    "2026-02-30",
    "null",
    "-1",
    "\u202e",
    "0001-01-01",
    "9999-12-31",
    "00000000-0000-0000-0000-000000000000",
]
TEXTS = ["", "same", "Same", "same", "Ärger", "zebra 100%", "O'Brien", "same", " ", "日本", "a_b", "same"]


class ListTests:
    def test_an_order_that_does_not_exist_is_the_usual_one(self, admin_client):
        usual = admin_client.get(self.url("list"))
        for sort in ("nonsense", "-nonsense", "--", "-", "\0", "id;drop table x", "created,name"):
            with case(sort):
                odd = admin_client.get(self.url("list"), {"sort": sort})
                check_page(odd)
                assert odd.context["rows"] == usual.context["rows"]

    def test_a_place_that_does_not_exist_leads_to_the_beginning(self, admin_client):
        for side, place in itertools.product(("after", "before"), NO_PLACES):
            with case(side, place):
                response = admin_client.get(self.url("list"), {side: place, "sort": "nonsense"})
                if response.status_code != 200:  # a text column sorts by any text
                    assert (response.status_code, response.url) == (302, "?sort=nonsense")

    def test_paging_visits_every_row_once_in_every_order(self, admin_client, monkeypatch):
        monkeypatch.setattr(lists, "PAGE_SIZE", 5)
        view = self.list_view()
        rows = [self.obj, *(self.make(n) for n in range(1, len(TIMES)))]
        for name, order in view.orders.items():
            column = self.spread(rows, order)
            for falling in (False, True):
                expected = self.expected_order(column, order, falling)
                self.walk(admin_client, f"-{name}" if falling else name, expected)

    def list_view(self):
        from django.urls import resolve

        return resolve(self.url("list")).func.view_class

    def spread(self, rows, order):
        """Gives the column of an order values that are easily lost. Returns its name in the database."""
        sources = (
            [order.key, *order.key.get_source_expressions()]
            if hasattr(order.key, "get_source_expressions")
            else [order.key]
        )
        name = next(source.name for source in sources if isinstance(source, models.F))
        field = self.model._meta.get_field(name)
        if field.primary_key:
            return field.column
        if isinstance(field, models.DateTimeField):
            values = TIMES
        elif isinstance(field, models.DecimalField):
            values = AMOUNTS
        else:
            values = [f"{text}{n if field.unique else ''}" for n, text in enumerate(TEXTS)]
        for row, value in zip(rows, values, strict=True):
            set_column(row, field.column, value)
        return field.column

    def expected_order(self, column, order, falling):
        """Ids as the database sorts them, with NULL as the page understands it."""
        field = next(field for field in self.model._meta.concrete_fields if field.column == column)
        key = f'"{column}"'
        if isinstance(field, models.DateTimeField):
            key = f"coalesce({key}, '-infinity')"
        elif isinstance(field, models.DecimalField):
            key = f"coalesce({key}, 0)"
        way = "desc" if falling else "asc"
        with connection.cursor() as cursor:
            cursor.execute(f"select id from {table(self.model._meta)} order by {key} {way}, id {way}")
            return [row[0] for row in cursor.fetchall()]

    def walk(self, client, sort, expected):
        """Follows the links of the pager to the end, back again, and to the last page at once."""
        url, seen, last = f"{self.url('list')}?{urlencode({'sort': sort})}", [], ""
        first = client.get(url)
        while url:
            response = client.get(url)
            page = [row.pk for row in response.context["rows"]]
            seen += page
            last, url = url, self.follow(response, "next_url")
            assert len(seen) <= len(expected)
        assert seen == expected, sort
        end = page
        seen, url = [], last
        while url:
            response = client.get(url)
            seen = [row.pk for row in response.context["rows"]] + seen
            url = self.follow(response, "previous_url")
            assert len(seen) <= len(expected)
        assert seen == expected, sort
        assert not response.context["previous_url"]
        if first.context["last_url"]:
            response = client.get(self.follow(first, "last_url"))
            at_once = [row.pk for row in response.context["rows"]]
            assert at_once == expected[-len(first.context["rows"]) :]
            assert not response.context["next_url"] and end == expected[-len(end) :]
            back = client.get(self.follow(response, "first_url"))
            assert [row.pk for row in back.context["rows"]] == expected[: len(at_once)]

    def follow(self, response, name):
        address = str(response.context[name] or "")
        return self.url("list") + address if address else ""

    # Filters

    def filters(self):
        return self.list_view().filterset_class.base_filters

    def test_any_value_of_a_filter_is_answered_by_the_list(self, admin_client):
        for value, names in itertools.product(ODD_FILTERS, (list(self.filters()), ["q"])):
            with case(value, names):
                response = admin_client.get(self.url("list"), dict.fromkeys(names, value))
                html = check_page(response)
                form = response.context["filterset"].form
                for name in names:
                    assert form.data[name] == value
                    assert (f'id="id_{name}_error"' in html) == (name in form.errors), name

    def test_a_date_or_row_that_is_none_says_so_beside_its_field(self, admin_client):
        from backoffice.filters import DayFilter, RowFilter

        for name, filter_ in self.filters().items():
            if isinstance(filter_, DayFilter | RowFilter):
                response = admin_client.get(self.url("list"), {name: "nonsense", "q": "zzz"})
                assert f'id="id_{name}_error"' in response.content.decode(), name
                assert response.context["filterset"].form["q"].value() == "zzz"
                assert response.context["rows"] == [], "the other filter holds"
