"""When something is wrong: a page that says what, to whom, and what next; never internals; back without a restart."""

import http.client
import time
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from backoffice import testing
from backoffice.testing_crud import Forms, Markup, check_page, client_of
from tenants.tests.factories import make_organization
from tenants.views import OrganizationCreate, OrganizationList

LIST = "/tenants/organizations/"


@pytest.fixture
def broken(support_client, monkeypatch):
    """Lets the list of organizations raise; gives the client."""
    support_client.raise_request_exception = False

    def breaks(error):
        def get(self, request):
            raise error

        monkeypatch.setattr(OrganizationList, "get", get)
        return support_client

    return breaks


def test_404_is_a_page_for_everybody(client, support_client):
    assert "nothing at this address" in check_page(support_client.get("/no/such/page/"), 404)
    assert client.get("/no/such/page/").status_code in (302, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/tenants/organizations/x/",
        "/tenants/organizations/1/edit/",
        "/billing/ledger/99999999999999999999/",
        "/billing/ledger/-1/",
        "/jobs/x/",
        "/pick/nonsense/",
        "/pick/backoffice.savedview/",
        "/pick/a.b.c/",
        "/pick/%00/",
    ],
)
def test_wrong_ids_are_404(admin_client, path):
    check_page(admin_client.get(path), 404)


def test_403_names_the_role_and_what_is_missing(manager_client):
    html = check_page(manager_client.get(reverse("tenants:organization_add")), 403)
    assert "Manager" in html and "may not add organizations" in html and "tenants.add_organization" in html


def test_a_form_without_its_token_is_refused_on_a_page(support):
    client = Client(enforce_csrf_checks=True)
    client.force_login(support)
    html = check_page(client.post(reverse("tenants:organization_add"), {"name": "x"}), 403)
    assert "This form is no longer valid" in html


def test_500_tells_nothing_of_the_inside_and_gives_the_number_of_the_request(broken, settings):
    settings.TRUSTED_PROXIES = 1
    response = broken(RuntimeError("password=hunter2 in /srv/app.py")).get(
        LIST, headers={"X-Request-ID": "request-4711"}
    )
    html = check_page(response, 500)
    assert "hunter2" not in html and "RuntimeError" not in html and "request-4711" in html


@pytest.mark.parametrize(
    "error", [OperationalError("server closed the connection"), InterfaceError("connection is closed")]
)
def test_a_database_that_is_away_is_503_with_a_hint_when_to_retry(broken, error):
    response = broken(error).get(LIST)
    html = check_page(response, 503)
    assert response["Retry-After"] == "10" and "10 seconds" in html and "server closed" not in html


def test_a_slow_query_is_stopped_and_said(support_client, monkeypatch):
    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("set local statement_timeout = '50ms'; select pg_sleep(5)")

    monkeypatch.setattr(OrganizationList, "get", get)
    support_client.raise_request_exception = False
    html = check_page(support_client.get(LIST), 503)
    assert "took too long and was stopped" in html and "fewer filters" in html


@pytest.mark.parametrize(
    ("sqlstate", "words"),
    [
        ("40P01", "Somebody else is changing this just now"),
        ("40001", "Somebody else is changing this just now"),
        ("55P03", "Somebody else is changing this just now"),
        ("25006", "The database is read-only just now"),
        ("57014", "This took too long and was stopped"),
        ("53300", "Too many people want the database at once"),
    ],
)
def test_what_the_database_says_is_told_in_words(support_client, monkeypatch, sqlstate, words):
    def get(self, request):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"do $$ begin raise exception 'inside' using errcode = '{sqlstate}'; end $$")

    monkeypatch.setattr(OrganizationList, "get", get)
    support_client.raise_request_exception = False
    html = check_page(support_client.get(LIST), 503)
    assert words in html and "inside" not in html


TOO_LONG = OperationalError("canceling statement")
TOO_LONG.__cause__ = psycopg.errors.QueryCanceled()


