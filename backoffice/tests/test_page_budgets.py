"""What a page may cost, for every page of the site: queries, counting, options of a select, bytes of a list.

Pages are those of the reviewed list of addresses (url_matrix.txt), each opened by the sign-in that may most among those
that it answers, with one row in every table and with a thousand more. docs/lists.md says how a page of a new kind is
added.
"""

import datetime
import re
from dataclasses import dataclass, field

import psycopg
import pytest
from django import forms
from django.contrib.admin import site as admin_site
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from backoffice.embedded import ADMIN
from backoffice.export import copy_statement, export_columns
from backoffice.filters import parameters_of
from backoffice.forms import PickerField
from backoffice.generic.lists import ListView, open_list
from backoffice.health.store import checked
from backoffice.models import Job
from backoffice.months import MonthField
from backoffice.probes import PROBES
from backoffice.sessions import limits
from backoffice.testing import sign_in
from backoffice.tests.many_rows import copy_rows, let_a_day_pass
from backoffice.tests.plans import counted, statements
from backoffice.tests.site import address, make_rows, patterns
from backoffice.tests.test_url_matrix import COLUMNS, MATRIX, read
from telephony import conflicts
from telephony.models import Conflict
from tenants.views.tabs import OrganizationTab

ROLES = ("Admin", "Finance", "Manager", "Support")  # who may most comes first
QUERIES = {"list": 8, "tenant page": 14, "Django admin's list": 8, "page": 12}
# Pages that need more than their kind: they are put together of many small reads.
OWN_NUMBERS = {
    "home": 19,
    "health": 18,
    "search": 17,  # without words: one query for each kind of record that was opened lately
    "backoffice:user_detail": 14,
    "agents:agentsession_detail": 12,
    "agents:sample_review": 14,
    "telephony:siptrunk_detail": 12,
    "telephony:calllog_detail": 12,
    "billing:reconciliation": 10,
    "tenants:organization_preview": 20,  # three logins look at the same rows, each under a savepoint
    "tenants:organization_preview_session": 14,
    "tenants:organization_preview_chat": 13,
}
# What may be counted without a limit, and why that is not much, or is what the page is opened for.
COUNTED = {
    "tenant page": {"call_logs", "agent_sessions", "chat_sessions"},  # signs of one tenant, of the last days
    "tenants:organization_detail": {"usage_logs"},  # 30 days of one tenant
    "tenants:organization_usage": {"usage_logs"},  # the same
    "tenants:organization_preview": {"agent_sessions"},  # of one tenant
    "telephony:phonenumber_detail": {"call_logs"},  # 60 days of one number; calls of the last minute
    "telephony:siptrunk_detail": {"call_logs"},  # the last minute
    "telephony:conflict_list": {"call_logs"},  # the last minute
    "billing:credittransaction_totals": {"credit_transactions"},  # asked for, exact
    "billing:overview": {"usage_logs"},  # a month, exact
    "billing:overview_csv": {"usage_logs"},  # the same
    "billing:settlementday_detail": {"settled_row"},  # late rows of one day
    "billing:price_missing": {"usage_logs"},  # 90 days of unpriced usage, which is what it is opened for
    "telephony:phonenumber_list": {"call_logs"},  # of each number, in a file
}
LIST_BYTES = 120 * 1024
OPTIONS = 100


@dataclass
class Site:
    """The site with its rows: {role: client}, rows by label, and a superuser's connection that explains statements."""

    clients: dict
    rows: dict
    raw: psycopg.Connection
    few: dict = field(default_factory=dict)
    judged: dict = field(default_factory=dict)

    def explain(self, sql):
        cursor = self.raw.execute("explain (verbose, format json) " + sql.replace("%", "%%"), [])
        return cursor.fetchone()[0][0]["Plan"]

    def counted(self, statement, name, kind=""):
        """Sentences about what a statement of the page `name` counts and must not."""
        sql, allowed = statement[1], COUNTED.get(name, set()) | COUNTED.get(kind, set())
        if sql not in self.judged:
            self.judged[sql] = counted(statement, self.explain)
        return [sentence for tables, sentence in self.judged[sql] if tables - allowed]


