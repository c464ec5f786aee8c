"""How tests ask over HTTP, as whom, and what they read from a page."""

import contextlib
import functools
import re
from html.parser import HTMLParser

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backoffice.testing import make_user, platform, sign_in

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
