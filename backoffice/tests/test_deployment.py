"""The image and its services, as Dockerfile and compose.yaml say, without an engine: see image.py.

One life of web and worker serves all tests of this file: probes, metrics of two processes, logs, and reports of errors
to an address that stands in for Sentry.
"""

import contextlib
import gzip
import http.server
import json
import os
import re
import signal
import sys
import threading
import time
import urllib.request

import psycopg
import pytest
from django.conf import settings as django_settings

from backoffice import testing
from backoffice.testing_crud import client_of
from backoffice.tests.image import Image, compose, dockerfile

SECRET = "someone@example.com"
LIST = "/tenants/organizations/"


class Sentry:
    """An endpoint that takes what is sent to Sentry: `received` are the envelopes, as text. It answers if it may."""

    def __init__(self):
        received = self.received = []
        may_answer = self.may_answer = threading.Event()
        may_answer.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append(body.decode())
                may_answer.wait(30)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.dsn = f"http://key@127.0.0.1:{self.server.server_port}/1"


class Site:
    """The services, their database, the endpoint for errors, and the cookie of a signed-in person."""

    def __init__(self, image, database, sentry, cookie):
        self.image, self.database, self.sentry, self.cookie = image, database, sentry, cookie

    def get(self, path):
        return self.image.get(path, Cookie=self.cookie)

    def lines(self, service):
        return [json.loads(line) for line in self.image.log(service).read_text().splitlines()]

    def metric(self, name, port="9464", **labels):
        """The sum of the values of a metric that have these labels."""
        text = self.image.get("/metrics", port=port)[1]
        found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(value) for shown, value in found if all(each in shown for each in wanted))

    def wait_for(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, self.image.log("worker").read_text()[-3000:]
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def site(embedded, template_database, django_db_blocker):
    # What the services load is there already, which is quicker; they find it out.
    name = f"test_pid{os.getpid()}_deployment"
    embedded.create_database(name, template=template_database, owner="postgres")
    database, sentry = testing.Database(embedded, name), Sentry()
    image = Image(
        {
            "DATABASE_URL": database.url,
            "SECRET_KEY": "only-for-tests",
            "ALLOWED_HOSTS": "backoffice.example.com,127.0.0.1",
            "HTTPS": "off",
            "MFA_REQUIRED_ROLES": "",
            "LOG_LEVEL": "INFO",
            "SENTRY_DSN": sentry.dsn,
            "RELEASE": "v1.2.3",
        }
    )
    try:
        image.build()
        image.once(
            "schema", PLATFORM_OWNER_URL=embedded.url(name, "embedded_admin"), BACKOFFICE_PASSWORD="new word"
        )
        image.once("migrate")
        with django_db_blocker.unblock(), database.django():
            cookies = client_of(testing.make_user("admin")).cookies
        cookie = f"{django_settings.SESSION_COOKIE_NAME}={cookies[django_settings.SESSION_COOKIE_NAME].value}"
        for service in ("web", "worker"):
            image.start(service)
        for service in ("web", "worker"):
            image.wait_until_healthy(service)
        yield Site(image, database, sentry, cookie)
    finally:
        image.remove()
        sentry.server.shutdown()
        embedded.drop_database(name)


def test_compose_confines_what_it_runs():
    services = compose()["services"]
    assert set(services) == {"migrate", "web", "worker", "postgres", "schema"}
    for name in ("migrate", "web", "worker", "schema"):
        service = services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"] and service["tmpfs"]
        assert "privileged" not in service and not any("PASSWORD" in key for key in service.get("build", {}))
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]  # https is the proxy's business
    assert "ports" not in services["worker"] and "ports" not in services["postgres"]
    for name in ("postgres", "schema"):
        assert services[name]["profiles"] == ["try"]


def test_the_image_runs_as_a_number_that_is_not_root_and_holds_no_secret():
    instructions = dockerfile()
    assert instructions[-1][0] == "CMD" and instructions[-1][1].startswith("[")
    assert ("USER", "10001:10001") in instructions
    assert [name for name, _ in instructions].index("USER") < len(instructions) - 1
    assert all(":${PYTHON}" in text for name, text in instructions if name == "FROM")
    assert re.fullmatch(r"PYTHON=\d+\.\d+\.\d+-slim-\w+", instructions[0][1])
    ignored = (testing.BASE_DIR / ".dockerignore").read_text().split()
    assert {".env", ".env.*", "var", ".git"} <= set(ignored)


def test_the_role_has_the_password_that_was_given(site, embedded):
    with embedded.connect() as server:
        (kept,) = server.execute("select rolpassword from pg_authid where rolname = 'backoffice'").fetchone()
    assert kept.startswith("SCRAM-SHA-256$")


def test_pages_are_served_from_a_tree_that_cannot_be_written(site):
    assert not os.access(site.image.app, os.W_OK) or os.geteuid() == 0
    status, html = site.get(LIST)
    assert status == 200
    (style,) = re.findall(r'href="(/static/backoffice/app\.[0-9a-f]+\.css)"', html)
    (script,) = re.findall(r'src="(/static/backoffice/keyboard\.[0-9a-f]+\.js)"', html)
    (imported,) = re.findall(r'import\("\./(palette\.[0-9a-f]+\.js)"\)', site.image.get(script)[1])
    for path in (style, script, f"/static/backoffice/{imported}"):
        request = urllib.request.Request(site.image.url(path, "8000"), headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=20) as response:
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["Content-Encoding"] == "gzip"
    assert site.image.get("/readyz", Host="10.0.0.1") == (200, "ready\n")
    assert sorted(path.name for path in site.image.folder.iterdir()) == sorted(
        ["app", "tmp", "jobs", "web.log", "worker.log"]
    )


