"""What is counted, under which labels; test_deployment.py has two server processes that are summed up."""

import datetime
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client import REGISTRY

from backoffice import background, jobs
from backoffice.environment import bind_address
from backoffice.health import ages
from backoffice.metrics import look, serve
from backoffice.models import Job
from tenants.tests.factories import make_organization
from tenants.views import OrganizationList

LIST = reverse("tenants:organization_list")
ROUTE = "tenants:organization_list"


@pytest.fixture(autouse=True)
def on(settings):
    settings.METRICS_BIND = "127.0.0.1:9464"


@pytest.fixture
def counted():
    """By how much a value grew since the test began: counted("backoffice_jobs_total", kind="export")."""
    before = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }

    def grown(name, **labels):
        value = REGISTRY.get_sample_value(name, labels) or 0
        return value - before.get((name, *sorted(labels.items())), 0)

    return grown


def test_requests_are_counted_by_route_and_never_by_address(support_client, counted):
    organization = make_organization()
    url = reverse("tenants:organization_detail", args=[organization.pk])
    for _ in range(2):
        support_client.get(f"{url}?q=secret")
    support_client.get("/no/such/page/")
    support_client.generic("BREW", "/no/such/pot/")
    route = "tenants:organization_detail"
    assert counted("backoffice_requests_total", route=route, method="GET", status="2xx") == 2
    assert counted("backoffice_requests_total", route="unknown", method="GET", status="4xx") == 1
    assert counted("backoffice_requests_total", route="unknown", method="other", status="4xx") == 1
    assert counted("backoffice_request_seconds_count", route=route) == 2
    assert counted("backoffice_request_queries_total", route=route) > 4
    assert counted("backoffice_request_database_seconds_total", route=route) > 0
    labels = [
        text for metric in REGISTRY.collect() for sample in metric.samples for text in sample.labels.values()
    ]
    assert not any(word in text for text in labels for word in (str(organization.pk), "secret", "/no/", "@"))


def test_unavailable_pages_are_counted_by_cause(support_client, monkeypatch, counted):
    def get(self, request):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(OrganizationList, "get", get)
    support_client.raise_request_exception = False
    support_client.get(LIST)
    assert counted("backoffice_unavailable_total", cause="away") == 1
    assert counted("backoffice_requests_total", route=ROUTE, method="GET", status="5xx") == 1


def test_failed_sign_ins_are_counted(support, counted):
    Client().post("/accounts/login/", {"login": support.email, "password": "wrong"})
    Client().post("/accounts/login/", {"login": "nobody@example.test", "password": "wrong"})
    assert counted("backoffice_login_failures_total", step="password") == 2


def test_nothing_is_counted_where_nothing_is_served(support_client, settings, counted):
    settings.METRICS_BIND = ""
    support_client.get(LIST)
    assert counted("backoffice_requests_total", route=ROUTE, method="GET", status="2xx") == 0


def test_jobs_are_counted_by_kind_and_how_they_ended(support, monkeypatch, counted):
    monkeypatch.setitem(jobs.KINDS, "test", lambda job, progress: None)
    jobs.run(str(jobs.start("test", title="A test", owner=support).pk))
    assert counted("backoffice_jobs_total", kind="test", status="succeeded") == 1
    assert counted("backoffice_job_seconds_count", kind="test") == 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "done"), (OperationalError("away"), "database"), (ValueError("wrong"), "error")],
    ids=["done", "database", "error"],
)
def test_rounds_are_counted_by_how_they_ended(error, outcome, counted, monkeypatch):
    stop = threading.Event()

    def round_of_work():
        stop.set()
        if error:
            raise error

    background.keep_going(round_of_work, 0, stop)
    assert counted("backoffice_rounds_total", round=__name__, outcome=outcome) == 1
    assert counted("backoffice_round_seconds_count", round=__name__) == 1


def test_the_worker_tells_queue_and_ages(support, monkeypatch):
    hour = datetime.timedelta(hours=1)
    monkeypatch.setattr(
        ages,
        "PROVIDERS",
        [lambda: [ages.Age("Figures", timezone.now() - hour), ages.Age("Never looked at", None)]],
    )
    job = jobs.start("export", title="An export", owner=support)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - hour)
    look.look()
    value = REGISTRY.get_sample_value
    assert value("backoffice_open_jobs", {"kind": "export", "status": "queued"}) == 1
    assert value("backoffice_oldest_queued_job_seconds") == pytest.approx(3600, abs=60)
    assert value("backoffice_age_seconds", {"of": "Figures"}) == pytest.approx(3600, abs=60)
    assert value("backoffice_age_seconds", {"of": "Never looked at"}) == float("inf")
    job.refresh_from_db()
    jobs.cancel(job)
    look.look()
    assert value("backoffice_open_jobs", {"kind": "export", "status": "queued"}) is None
    assert value("backoffice_oldest_queued_job_seconds") == 0


def test_the_place_of_a_process_that_ended_is_taken_by_the_next():
    assert serve.free_place(set()) == "0"
    assert serve.free_place({"0", "2"}) == "1"
    assert serve.free_place({"0", "1"}) == "2"


@pytest.mark.parametrize("value", ["9464", "localhost", ":9464", "localhost:0", "localhost:http"])
def test_an_address_without_host_or_port_is_refused(value, monkeypatch):
    monkeypatch.setenv("METRICS_BIND", value)
    with pytest.raises(ImproperlyConfigured, match="METRICS_BIND is an address with its port"):
        bind_address("METRICS_BIND")
