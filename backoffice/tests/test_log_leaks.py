"""Logs tell what happened to which request, and hold nothing of what was sent, stored or searched for."""

import io
import json
import logging
import re

import psycopg
import pytest
from django.db import connection
from django.test import Client

from agents.tests.factories import make_agent, make_message, make_session
from backoffice import jobs, services
from backoffice.logs import JsonFormatter
from backoffice.models import Job
from tenants.tests.factories import make_note, make_organization
from tenants.views import OrganizationList

MARK = "kestrel4711"
LIST = "/tenants/organizations/"
RESET = f"/accounts/password/reset/key/1-{MARK}/"


@pytest.fixture
def lines():
    """A function that gives the lines logged so far, of every logger and level from INFO."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def marked(support):
    """(client, a tenant), the mark in every row that pages show."""
    tenant = make_organization(name=f"Acme {MARK}")
    agent = make_agent(
        organization=tenant, name=MARK, system_prompt=MARK, config={"sip": {"password": MARK}, MARK: MARK}
    )
    make_message(make_session(agent), content=f"I am {MARK}, {MARK}@example.com")
    make_note(tenant, support, text=MARK)
    client = Client(raise_request_exception=False)
    client.force_login(support)
    return client, tenant


def breaking(error):
    def get(self, request, *args, **kwargs):
        raise error

    return get


def test_nothing_of_requests_and_rows_is_in_a_line(marked, lines, monkeypatch):
    client, tenant = marked
    edit = f"{LIST}{tenant.pk}/edit/"
    headers = {
        "user-agent": MARK, "referer": f"https://x.example/{MARK}", "authorization": f"Bearer {MARK}",
        "x-forwarded-for": MARK, "hx-current-url": f"http://testserver/{MARK}", "cookie-of-others": MARK,
    }  # fmt: skip
    for path in (
        LIST, f"{LIST}?q={MARK}", f"/search/?q={MARK}", f"/search/palette/?q={MARK}", f"/agents/search/?q={MARK}",
        f"/agents/agents/?{MARK}={MARK}", f"{LIST}{tenant.pk}/", edit, f"/no/such/{MARK}/", f"{LIST}{MARK}/", RESET,
        f"/pick/{MARK}/", f"/inline/tenants.organization/{tenant.pk}/{MARK}/", f"/audit/changes/?q={MARK}",
        f"/static/{MARK}.css", f"/admin/tenants/organization/{MARK}/change/", f"/audit/batches/{MARK}/revert/",
    ):  # fmt: skip
        client.get(path, headers=headers)
    for path, data in {
        edit: {"name": MARK, "reason": ""},
        f"{LIST}add/": {"name": MARK * 300, "owner": MARK, "reason": MARK},
        f"{LIST}{tenant.pk}/delete/": {"reason": MARK},
        "/accounts/login/": {"login": f"{MARK}@example.com", "password": MARK},
        "/accounts/password/reset/": {"email": f"{MARK}@example.com"},
        f"/inline/tenants.organization/{tenant.pk}/name/": {"name": MARK},
    }.items():
        client.post(path, data, headers=headers)
    strict = Client(enforce_csrf_checks=True)
    strict.post(LIST, {"name": MARK}, headers={"origin": f"https://{MARK}.example", **headers})
    client.get(LIST, headers={"host": f"{MARK}.example"})
    client.post(
        LIST, "&".join(f"{MARK}{n}=1" for n in range(6000)), content_type="application/x-www-form-urlencoded"
    )
    for error in (RuntimeError(MARK), KeyError(MARK), psycopg.errors.UniqueViolation(f"Key (name)=({MARK})")):
        monkeypatch.setattr(OrganizationList, "get", breaking(error))
        client.get(f"{LIST}?q={MARK}", headers=headers)

    said = lines()
    assert len([line for line in said if line["logger"] == "backoffice.access"]) >= 28
    assert len([line for line in said if line["level"] == "error"]) >= 3
    assert [line for line in said if MARK in json.dumps(line).lower()] == []
    assert all(line["request_id"] for line in said)


def test_what_the_database_refuses_is_told_without_its_row(support, lines):
    """PostgreSQL's words quote the row: "Failing row contains (…)"."""

    @jobs.kind("test_leak")
    def leak(job, progress):
        with services.acting(support, MARK), connection.cursor() as cursor:
            cursor.execute(
                "insert into public.organizations (id, name) values (gen_random_uuid(), %s)", [MARK]
            )

    job = Job.objects.create(kind="test_leak", title=MARK, owner=support, params={"query": MARK})
    jobs.run(str(job.pk))
    job.refresh_from_db()
    said = lines()
    assert job.status == "failed" and MARK not in job.message
    assert [line["exception"] for line in said if "exception" in line] == ["django.db.utils.IntegrityError"]
    assert [line for line in said if MARK in json.dumps(line)] == []


def test_a_line_tells_which_page_and_which_record(support_client, lines, settings):
    settings.TRUSTED_PROXIES = 1
    tenant = make_organization()
    support_client.get(f"{LIST}{tenant.pk}/?q=x", headers={"X-Request-ID": "request-4711"})
    support_client.get(RESET)
    support_client.get("/static/backoffice/app.css")
    page, reset, file = (line for line in lines() if line["logger"] == "backoffice.access")
    told = (page["route"], page["object"], page["status"], page["request_id"])
    assert told == ("tenants:organization_detail", str(tenant.pk), 200, "request-4711")
    assert reset["route"] == "account_reset_password_from_key"
    assert file["route"] == "static"


@pytest.mark.parametrize(
    ("name", "message", "args", "said"),
    [
        ("gunicorn.error", f"Invalid request from ip=10.0.0.1: GET /?q={MARK}", (), "Invalid request"),
        ("gunicorn.error", "Error handling request %s %s", ("GET", f"/?q={MARK}"), "Error handling request"),
        ("gunicorn.error", "Worker (pid:%s) was sent %s!", (7, "SIGKILL"), "Worker (pid:7) was sent SIGKILL!"),
        ("django.security.DisallowedHost", f"Invalid HTTP_HOST header: '{MARK}'", (), "Refused"),
        ("django.request", "%s: %s", ("Internal Server Error", f"/{MARK}"), "…: …"),
        ("backoffice.jobs", "A job failed.", (), "A job failed."),
    ],
    ids=["no request", "fault", "killed", "host", "path", "own"],
)  # fmt: skip
def test_what_servers_quote_is_left_out(name, message, args, said):
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, None)
    assert json.loads(JsonFormatter().format(record))["message"] == said


def test_our_own_lines_hold_no_values():
    """A message of ours is a sentence; what belongs to it is an id in `extra`, or the seconds until the next try."""
    from django.conf import settings

    found = set()
    for app in ("backoffice", "tenants", "agents", "telephony", "billing"):
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            if "/tests/" not in str(path):
                found |= set(
                    re.findall(r"\b(?:logger|log)\.\w+\(\s*(f?\"[^\"]*(?:%|{)[^\"]*\")", path.read_text())
                )
    assert found == {
        '"%s is not read from: %s"',  # the number of a replica, and a sentence of ours
        '"%s is read from"',
        '"Read from the primary instead of %s"',
        '"Single sign-on failed: %s"',  # a word of ours, or the name of an exception
        '"A mail to a member of staff was not sent: %s"',  # the name of an exception
        '"The database does not answer; trying again in %s seconds."',
        '"Not remembered as opened: %s %s"',  # a model's name and an id
        '"There is no icon called %r; showing a circle."',
    }
