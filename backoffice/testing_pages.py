"""What the pages of every object have to do, also with rows that the platform could have written."""

import uuid

import pytest
from django.db import connection, models
from django.urls import NoReverseMatch, reverse

from backoffice.testing import platform
from backoffice.testing_client import (
    case,
    check_page,
    client_with,
    count_queries,
    everything_but,
    set_column,
    table,
)
from backoffice.testing_lists import ListTests

HOSTILE = "<script>alert(1)</script> '\" {{ 7 }} %s \u202egnp.exe"
MEGABYTE = "x" * 1_000_000
MOST_QUERIES_ON_A_LIST = 8
ODD_TIMES = ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC", "0001-01-01", "9999-12-31 23:59:59"]
ODD_JSON = [
    {"a": [1]},
    ["a", None, {}],
    "text",
    7,
    False,
    [],
    {},
    [[[[[["deep"]]]]]],
    {"a": {"<b>": {"c": {"d": HOSTILE}}}},
]


class PageTests(ListTests):
    """List and record. The subclass gives `model` and `make(n)`; `self.obj` is a row."""

    model = None
    # Permissions with which the list and the record open; others are derived as generic.ModelPage does.
    odd_rows = True
    most_queries = MOST_QUERIES_ON_A_LIST

    def make(self, n):
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _one_row(self, db):
        self.obj = self.make(0)

    def permission(self, action):
        return f"{self.model._meta.app_label}.{action}_{self.model._meta.model_name}"

    def url(self, page, pk=None):
        """The address of a page; "" where the object has no such page."""
        try:
            args = [] if page in ("list", "add", "export") else [self.obj.pk if pk is None else pk]
            return reverse(f"{self.model._meta.app_label}:{self.model._meta.model_name}_{page}", args=args)
        except NoReverseMatch:
            return ""

    def pages(self):
        """[(page, permission)] of those that the object has."""
        found = [
            ("list", "view"),
            ("detail", "view"),
            ("add", "add"),
            ("edit", "change"),
            ("delete", "delete"),
        ]
        return [(page, self.permission(action)) for page, action in found if self.url(page)]

    def odd(self, **fields):
        """A row with such values, written by the platform."""
        with platform():
            self.model.objects.filter(pk=self.obj.pk).update(**fields)
        return self.obj

    def fields(self, *kinds):
        return [
            field
            for field in self.model._meta.concrete_fields
            if isinstance(field, kinds) and not field.primary_key and not field.is_relation
        ]

    def assert_shown(self, client):
        """List, record and every page of a form open with the row."""
        for page, _ in self.pages():
            check_page(client.get(self.url(page)))

    # Who may

    def test_nobody_comes_in_without_signing_in(self, client):
        for page, _ in self.pages():
            response = client.get(self.url(page))
            assert (response.status_code, response.url.split("?")[0]) == (302, reverse("account_login")), page

    def test_each_page_opens_with_its_one_permission(self):
        for page, permission in self.pages():
            check_page(client_with(permission, email=f"{page}@example.test").get(self.url(page)))

    def test_each_page_is_refused_without_its_permission_and_names_it(self):
        for permission in {permission for _, permission in self.pages()}:
            client = everything_but(permission)
            for page, needed in self.pages():
                if needed == permission:
                    html = check_page(client.get(self.url(page)), 403)
                    assert permission in html, page
                    assert client.post(self.url(page), {}).status_code in (403, 405), page

    def test_an_id_that_does_not_exist_is_404(self, admin_client):
        for page, _ in self.pages():
            if page in ("list", "add"):
                continue
            number = not isinstance(self.model._meta.pk, models.UUIDField)
            check_page(admin_client.get(self.url(page, 10**15 if number else uuid.uuid4())), 404)
            broken = self.url(page).replace(str(self.obj.pk), "not-an-id")
            check_page(admin_client.get(broken), 404)

    # The list

    def test_list_and_record_show_the_row(self, support_client, manager_client):
        client = support_client if support_client.user.has_perm(self.permission("view")) else manager_client
        html = check_page(client.get(self.url("list")))
        assert self.url("detail") in html
        assert str(self.obj.pk) in check_page(client.get(self.url("detail")))

    def test_list_costs_the_same_for_one_row_and_for_ten(self, support_client, manager_client):
        client = support_client if support_client.user.has_perm(self.permission("view")) else manager_client
        few = count_queries(client, self.url("list"))
        for n in range(1, 10):
            self.make(n)
        many = count_queries(client, self.url("list"))
        assert len(many) == len(few), (few, many)
        assert len(many) <= self.most_queries, many

    # Rows that nobody expected

    def test_null_in_every_nullable_column_is_shown(self, admin_client):
        if self.odd_rows:
            self.empty_row()
            self.assert_shown(admin_client)

    def empty_row(self):
        columns = [
            field for field in self.model._meta.concrete_fields if field.null and not self.is_required(field)
        ]
        self.odd(**{field.attname: None for field in columns})

    def is_required(self, field):
        with connection.cursor() as cursor:
            cursor.execute(
                "select attnotnull from pg_attribute where attrelid = to_regclass(%s) and attname = %s",
                [table(self.model._meta), field.column],
            )
            return cursor.fetchone()[0]

    def test_values_outside_every_known_set_are_shown_as_text(self, admin_client):
        if self.odd_rows:
            texts = [f for f in self.fields(models.CharField, models.TextField) if not self.is_checked(f)]
            self.odd(**{field.attname: HOSTILE[: field.max_length] for field in texts})
            self.assert_shown(admin_client)

    def is_checked(self, field):
        """Whether the database itself lists what the column may hold."""
        return field.name == "role" or (
            self.model._meta.label_lower in ("backoffice.auditevent", "backoffice.readlog")
            and (field.name in ("action", "source", "kind"))
        )

    def test_a_text_of_a_megabyte_is_shown(self, admin_client):
        if self.odd_rows:
            long = [
                field
                for field in self.fields(models.CharField, models.TextField)
                if field.max_length is None
                and not field.unique
                and not self.is_checked(field)
                and field.name not in ("table_name", "row_id")
            ]
            if long:
                self.odd(**{field.attname: MEGABYTE for field in long})
                self.assert_shown(admin_client)

    def test_times_beyond_the_calendar_are_shown(self, admin_client, admin):
        for value in ODD_TIMES if self.odd_rows else ():
            zone = "Pacific/Kiritimati" if value > "9" else "America/Los_Angeles"
            type(admin).objects.filter(pk=admin.pk).update(time_zone=zone)
            with case(value):
                for field in self.fields(models.DateTimeField):
                    set_column(self.obj, field.column, value)
                self.assert_shown(admin_client)

    def test_json_of_the_wrong_shape_is_shown(self, admin_client):
        columns = self.fields(models.JSONField)
        for value in ODD_JSON if self.odd_rows and columns else ():
            with case(value):
                self.odd(**{field.attname: models.Value(value, models.JSONField()) for field in columns})
                self.assert_shown(admin_client)

    def test_json_nested_very_deeply_is_shown(self, admin_client):
        columns = self.fields(models.JSONField)
        if self.odd_rows and columns:
            for field in columns:
                set_column(self.obj, field.column, "[" * 500 + "]" * 500)
            self.assert_shown(admin_client)

    def test_numbers_out_of_range_are_shown(self, admin_client):
        columns = self.fields(models.IntegerField)
        for number in (-1, -2_147_483_648, 2_147_483_647) if self.odd_rows and columns else ():
            with case(number):
                self.odd(**{field.attname: number for field in columns})
                self.assert_shown(admin_client)

    def test_amounts_that_are_none_are_shown(self, admin_client):
        columns = self.fields(models.DecimalField)
        for number in ("NaN", "-1", "-9.99") if self.odd_rows and columns else ():
            with case(number):
                for field in columns:
                    if (field.column, number) != (
                        "credits_balance",
                        "NaN",
                    ):  # refused by the ledger's trigger
                        set_column(self.obj, field.column, number)
                self.assert_shown(admin_client)
