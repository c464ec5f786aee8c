"""Exports: the rows that the list shows, safe in a spreadsheet, and logged."""

import csv
import io

import pytest
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import jobs, testing
from backoffice.models import Job, ReadLog
from backoffice.testing_crud import check_page, client_of, set_column
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number
from tenants.models import Organization
from tenants.tests.factories import change, make_organization, make_profile

EXPORTS = {
    "tenants:organization": make_organization,
    "tenants:userprofile": make_profile,
    "agents:agent": make_agent,
    "telephony:phonenumber": make_number,
    "telephony:calllog": make_call,
    "billing:credittransaction": make_posting,
    "billing:usagelog": make_usage,
}


@pytest.fixture
def database(fresh_database, settings, tmp_path):
    """A database in which rows are committed, for the export reads over a connection of its own."""
    settings.JOB_FILES_DIR = tmp_path
    return fresh_database


def export(client, name, query=""):
    """The rows of the CSV as dicts, and the job."""
    address = reverse(f"{name}_export") + (f"?{query}" if query else "")
    assert client.post(address).status_code == 302
    job = Job.objects.latest("created_at")
    jobs.run(str(job.pk))
    job.refresh_from_db()
    assert job.status == "succeeded", job.message
    content = b"".join(client.get(reverse("job_result", args=[job.pk])).streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content))), job


def test_every_list_exports_its_rows_and_columns(database):
    with database.platform():
        made = {name: [make() for _ in range(3)] for name, make in EXPORTS.items()}
    with database.django():
        client = client_of(testing.make_user("admin"))
        for name, rows in made.items():
            found, job = export(client, name)
            ids = {row["id"] for row in found}
            assert ids >= {str(row.pk) for row in rows}, name
            assert len(found) == type(rows[0]).objects.count() == len(ids) == job.done
            assert job.message == f"{len(found)} rows."
            assert "password" not in found[0]
        assert ReadLog.objects.filter(kind="export").count() == len(EXPORTS)


def test_filters_and_the_readers_days_are_those_of_the_page(database):
    with database.platform():
        for name, moment in (("Late", "2026-03-01T15:30:00Z"), ("Early", "2026-03-01T14:59:59Z")):
            make_organization(name=name, created_at=moment)
        make_organization(name="Late but other", created_at="2026-03-01T15:30:00Z", credits_balance="5.00")
    with database.django():
        user = testing.make_user("finance")
        type(user).objects.filter(pk=user.pk).update(time_zone="Asia/Tokyo")
        client = client_of(user)
        query = "since=2026-03-02&balance=zero&sort=name"
        listed = client.get(f"{reverse('tenants:organization_list')}?{query}").context["rows"]
        rows, _ = export(client, "tenants:organization", query)
        assert [row["name"] for row in rows] == [row.name for row in listed] == ["Late"]
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.table_name, entry.actor) == ("export", "organizations", str(user))
        assert query in entry.detail


@pytest.mark.parametrize(
    "query", ["q=%00", "since=nonsense", "tier=nonsense&q=x", "sort=nonsense", "after=nonsense", "q=%25"]
)
def test_a_broken_filter_narrows_nothing_and_breaks_nothing(database, query):
    with database.platform():
        make_organization(name="x")
    with database.django():
        client = client_of(testing.make_user("support"))
        listed = client.get(f"{reverse('tenants:organization_list')}?{query}")
        rows, _ = export(client, "tenants:organization", query)
        if listed.status_code == 200:
            assert [row["name"] for row in rows] == [row.name for row in listed.context["rows"]]


def test_cells_are_text_to_a_spreadsheet(database):
    formulas = [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        '=HYPERLINK("http://x","y")',
        "+1-1",
        "-",
        "=",
        "+49x",
    ]
    plain = [
        "+14155550100",
        "-5",
        "+1 415 555 0100",
        "a=1",
        "1+1",
        "",
        'a "quoted", cell\nwith lines',
        "Ünïcödé 日本",
        "-1.50",
        "it's",
    ]
    with database.platform():
        for text in formulas + plain:
            make_organization(name=text or "empty")
    with database.django():
        rows, _ = export(client_of(testing.make_user("support")), "tenants:organization")
        names = {row["name"] for row in rows}
        assert names >= {f"'{text}" for text in formulas}
        assert names >= {text or "empty" for text in plain}
        assert len(rows) == len(formulas + plain)


def test_odd_values_do_not_stop_it(database):
    with database.platform():
        odd = make_call(duration_seconds=-5, status=None)
        set_column(odd, "cost", "NaN")
        set_column(odd, "created_at", "infinity")
        change(Organization.objects.get(pk=odd.organization_id), name="\\. \\N {%s} %%")
    with database.django():
        client = client_of(testing.make_user("finance"))
        (row,), _ = export(client, "telephony:calllog")
        assert (row["cost"], row["created_at"], row["duration_seconds"], row["status"]) == (
            "NaN",
            "infinity",
            "-5",
            "",
        )
        (row,), _ = export(client, "tenants:organization")
        assert row["name"] == "\\. \\N {%s} %%"


def test_is_refused_to_those_who_may_not_see_the_list(db):
    user = testing.make_user("support")
    user.groups.clear()
    html = check_page(client_of(user).post(reverse("tenants:organization_export")), 403)
    assert "organizations" in html and not Job.objects.exists()


def test_a_get_starts_nothing(support_client):
    assert support_client.get(reverse("tenants:organization_export")).status_code == 405
    assert not Job.objects.exists()
