"""Every address of the site, as every role, against the reviewed list in url_matrix.txt.

A new page fails here until its line is in the list. Write the lines with

    python -m pytest backoffice/tests/test_url_matrix.py --update-url-matrix

and then read each against the roles in docs/architecture.md: the list says what shall be, not what happens to be.
Each sign-in asks in a test of its own, and has a column of the list. Answers are statuses; "login" is a redirect to the sign-in page. POST is sent without any field, so 422 means "may". Of
Django admin one line per model tells which pages open: c(hangelist), a(dd), e(dit), d(elete), h(istory).
"""

import fcntl
import functools
import re
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.contrib.admin import site
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.urls.converters import get_converters

from backoffice import context, probes, roles
from backoffice.models import Job
from backoffice.testing import sign_in
from backoffice.testing_crud import check_page, client_of
from backoffice.tests.site import SAID, SECRET, address, make_rows, patterns

MATRIX = Path(__file__).with_name("url_matrix.txt")
COLUMNS = ("anonymous", *roles.ROLES)
HEADER = "# " + "address".ljust(64) + "method " + " ".join(name.ljust(9) for name in COLUMNS).rstrip()
# What a GET may write: that somebody read, what was opened lately, and findings that the worker would bring up to date
# a moment later (needs for attention, data health, conflicts of numbers). Nothing that a person decides.
WRITTEN_BY_READING = {
    "read_log",
    "backoffice_recent",
    "backoffice_staffsession",  # the seed or challenge of a factor that is being added
    "tenants_attentionitem",
    "backoffice_healthcheck",
    "backoffice_healthfinding",
    "telephony_conflict",
    "telephony_conflictlook",
}
ADMIN_PAGES = {"c": "changelist", "a": "add", "e": "change", "d": "delete", "h": "history"}


@pytest.fixture
def rows(db):
    return make_rows()


# What the view pg_stat_xact_user_tables adds up, without what else it looks at: this is asked twice for each GET.
WRITTEN = """
    select relname::text, rows from (
        select relname, pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
            + pg_stat_get_xact_tuples_deleted(oid) as rows
        from pg_class where relkind = 'r' and relnamespace <> 'pg_catalog'::regnamespace) tables
    where rows > 0
"""


def written():
    """{table: rows written so far in this transaction, what was rolled back included}."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN)
        return dict(cursor.fetchall())


def content_of(response):
    return b"".join(response) if response.streaming else response.content


def answer(client, method, url):
    """What one request answers; what it did is undone, and if it signs out, that as well. A GET does nothing."""
    cookies = SimpleCookie(client.cookies)
    before = written() if method == "GET" else {}
    with transaction.atomic():
        response = client.get(url) if method == "GET" else client.post(url)
        if method == "GET":
            changed = {table for table, rows in written().items() if rows != before.get(table)}
            assert changed <= WRITTEN_BY_READING, f"{url} writes {changed}"
        content = content_of(response)
        assert SECRET.encode() not in content, f"{url} shows a secret"
        assert client.may_read or SAID.encode() not in content, f"{url} shows what was said"
        transaction.set_rollback(True)
    client.cookies = cookies
    if response.status_code == 302 and response.url.startswith(reverse("account_login")):
        return "login"
    if (
        response.status_code in (200, 403, 404, 405, 422)
        and "html" in response["Content-Type"]
        and not is_fragment(url)
    ):
        check_page(response, response.status_code)
    return str(response.status_code)


def is_fragment(url):
    return url.startswith("/pick/")


def admin_answer(client, model, method, row):
    """The letters of the admin pages of a model that open."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    answers = {}
    for letter, page in ADMIN_PAGES.items():
        args = [] if page in ("changelist", "add") else [row.pk if row else 0]
        answers[letter] = answer(client, method, reverse(f"{name}_{page}", args=args))
    if set(answers.values()) == {"login"}:
        return "login"
    return "".join(letter for letter, status in answers.items() if status in ("200", "422")) or "-"