def test_a_list_that_took_too_long_names_lists_that_are_quicker(broken):
    client = broken(TOO_LONG)
    html = check_page(client.get(f"{LIST}?q=a%26b&plan=pro&sort=name&columns=name"), 503)
    for words, rest in [
        ("The same rows in the usual order", "?q=a%26amp;b"),
        ("Without what was typed in the search field", "?plan=pro&amp;columns=name"),
        ("The list without filters", "?columns=name"),
        ("The usual columns", "?q=a%26b&amp;plan=pro&amp;sort=name"),
    ]:
        assert words in html and f"{LIST}{rest.replace('%26amp;', '%26')}" in html
    assert "What is quicker here" not in check_page(client.get(LIST), 503)


def test_a_part_of_a_page_gets_a_part(broken):
    response = broken(TOO_LONG).get(f"{LIST}?q=x", headers={"HX-Request": "true"})
    html = response.content.decode()
    assert response.status_code == 503 and "<html" not in html and "<h1" not in html
    assert "The list without filters" in html


@pytest.fixture
def broken_form(support_client, monkeypatch):
    """Sends the form to add an organization to a database that goes away after `first`; gives the page."""

    def send(data, first=lambda request: None):
        def post(self, request):
            first(request)
            raise OperationalError("gone")

        monkeypatch.setattr(OrganizationCreate, "post", post)
        support_client.raise_request_exception = False
        return check_page(support_client.post(reverse("tenants:organization_add"), data), 503)

    return send


def test_a_form_can_be_sent_once_more_as_it_was(broken_form):
    data = {"name": '<script>"x"\n', "note": "two\r\nlines", "csrfmiddlewaretoken": "t" * 32}
    html = broken_form(data)
    assert Forms(html).forms[0]["data"] == data and "Nothing was saved" in html


@pytest.mark.parametrize(
    "data", [{"sip_password": "hunter2"}, {"config": '{"api_key": "hunter2"}'}, {"x": "hunter2" * 40_000}]
)
def test_secrets_and_what_is_too_long_are_not_written_back(broken_form, data):
    html = broken_form(data)
    assert "hunter2" not in html and "<form" not in html and "reload this page" in html


def test_what_may_have_been_saved_is_not_called_lost(broken_form):
    def commits(request):
        connection.committed_in = request.id

    html = broken_form({"name": "x"}, commits)
    assert "It may have been saved" in html and "Nothing was saved" not in html and "Look first" in html


def test_error_pages_need_no_database_and_no_person(settings):
    from django.template.loader import render_to_string

    for name in ("400.html", "403_csrf.html", "429.html", "500.html", "503.html"):
        markup = Markup(render_to_string(name))
        assert (markup.headings, markup.blocked) == (1, []), name


class Site:
    """A served app, asked without a browser."""

    def __init__(self, url, cookie):
        self.host = urlsplit(url).netloc
        self.cookie = cookie

    def get(self, path):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", path, headers={"Cookie": self.cookie})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()


def test_the_database_goes_away_and_comes_back_without_a_restart(fresh_database, embedded, tmp_path):
    with fresh_database.platform():
        make_organization(name="Still here")
    with fresh_database.django():
        client = client_of(testing.make_user("support"))
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"

    def database(allowed):
        with embedded.connect() as server:
            server.execute(f"alter database {fresh_database.name} with allow_connections {allowed}")
            if not allowed:
                server.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                    [fresh_database.name],
                )

    with testing.serve(fresh_database, tmp_path) as url:
        site = Site(url, cookie)
        assert site.get(LIST)[0] == 200
        database(allowed=False)
        try:
            for path in (LIST, "/admin/"):
                status, headers, html = site.get(path)
                assert status == 503, (path, html[-500:])
                assert (
                    headers["Retry-After"] == "10"
                    and "default-src 'self'" in headers["Content-Security-Policy"]
                )
                assert "The database does not answer right now" in html and "psycopg" not in html
        finally:
            database(allowed=True)
        for _ in range(40):
            status, _, html = site.get(LIST)
            if status == 200:
                break
            time.sleep(0.25)
        assert status == 200 and "Still here" in html
