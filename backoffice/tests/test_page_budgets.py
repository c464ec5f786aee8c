"""What a page may cost, for every page of the site: queries, counting, options of a select, bytes of a list.

Pages are those of the reviewed list of addresses (url_matrix.txt), each opened by the sign-in that may most among those
that it answers, with one row in every table and with a thousand more. docs/lists.md says how a page of a new kind is
added.
"""

import datetime
import re
from dataclasses import dataclass

import psycopg
import pytest
from django.contrib.admin import site as admin_site
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from backoffice.embedded import ADMIN
from backoffice.generic.lists import ListView
from backoffice.health.store import checked
from backoffice.models import Job
from backoffice.sessions import limits
from backoffice.testing import sign_in
from backoffice.tests.many_rows import copy_rows, let_a_day_pass
from backoffice.tests.plans import faults_of, statements
from backoffice.tests.site import address, make_rows, patterns
from backoffice.tests.test_url_matrix import COLUMNS, MATRIX, read
from telephony import conflicts
from telephony.models import Conflict
from tenants.views.tabs import OrganizationTab

ROLES = ("Admin", "Finance", "Manager", "Support")  # who may most comes first
QUERIES = {"list": 8, "tenant page": 14, "Django admin's list": 8, "page": 12}
# Pages that are of no kind, or need more than their kind; each with its reason.
OWN_NUMBERS = {}
LIST_BYTES = 120_000
OPTIONS = 100


@dataclass
class Site:
    """The site with its rows: {role: client}, rows by label, and a superuser's connection that explains statements."""

    clients: dict
    rows: dict
    raw: psycopg.Connection
    few: dict
    explained: dict

    def explain(self, sql):
        cursor = self.raw.execute("explain (verbose, format json) " + sql.replace("%", "%%"), [])
        return cursor.fetchone()[0][0]["Plan"]


@dataclass
class Visit:
    url: str
    name: str
    kind: str
    sent: list
    html: str

    def faults(self, site):
        allowed = OWN_NUMBERS.get(self.name, QUERIES[self.kind])
        if len(self.sent) > allowed:
            yield f"{self.url}: {len(self.sent)} queries, {allowed} for a {self.kind}"
        for select in re.findall(r"<select.*?</select>", self.html, re.DOTALL):
            if (options := select.count("<option")) > OPTIONS:
                yield f"{self.url}: {options} options in {select[:80]}"
        if self.kind == "list" and len(self.html.encode()) > LIST_BYTES:
            yield f"{self.url}: {len(self.html.encode()):,} bytes"
        for statement in self.sent:
            if statement[1] not in site.explained:
                site.explained[statement[1]] = list(faults_of(statement, site.explain))
                yield from (f"{self.url} {fault}" for fault in site.explained[statement[1]])


@pytest.fixture(scope="module")
def full_site(module_database, django_db_blocker):
    """A Site with a thousand rows of everything; `few` are {address: number of queries} as they were with one."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TOUCH", datetime.timedelta(days=1))  # else a page writes it once a minute
        with module_database.platform(), transaction.atomic():
            connection.cursor().execute("set local role backoffice")
            rows = make_rows()
            job = Job.objects.create(kind="export", title="Export", owner=rows["staff"]["Admin"])
            rows["backoffice.job"] = job
        url = module_database.server.url(module_database.name, ADMIN)
        path = "-c search_path=backoffice,public"
        with (
            psycopg.connect(url, autocommit=True, options=path) as raw,
            module_database.django(),
        ):
            site = Site({}, rows, raw, {}, {})
            for role in ROLES:
                site.clients[role] = Client()
                sign_in(site.clients[role], rows["staff"][role])
            look_at_everything(site)
            for visit in visits(site):
                site.few[visit.url] = len(visit.sent)
            copy_rows(raw, rows)
            look_at_everything(site)
            yield site


def look_at_everything(site):
    """What the worker finds by itself is found, and a tenant's view is open, so that pages only show what there is."""
    conflicts.look()
    checked("catalog", seconds=1)
    site.rows["telephony.conflict"] = Conflict.objects.earliest("id")
    let_a_day_pass(site.raw)
    organization, client = site.rows["tenants.organization"], site.clients["Admin"]
    client.get(organization.get_absolute_url())
    begin = reverse("tenants:organization_preview_begin", args=[organization.pk])
    assert client.post(begin, {"reason": "Test"}).status_code == 302


def pages(rows):
    """[(address, url name, kind, the sign-in that may most)] of every page that opens."""
    reviewed = read(MATRIX.read_text())
    for route, name, pattern in patterns():
        shown = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
        answers = dict(zip(COLUMNS, reviewed[shown, "GET"], strict=True))
        who = next((role for role in ROLES if answers[role] == "200"), None)
        if who:
            yield address(route, pattern, rows), name, kind_of(pattern), who
    for model in admin_site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        yield reverse(name), name, "Django admin's list", "Admin"


def kind_of(pattern):
    view = getattr(pattern.callback, "view_class", object)
    if issubclass(view, ListView):
        return "list"
    return "tenant page" if issubclass(view, OrganizationTab) else "page"


def visits(site):
    for url, name, kind, who in pages(site.rows):
        yield visit(site.clients[who], url, name, kind)


def visit(client, url, name, kind):
    with statements() as sent:
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code, response.get("Location"))
        content = b"".join(response) if response.streaming else response.content
    html = content.decode() if "html" in response["Content-Type"] else ""
    return Visit(url, name, kind, sent, html)


def test_every_page_keeps_its_budget(full_site):
    faults = []
    for seen in visits(full_site):
        faults += seen.faults(full_site)
        if len(seen.sent) != full_site.few[seen.url]:
            faults.append(
                f"{seen.url}: {full_site.few[seen.url]} queries for one row, {len(seen.sent)} for many"
            )
    assert not faults, "\n" + "\n".join(faults)
