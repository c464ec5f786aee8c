"""What the pages of every object have to do, brought along by one class per object.

    class TestPhoneNumberPages(CrudTests):
        model = PhoneNumber
        edit_data = {"provider_sid": "PN1"}
        ...

PageTests is for objects that are only looked at (list and record), CrudTests adds creating, editing and deleting.
Each test asks over HTTP and looks at the page and the row, with rows that the platform could have written.
"""

import contextlib
import functools
import itertools
import re
import uuid
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from backoffice.generic import lists
from backoffice.models import AuditEvent
from backoffice.testing import make_user, platform, sign_in

HOSTILE = "<script>alert(1)</script> '\" {{ 7 }} %s \u202egnp.exe"
MEGABYTE = "x" * 1_000_000
MOST_QUERIES_ON_A_LIST = 8
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
TEXTS = ["", "same", "Same", "same", "Ärger", "zebra 100%", "O'Brien", "same", " ", "日本", "a_b", "same"]


# A start tag (or a comment, in which nothing counts), and an attribute with its value. Quotes hold a ">"; an odd one,
# as hostile text could leave, holds nothing.
TAG = re.compile(r"""<!--.*?-->|<[a-z](?:[^>"']++|"[^"]*+"|'[^']*+'|["'])*+>""", re.DOTALL | re.IGNORECASE)
ATTRIBUTE = re.compile(r"""([^\s/=>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")


@functools.lru_cache(maxsize=10_000)
def read_tag(text):
    """(name, id or "", whether a strict CSP would block something in it) of a start tag."""
    (name, *_), *attributes = ATTRIBUTE.findall(text[1:-1])
    name, attrs = name.lower(), {key.lower(): "".join(values) for key, *values in attributes}
    inline = name == "style" or (
        name == "script" and not attrs.get("src") and "json" not in attrs.get("type", "")
    )
    return name, attrs.get("id", ""), inline or any(key == "style" or key.startswith("on") for key in attrs)


class Markup:
    """What a page holds that all tests ask for: its headings, its ids, and whatever a strict CSP would block.

    Found by expressions: most tags of a page are those of any other, and a parser takes ten times as long.
    """

    def __init__(self, html):
        self.headings = 0
        self.blocked = []
        self.ids = []
        for text in TAG.findall(html):
            if text.startswith("<!--"):
                continue
            name, id, is_blocked = read_tag(text)
            self.headings += name == "h1"
            if id:
                self.ids.append(id)
            if is_blocked:
                self.blocked.append(text)


class Forms(HTMLParser):
    """The forms of a page, with what a browser would send: [{method, data {name: value or [values]}}]."""

    def __init__(self, html):
        super().__init__()
        self.forms = []
        self.form = {"data": {}}
        self.select = self.textarea = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.form = {"method": attrs.get("method", "get"), "data": {}}
            self.forms.append(self.form)
        name, data = attrs.get("name"), self.form["data"]
        if tag == "input" and name and attrs.get("type") not in ("submit", "button"):
            if attrs.get("type") not in ("radio", "checkbox") or "checked" in attrs:
                value = attrs.get("value", "on" if attrs.get("type") == "checkbox" else "")
                if attrs.get("type") == "checkbox" and name in data:  # several boxes of one field
                    value = [*data[name], value] if isinstance(data[name], list) else [data[name], value]
                data[name] = value
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in attrs or self.select not in data):
            data[self.select] = attrs.get("value", "")
        elif tag == "textarea":
            self.textarea = name
            data[name] = ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = {"data": {}}
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            # A browser drops the line break that Django puts first, and sends the others as CR LF.
            data = self.form["data"]
            text = re.sub(r"^\r?\n", "", data[self.textarea])
            data[self.textarea] = re.sub(r"\r?\n", "\r\n", text)
            self.textarea = None

    def handle_data(self, text):
        if self.textarea:
            self.form["data"][self.textarea] += text


def check_page(response, status=200):
    """Asserts the status, the Content-Security-Policy, one <h1>, no id twice and nothing inline. Returns the html."""
    html = response.content.decode()
    assert response.status_code == status, (
        response.status_code,
        response.headers.get("Location"),
        html[-3000:],
    )
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy, policy
    markup = Markup(html)
    assert markup.blocked == []
    assert markup.headings == 1
    assert sorted(markup.ids) == sorted(set(markup.ids))
    return html


def form_values(response):
    """What a browser would send for the form of the page that has most fields, untouched."""
    forms = [form for form in Forms(response.content.decode()).forms if form["method"] == "post"]
    # Those of the bar at the top come first.
    return max(reversed(forms), key=lambda form: len(form["data"]))["data"]


def client_of(user):
    client = Client()
    sign_in(client, user)
    client.user = user
    return client


def client_with(*permissions, email="one@example.test"):
    """A client of somebody whose role holds just these permissions ("app.codename")."""
    user = make_user("support", email=email)
    role = Group.objects.create(name=email)
    user.groups.set([role])
    names = {permission.split(".")[1] for permission in permissions}
    found = Permission.objects.select_related("content_type").filter(codename__in=names)
    role.permissions.set([permission for permission in found if name_of(permission) in permissions])
    return client_of(user)


def everything_but(permission):
    held = {name_of(permission) for permission in Permission.objects.select_related("content_type")}
    # Finance opens the same form with a right of its own.
    own = {"tenants.change_tier"} if permission == "tenants.change_userprofile" else set()
    return client_with(*held - own - {permission}, email=f"not.{permission}@example.test")


def name_of(permission):
    return f"{permission.content_type.app_label}.{permission.codename}"


@contextlib.contextmanager
def case(*values):
    """One of several cases of a test, which share their rows, as making these takes longer than asking: what it did in
    the database is undone, and an error names it.
    """
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except BaseException as error:
        error.add_note(f"In the case {', '.join(repr(value)[:100] for value in values)}")
        raise


def set_column(obj, column, value):
    """Writes one column as the platform would, in SQL: values that Python has no word for."""
    meta = obj._meta
    with platform(), connection.cursor() as cursor:
        cursor.execute(f'update {table(meta)} set "{column}" = %s where id = %s', [value, obj.pk])


def table(meta):
    return meta.db_table if '"' in meta.db_table else f'"{meta.db_table}"'


def count_queries(client, url):
    """How many queries a page costs; the savepoints that only a test's outer transaction makes are not counted."""
    with CaptureQueriesContext(connection) as queries:
        check_page(client.get(url))
    # Nor is taking the actor back, which only an outer transaction needs.
    only_here = ("SAVEPOINT", "RELEASE", "select set_config('backoffice.actor_id', '',")
    return [query["sql"] for query in queries if not query["sql"].startswith(only_here)]


class PageTests:
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

    def test_list_costs_the_same_for_one_row_and_for_thirty(self, support_client, manager_client):
        client = support_client if support_client.user.has_perm(self.permission("view")) else manager_client
        few = count_queries(client, self.url("list"))
        for n in range(1, 30):
            self.make(n)
        many = count_queries(client, self.url("list"))
        assert len(many) == len(few), (few, many)
        assert len(many) <= self.most_queries, many

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


class CrudTests(PageTests):
    """Creating, editing and deleting as well.

    `form_data()` fills the add form, `edit_data` changes the edit form of `self.obj`, `their_data` is what somebody
    else changes the same columns to meanwhile, `make_deletable()` gives a row that nothing depends on, `block(obj)`
    makes one that depends on it and returns the word by which the page calls it.
    """

    edit_data = {}
    their_data = {}
    odd_is_refused = ()  # fields whose odd values a form refuses even when they were there before
    role = "support"
    gone = 404  # what the address of a deleted row answers

    def form_data(self):
        raise NotImplementedError

    def block(self, obj):
        raise NotImplementedError

    def make_deletable(self):
        return self.make(99)

    @pytest.fixture
    def editor(self, db):
        return client_of(make_user(self.role, email="editor@example.test"))

    def edit_columns(self):
        return {self.model._meta.get_field(name).column for name in self.edit_data}

    def stored(self, pk=None):
        return self.model.objects.get(pk=pk or self.obj.pk)

    def events(self, action, pk=None):
        """Of one record and action, made here; newest first."""
        found = AuditEvent.objects.filter(table_name=self.model._meta.db_table, row_id=str(pk or self.obj.pk))
        return found.filter(action=action, source="app")

    # Creating

    def test_added_row_keeps_who_and_why(self, editor):
        response = editor.post(self.url("add"), {**self.form_data(), "reason": "Asked by phone"}, follow=True)
        html = check_page(response)
        added = self.stored(response.request["PATH_INFO"].rstrip("/").split("/")[-1])
        (event,) = self.events("insert", added.pk)
        assert (event.actor_id, event.actor, event.reason) == (
            editor.user.pk,
            str(editor.user),
            "Asked by phone",
        )
        assert "was added." in html and "Asked by phone" in html

    def test_an_empty_add_form_is_refused_beside_its_fields(self, editor):
        before = self.model.objects.count()
        html = check_page(editor.post(self.url("add"), {"reason": "kept <b>"}), 422)
        assert 'class="field__error"' in html and "kept &lt;b&gt;" in html
        assert self.model.objects.count() == before

    def test_what_was_typed_stays_when_the_add_form_is_refused(self, editor):
        data = {**self.form_data(), "reason": "x" * 600}
        response = editor.post(self.url("add"), data)
        check_page(response, 422)
        assert {name: form_values(response)[name] for name in data} == {
            name: str(value) for name, value in data.items()
        }

    # Editing

    def open_edit(self, editor):
        response = editor.get(self.url("edit"))
        check_page(response)
        return form_values(response)

    def test_a_form_saved_untouched_writes_nothing(self, editor):
        data = self.open_edit(editor)
        response = editor.post(self.url("edit"), data)
        assert response.status_code == 302, response.context["form"].errors
        assert not self.events("update").exists()

    def test_a_null_row_saved_untouched_writes_nothing(self, editor):
        self.empty_row()
        response = editor.post(self.url("edit"), self.open_edit(editor))
        assert response.status_code == 302, response.context["form"].errors
        assert not self.events("update").exists()

    def test_odd_texts_saved_untouched_stay_as_they_are(self, editor):
        columns = [
            f
            for f in self.fields(models.CharField, models.TextField)
            if f.null and f.name not in self.odd_is_refused
        ]
        for text in ("", " ", "two\nlines", " spaces around \r\n", "\ttab", "é\u202e"):
            with case(text):
                self.odd(**{field.attname: text for field in columns})
                response = editor.post(self.url("edit"), self.open_edit(editor))
                assert response.status_code == 302, response.context["form"].errors
                assert not self.events("update").exists()

    def test_edit_writes_only_the_columns_that_changed(self, editor):
        data = self.open_edit(editor)
        response = editor.post(
            self.url("edit"), {**data, **self.edit_data, "reason": "As agreed"}, follow=True
        )
        html = check_page(response)
        (event,) = self.events("update")
        assert set(event.new) == set(event.old) == self.edit_columns()
        assert (event.actor_id, event.actor, event.reason) == (editor.user.pk, str(editor.user), "As agreed")
        assert "was saved." in html and "As agreed" in html

    def test_a_change_made_meanwhile_is_a_conflict_and_mine_can_be_kept(self, editor):
        data = {**self.open_edit(editor), **self.edit_data, "reason": "Mine"}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        html = check_page(response, 409)
        conflicts = {row["name"] for row in response.context["rows"] if row["conflict"]}
        assert conflicts == set(self.edit_data)
        for name in conflicts:
            assert f'name="keep_{name}" value="mine"' in html and f'name="keep_{name}" value="theirs"' in html
        assert not self.events("update").exists()
        choice = {f"keep_{name}": "mine" for name in conflicts}
        assert editor.post(self.url("edit"), {**form_values(response), **choice}).status_code == 302
        (event,) = self.events("update")
        assert set(event.new) == self.edit_columns()
        assert event.reason == "Mine"

    def test_a_change_made_meanwhile_can_be_left_as_it_is(self, editor):
        data = {**self.open_edit(editor), **self.edit_data, "reason": "Mine"}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        choice = {f"keep_{name}": "theirs" for name in self.edit_data}
        assert editor.post(self.url("edit"), {**form_values(response), **choice}).status_code == 302
        assert not self.events("update").exists()
        assert {name: getattr(self.stored(), name) for name in self.their_data} == self.their_data

    def test_a_second_conflict_is_asked_about_again(self, editor):
        data = {**self.open_edit(editor), **self.edit_data}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        original = {name: getattr(self.obj, name) for name in self.their_data}
        self.odd(**original)
        choice = {f"keep_{name}": "mine" for name in self.edit_data}
        check_page(editor.post(self.url("edit"), {**form_values(response), **choice}), 409)
        assert not self.events("update").exists()

    def test_a_form_that_we_did_not_hand_out_is_refused(self, editor):
        data = {**self.open_edit(editor), **self.edit_data}
        for opened in ("", "nonsense", "eyJhIjoxfQ:abc:def"):
            with case(opened):
                response = editor.post(self.url("edit"), {**data, "opened": opened})
                assert "out of date" in check_page(response, 422)
                assert not self.events("update").exists()

    def test_texts_that_no_column_can_hold_are_refused_on_the_form(self, editor):
        data = self.open_edit(editor)
        for name in self.edit_data:
            if not isinstance(self.model._meta.get_field(name), models.CharField | models.TextField):
                continue
            for text in ("\0", "a\0b"):
                check_page(editor.post(self.url("edit"), {**data, name: text}), 422)
        assert not self.events("update").exists()

    def test_those_who_only_look_are_offered_no_button(self):
        client = client_with(self.permission("view"))
        html = client.get(self.url("detail")).content.decode() + client.get(self.url("list")).content.decode()
        assert not any(self.url(page) in html for page in ("add", "edit", "delete") if self.url(page))

    # Deleting

    def test_what_something_depends_on_cannot_be_deleted(self, admin_client):
        obj = self.make_deletable()
        what = self.block(obj)
        html = check_page(admin_client.get(self.url("delete", obj.pk)))
        assert "cannot be deleted" in html and what in html and "<textarea" not in html
        response = admin_client.post(
            self.url("delete", obj.pk), {"reason": "Away with it", "confirm": str(obj)}
        )
        assert what.replace(" ", "_") in check_page(response, 422) or what in response.content.decode()
        assert self.stored(obj.pk)

    def test_a_deletion_needs_a_reason_and_leaves_an_entry(self, admin_client):
        obj = self.make_deletable()
        check_page(admin_client.get(self.url("delete", obj.pk)))
        check_page(admin_client.post(self.url("delete", obj.pk), {"reason": " ", "confirm": str(obj)}), 422)
        assert self.stored(obj.pk)
        response = admin_client.post(
            self.url("delete", obj.pk), {"reason": "Asked in writing", "confirm": str(obj)}, follow=True
        )
        assert "was deleted." in check_page(response)
        assert not self.model.objects.filter(pk=obj.pk).exists()
        event = self.table_event(obj)
        assert (event.action, event.actor, event.reason) == (
            "delete",
            str(admin_client.user),
            "Asked in writing",
        )
        check_page(admin_client.get(self.url("detail", obj.pk)), self.gone)

    def table_event(self, obj):
        return AuditEvent.objects.of(obj).first()