def answers_of(client, rows):
    """{(address, method): answer} of every address, as the site answers one sign-in now."""
    answers = {}
    for route, _, pattern in patterns():
        shown = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
        for method in ("GET", "POST"):
            text = answer(client, method, address(route, pattern, rows))
            assert answers.setdefault((shown, method), text) == text, f"two answers of {shown}"
    for model in sorted(site._registry, key=lambda model: model._meta.label_lower):
        label = model._meta.label_lower
        for method in ("GET", "POST"):
            answers[f"admin: {label}", method] = admin_answer(client, model, method, rows.get(label))
    for name in ("index", "login", "logout", "password_change", "jsi18n", "autocomplete"):
        url = reverse(f"admin:{name}")
        for method in ("GET", "POST"):
            answers[url, method] = answer(client, method, url)
    return answers


def read(text):
    """The reviewed list as {(address, method): [answer by sign-in]}."""
    lines = [line.rsplit(maxsplit=len(COLUMNS) + 1) for line in text.splitlines()[1:]]
    found = {(route, method): answers for route, method, *answers in lines}
    assert len(found) == len(lines), "an address stands in the list twice"
    return found


def line(route, method, answers):
    return f"{route.ljust(66)}{method.ljust(7)}{' '.join(text.ljust(9) for text in answers).rstrip()}"


def write_column(column, answers):
    """One sign-in's answers into the list, in the site's order; of a new address the others' are "?" until they ask."""
    with MATRIX.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other sign-ins may be asking in other processes
        known = read(file.read())
        lines = [HEADER]
        for key, text in answers.items():
            cells = known.get(key, ["?"] * len(COLUMNS))
            lines.append(line(*key, [*cells[:column], text, *cells[column + 1 :]]))
        file.seek(0)
        file.write("\n".join(lines) + "\n")
        file.truncate()


@pytest.mark.parametrize("role", COLUMNS)
def test_every_address_answers_as_reviewed(role, rows, request, monkeypatch):
    # Nothing stays written, so what stands beside the navigation is the same on every page.
    counts = functools.cache(context.counts)
    monkeypatch.setattr(context, "counts", lambda user, names: counts(user, tuple(names)))
    # Whether the tests' login may serve is another question (test_probes.py).
    monkeypatch.setattr(probes.Readiness, "verdict", lambda self: ([], False))
    user, client = rows["staff"].get(role), Client()
    if user:
        sign_in(client, user)
    client.may_read = user is not None and user.has_perm("agents.read_transcript")
    # A job of one's own can be cancelled; it is the admin's where nobody has signed in.
    job = Job.objects.create(kind="export", title="Export", owner=user or rows["staff"]["Admin"])
    column = COLUMNS.index(role)
    derived = answers_of(client, {**rows, "backoffice.job": job})
    if request.config.getoption("--update-url-matrix"):
        write_column(column, derived)
    reviewed = {key: answers[column] for key, answers in read(MATRIX.read_text()).items()}
    assert set(derived.items()) - set(reviewed.items()) == set(), (
        "answers that the reviewed list does not have"
    )
    assert set(reviewed) - set(derived) == set(), "lines of the reviewed list that nothing answers to"


def test_no_address_answers_another_method(rows):
    """One sign-in is enough, that which may most: the refusal stands before the pages."""
    admin = rows["staff"]["Admin"]
    client = client_of(admin)
    rows["backoffice.job"] = Job.objects.create(kind="export", title="Export", owner=admin)
    urls = {address(route, pattern, rows) for route, _, pattern in patterns()}
    urls |= {reverse("admin:index"), reverse("admin:tenants_organization_delete", args=[admin.pk])}
    before = written()
    for url in sorted(urls):
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            response = client.generic(method, url)
            allowed = "GET, HEAD" if url in probes.PROBES else "GET, HEAD, POST"
            assert (response.status_code, response["Allow"]) == (405, allowed), (method, url)
    assert written() == before


def test_every_parameter_of_an_address_is_known():
    """A pattern with a converter that address() cannot fill would be left out unseen."""
    for route, _, _ in patterns():
        for converter, _ in re.findall(r"<(\w+):(\w+)>", route):
            assert converter in get_converters()
