"""What is logged: one line per request and job, in one format, with ids and times, without content."""

import json
import logging
import sys

import pytest
from django.test import Client
from django.urls import reverse

from backoffice import jobs, tasks
from backoffice.logs import JsonFormatter, TextFormatter, about_job, request_id
from tenants.tests.factories import make_organization
from tenants.views import OrganizationList

LIST = reverse("tenants:organization_list")
SECRET = "someone@example.com"


def record(message, *args, name="backoffice", exc_info=None, **extra):
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, exc_info)
    vars(made).update(extra)
    return made


def error(raised):
    """The exc_info of an exception that was raised."""
    try:
        raise raised
    except type(raised):
        return sys.exc_info()


class Lines(logging.Handler):
    """Keeps the lines as they are written, as dicts."""

    def __init__(self):
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.written = []

    def emit(self, record):
        self.written.append(json.loads(self.format(record)))

    def __call__(self, logger):
        return [line for line in self.written if line["logger"] == logger]


@pytest.fixture
def lines(caplog):
    """What is written at INFO and above; lines("backoffice.access") are those of a logger."""
    caplog.set_level(logging.INFO)
    handler = Lines()
    logging.root.addHandler(handler)
    yield handler
    logging.root.removeHandler(handler)


def test_a_request_has_one_line_that_tells_no_address_and_no_words(support_client, lines):
    organization = make_organization(name="Secret name")
    url = reverse("tenants:organization_detail", args=[organization.pk])
    response = support_client.get(f"{url}?q={SECRET}")
    (line,) = lines("backoffice.access")
    assert line["at"].endswith("+00:00")
    assert line["request_id"] == response["X-Request-ID"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "tenants:organization_detail", 200)
    assert line["object"] == str(organization.pk) and line["user"] == support_client.user.pk
    assert line["bytes"] == len(response.content)
    assert line["queries"] > 2 and line["milliseconds"] >= line["database_ms"] >= 0
    text = json.dumps(line)
    assert SECRET not in text and url not in text and support_client.user.email not in text


def test_the_log_does_not_ask_who_it_is_where_the_page_did_not(lines):
    Client().get("/no/such/page/")  # without a database: it would be refused
    (line,) = lines("backoffice.access")
    assert "user" not in line and "route" not in line and "no/such" not in json.dumps(line)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-123_def.4", True),
        ("x" * 65, False),
        ('"}injected', False),
        ("ünïcode-4711", False),
        ("", False),
    ],
)
def test_request_id_of_a_trusted_proxy_is_kept_when_it_is_one(given, kept, client, db, settings):
    settings.TRUSTED_PROXIES = 1
    answer = client.get("/accounts/login/", headers={"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) is kept
    assert len(answer["X-Request-ID"]) >= 8
    assert request_id.get() == ""


def test_request_id_of_anybody_else_is_not_taken(client, db):
    answer = client.get("/accounts/login/", headers={"X-Request-ID": "abc-123_def.4"})
    assert answer["X-Request-ID"] != "abc-123_def.4"


def test_an_unexpected_error_tells_its_place_and_neither_path_nor_words(support_client, monkeypatch, lines):
    def get(self, request):
        raise ValueError(f"Key (email)=({SECRET}) already exists")

    monkeypatch.setattr(OrganizationList, "get", get)
    support_client.raise_request_exception = False
    response = support_client.get(f"{LIST}?q={SECRET}")
    (line,) = lines("django.request")
    assert line["message"] == "Internal Server Error: tenants:organization_list"
    assert line["exception"] == "builtins.ValueError" and "test_log_lines.py" in line["frames"][-1]
    assert line["request_id"] == response["X-Request-ID"]
    assert SECRET not in json.dumps(line) and LIST not in json.dumps(line)


def test_a_refused_request_is_not_quoted(lines, settings):
    settings.ALLOWED_HOSTS = ["backoffice.example.com"]
    assert Client().get("/", headers={"Host": "evil.example"}).status_code == 400
    (line,) = lines("django.security.DisallowedHost")
    assert line["message"] == "Refused" and "evil" not in json.dumps(line)


def test_a_broken_request_is_not_quoted_by_the_server():
    for message in (
        "Invalid request from ip={ip}: Invalid line 'GET /?q=secret'",
        "Error handling request %s",
    ):
        args = ("/?q=secret",) if "%s" in message else ()
        line = JsonFormatter().format(record(message, *args, name="gunicorn.error"))
        assert "secret" not in line and "request" in json.loads(line)["message"]


def test_lines_for_people_say_the_same():
    made = record("A job failed.", exc_info=error(ValueError(SECRET)), kind="export", status="failed")
    with about_job("4711", started_by="request-1"):
        text = TextFormatter().format(made)
    first, *frames = text.split("\n")
    assert "Z ERROR backoffice: A job failed. (" in first and SECRET not in text
    assert "job=4711" in first and "started_by=request-1" in first and "kind=export" in first
    assert "test_log_lines.py" in frames[-1]


def test_a_job_tells_its_id_and_the_request_that_asked_for_it(support, lines, monkeypatch, owner):
    def work(job, progress):
        logging.getLogger("backoffice.some").warning("In the middle.")

    monkeypatch.setitem(jobs.KINDS, "test", work)
    token = request_id.set("request-4711")
    job = jobs.start("test", title=SECRET, owner=support)
    request_id.reset(token)
    ((args,),) = owner("select args from procrastinate_jobs where args ->> 'job_id' = %s", [str(job.pk)])
    tasks.run_job.func(**json.loads(args))
    began, ended = lines("backoffice.jobs")
    (middle,) = lines("backoffice.some")
    for line in (began, middle, ended):
        assert (line["job"], line["started_by"]) == (str(job.pk), "request-4711")
    assert (ended["kind"], ended["status"]) == ("test", "succeeded") and ended["seconds"] >= 0
    assert SECRET not in json.dumps([began, middle, ended])