@dataclass
class Visit:
    url: str
    name: str
    kind: str
    sent: list
    response: object
    html: str

    def faults(self, site):
        """What is too much, in sentences."""
        allowed = OWN_NUMBERS.get(self.name, QUERIES[self.kind])
        if len(self.sent) > allowed:
            yield f"{self.url} ({self.name}): {len(self.sent)} queries, {allowed} for a {self.kind}"
        for select in re.findall(r"<select.*?</select>", self.html, re.DOTALL):
            if (options := select.count("<option")) > OPTIONS:
                yield f"{self.url}: {options} options in {select[:60]}"
        if self.kind == "list" and len(self.html.encode()) > LIST_BYTES:
            yield f"{self.url}: {len(self.html.encode()):,} bytes"
        for statement in self.sent:
            yield from (
                f"{self.url} ({self.name}) {fault}" for fault in site.counted(statement, self.name, self.kind)
            )


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
            raw.execute("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off")
            site = Site({}, rows, raw)
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
        url = address(route, pattern, rows)
        if who and url not in PROBES:
            yield url, name, kind_of(pattern), who
    for model in admin_site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        yield reverse(name), name, "Django admin's list", "Admin"


def kind_of(pattern):
    view = getattr(pattern.callback, "view_class", object)
    if issubclass(view, ListView):
        return "list"
    return "tenant page" if issubclass(view, OrganizationTab) else "page"


def visits(site):
    # Last what shows what was opened before.
    for url, name, kind, who in sorted(pages(site.rows), key=lambda page: page[1] == "search"):
        yield visit(site.clients[who], url, name, kind)


def visit(client, url, name, kind):
    with statements() as sent:
        response = client.get(url)
        assert response.status_code == 200, (url, response.status_code, response.get("Location"))
        content = b"".join(response) if response.streaming else response.content
    html = content.decode() if "html" in response["Content-Type"] else ""
    return Visit(url, name, kind, sent, response, html)


def test_every_page_keeps_its_budget(full_site):
    faults = []
    for seen in visits(full_site):
        faults += seen.faults(full_site)
        few = full_site.few[seen.url]
        if len(seen.sent) > few:
            faults.append(f"{seen.url} ({seen.name}): {few} queries for one row, {len(seen.sent)} for many")
    assert not faults, "\n" + "\n".join(faults)


def list_pages(site):
    """(address, url name, view class) of every list."""
    for route, name, pattern in patterns():
        if kind_of(pattern) == "list":
            yield address(route, pattern, site.rows), name, pattern.callback.view_class


def asked(view_class, form, site):
    """Query strings of a list: each order, all columns there are, and each filter alone."""
    yield from (f"sort={name}" for name in list(view_class.orders)[1:])
    yield "columns=" + ",".join(view_class.table_class.offered(view_class.not_exported))
    for bound in form:
        for value in values_for(bound.field, site):
            parts = parameters_of(bound.name, bound.field.widget)
            yield urlencode(dict.fromkeys(parts[2:] or parts[:1], value))


def values_for(field, site):
    """What somebody might choose or type in a filter."""
    if isinstance(field, PickerField):
        row = site.rows.get(field.queryset.model._meta.label_lower)
        return [row.pk] if row else []
    if isinstance(field, forms.NullBooleanField):
        return ["true"]
    if choices := [value for value, _ in getattr(field, "choices", ()) if value]:
        return [choices[0][0][0] if isinstance(choices[0], list | tuple) else choices[0]]
    if isinstance(field, forms.DateField):
        return ["2026-01-01"]
    if isinstance(field, MonthField):
        return ["2026-01"]
    if isinstance(field, forms.DecimalField):
        return ["1"]
    return ["Fairweather", str(site.rows["tenants.organization"].pk)]


def test_every_list_keeps_its_budget_however_it_is_asked(full_site):
    faults = []
    for url, name, view_class in list_pages(full_site):

        def look(query, url=url, name=name):
            seen = visit(full_site.clients["Admin"], f"{url}?{query}", name, "list")
            faults.extend(seen.faults(full_site))
            return seen.response.context

        shown = look("last=1")
        if shown["previous_url"]:
            look(shown["previous_url"].removeprefix("?"))
        for query in asked(view_class, shown["filterset"].form, full_site):
            look(query)
    assert not faults, "\n" + "\n".join(faults)


def test_no_export_counts(full_site):
    faults = []
    for _, name, _ in list_pages(full_site):
        if name == "backoffice:record_history":  # its address has parameters; it has no export
            continue
        page = open_list(name, full_site.rows["staff"]["Admin"])
        page.columns = list(page.offered.values())
        columns, _ = export_columns(page)
        copy = copy_statement(page, columns, guard=True)
        statement = copy.removeprefix("copy (").rpartition(") to stdout")[0]
        faults += [f"{name} {fault}" for fault in full_site.counted(("default", statement, None), name)]
    assert not faults, "\n" + "\n".join(faults)