def test_worker_does_a_job_and_leaves_its_result_where_the_server_reads_it(site, django_db_blocker):
    """An export: asked for as the page does, done by the worker's process."""
    from backoffice import jobs
    from backoffice.models import Job, User

    with django_db_blocker.unblock(), site.database.django():
        owner = User.objects.get()
        job = jobs.start("data_health", title="Check", owner=owner)
        site.wait_for(lambda: not Job.objects.get(pk=job.pk).is_open)
        assert Job.objects.get(pk=job.pk).status == "succeeded"
    ended = [line for line in site.lines("worker") if line["message"] == "A job ended."]
    assert [(line["job"], line["kind"], line["status"]) for line in ended] == [
        (str(job.pk), "data_health", "succeeded")
    ]
    port = site.image.worker_metrics
    assert site.metric("backoffice_jobs_total", port, kind="data_health", status="succeeded") == 1
    assert site.metric("backoffice_rounds_total", port, round="backoffice.figures.follow", outcome="done") > 0
    assert site.metric("backoffice_looked_at_timestamp_seconds", port) > 0


def workers(site):
    """{pid} of the server's processes."""
    main = site.image.running["web"].pid
    return {int(pid) for pid in open(f"/proc/{main}/task/{main}/children").read().split()}


def test_two_server_processes_are_summed_up_and_the_dead_go_on_counting(site):
    def answered():
        return site.metric("backoffice_requests_total", route="tenants:organization_list", status="2xx")

    folder = next((site.image.folder / "tmp").glob("backoffice-metrics-*"))
    before = answered()
    for _ in range(10):
        assert site.get(LIST)[0] == 200
    assert answered() == before + 10
    assert site.metric("backoffice_pool_connections") > 0
    assert site.metric("backoffice_request_queries_total", route="tenants:organization_list") > 20
    alive = workers(site)
    assert len(alive) == 2
    os.kill(min(alive), signal.SIGKILL)
    site.wait_for(lambda: len(workers(site) - alive) == 1)
    for _ in range(4):
        site.get(LIST)
    assert answered() == before + 14
    counters = {path.name for path in folder.glob("counter_*.db")}
    assert counters <= {"counter_0.db", "counter_1.db"}
    assert site.get("/metrics")[0] == 404  # the site itself has no such page


def test_every_line_of_every_process_is_of_one_kind(site):
    site.get(f"{LIST}?q={SECRET}")
    for service in ("web", "worker"):
        for line in site.lines(service):
            assert {"at", "level", "logger", "message"} <= set(line)
    loggers = {line["logger"] for line in site.lines("web")}
    assert {"gunicorn.error", "backoffice.access"} <= loggers
    text = site.image.log("web").read_text()
    assert SECRET not in text and LIST not in text and "healthz" not in text and site.cookie not in text


@contextlib.contextmanager
def broken_search(site):
    """The page of the search raises: one of its functions has another name."""
    with psycopg.connect(site.database.owner_url, autocommit=True) as owner:
        owner.execute("alter function audit.search_query(text) rename to search_query_away")
        try:
            yield
        finally:
            owner.execute("alter function audit.search_query_away(text) rename to search_query")


def test_an_error_is_reported_by_types_frames_and_ids_and_without_words(site):
    with broken_search(site):
        assert site.get(f"/search/?q={SECRET}")[0] == 500
    of_request = '"logger":"django.request"'
    (envelope,) = site.wait_for(lambda: [text for text in site.sentry.received if of_request in text])
    event = json.loads(envelope.splitlines()[2])
    assert event["release"] == "v1.2.3" and event["environment"] == "production"
    assert event["logentry"] == {"message": "Internal Server Error: search"}
    assert event["tags"]["route"] == "search" and event["tags"]["sqlstate"] == "42883"
    values = event["exception"]["values"]
    assert {value["type"] for value in values} == {"UndefinedFunction", "ProgrammingError"}
    assert all("value" not in value and value["stacktrace"]["frames"] for value in values)
    for word in (SECRET, site.cookie, "127.0.0.1", "vars", "breadcrumbs", "query_string", "does not exist"):
        assert word not in envelope, word


def test_a_receiver_of_errors_that_says_nothing_keeps_no_page_waiting(site):
    site.sentry.may_answer.clear()
    try:
        began = time.monotonic()
        with broken_search(site):
            for word in ("a", "b", "c"):
                assert site.get(f"/search/?q={word}")[0] == 500
        assert time.monotonic() - began < 15  # it would not have answered for 30
    finally:
        site.sentry.may_answer.set()


def test_without_an_address_the_client_of_sentry_is_not_imported():
    assert "sentry_sdk" not in sys.modules


def test_services_end_when_they_are_told_to_and_leave_nothing(site):
    """The last test: an engine's SIGTERM ends both within their grace, and the metrics' files go."""
    for service in ("worker", "web"):
        assert site.image.stop(service) == 0
    assert not list((site.image.folder / "tmp").glob("backoffice-metrics-*"))
    assert not site.image.is_healthy("web")
