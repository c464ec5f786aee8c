"""Exports: the rows, order and columns that the list shows, safe in a spreadsheet, and logged."""

import csv
import datetime
import io
import re
import time
import zipfile
from xml.etree import ElementTree

import pytest
import xlsxwriter
from django.db import connection
from django.urls import reverse

from agents.tests.factories import make_agent, make_message, make_session
from backoffice import export as exports
from backoffice import jobs, testing
from backoffice.models import Job, ReadLog
from backoffice.postgresql import base
from backoffice.testing_crud import check_page, client_of, client_with, set_column
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_conflict, make_number, make_trunk
from tenants.models import Organization
from tenants.tests.factories import change, make_item, make_note, make_organization, make_profile

EXPORTS = {
    "tenants:organization": make_organization,
    "tenants:userprofile": make_profile,
    "agents:agent": make_agent,
    "agents:agentsession": make_session,
    "agents:agentmessage": make_message,
    "telephony:phonenumber": make_number,
    "telephony:siptrunk": make_trunk,
    "telephony:calllog": make_call,
    "telephony:conflict": make_conflict,
    "billing:credittransaction": make_posting,
    "billing:balance": make_organization,
    "billing:usagelog": make_usage,
    "tenants:note": make_note,
    "tenants:attentionitem": make_item,
    "backoffice:auditevent": None,
    "backoffice:readlog": None,
}


@pytest.fixture
def database(fresh_database, settings, tmp_path):
    """A database in which rows are committed, for the export reads over a connection of its own."""
    settings.JOB_FILES_DIR = tmp_path
    return fresh_database


def run(client, name, query="", kind="csv"):
    """(content of the file, the job)."""
    address = reverse("list_export", args=[f"{name}_list"])
    assert client.post(address, {"query": query, "format": kind}).status_code == 302
    job = Job.objects.latest("created_at")
    jobs.run(str(job.pk))
    job.refresh_from_db()
    assert job.status == "succeeded", job.message
    return b"".join(client.get(reverse("job_result", args=[job.pk])).streaming_content), job


def export(client, name, query=""):
    """The rows of the CSV as dicts, and the job."""
    content, job = run(client, name, query)
    return list(csv.DictReader(io.StringIO(content.decode()))), job


def sheets(content):
    """[[[cell]]] of an XLSX: numbers as float, texts as str, None where there is none; formulas must not be in it."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        names = sorted(name for name in file.namelist() if name.startswith("xl/worksheets/sheet"))
        for name in names:
            root = ElementTree.fromstring(file.read(name))
            assert not list(root.iter(f"{space}f")) and not list(root.iter(f"{space}hyperlink"))
            found.append([[cell_of(cell, space) for cell in row] for row in root.iter(f"{space}row")])
    return found


def cell_of(cell, space):
    if cell.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{space}t"))
    return float(cell.find(f"{space}v").text)


def test_every_list_exports_the_rows_and_columns_that_it_shows(database):
    with database.platform():
        for make in EXPORTS.values():
            for _ in range(3 if make else 0):
                make()
    with database.django():
        client = client_of(testing.make_user("admin"))
        for name in EXPORTS:
            page = client.get(reverse(f"{name}_list"))
            found, job = export(client, name, f"columns={','.join(page.context['table'].offered())},id")
            assert (
                len(found) == job.done == page.context["rows"][0]._meta.model.objects.count() or "log" in name
            ), name
            labels = [column.label for column in page.context["table"].offered().values()]
            assert set(found[0]) <= set(labels) and len(found[0]) >= len(page.context["headers"]) - 1
            assert job.message.startswith(f"{len(found)} rows.")
            assert not {"Password", "Text", "Recording URL", "Webhook URL"} & set(found[0]), name
            shown, _ = export(client, name)
            headings = [header["label"] for header in page.context["headers"]]
            kept = [label for label in headings if label not in ("Password", "Text", "Act")]
            assert list(shown[0]) == kept, name
            assert len(run(client, name, kind="xlsx")[0]) > 1000
        assert ReadLog.objects.filter(kind="export").count() == 3 * len(EXPORTS)


def test_order_columns_and_headings_are_those_of_the_page(database):
    with database.platform():
        for name, balance in (("B", "5.00"), ("C", "-1.25"), ("A", "5.00")):
            make_organization(name=name, credits_balance=balance)
    with database.django():
        client = client_of(testing.make_user("finance"))
        for query in (
            "sort=name",
            "sort=-name",
            "sort=balance&columns=credits_balance,name,id",
            "sort=-balance",
        ):
            page = client.get(f"{reverse('tenants:organization_list')}?{query}")
            rows, _ = export(client, "tenants:organization", query)
            assert [row["Name"] for row in rows] == [row.name for row in page.context["rows"]], query
            assert list(rows[0]) == [header["label"] for header in page.context["headers"]]
            (sheet,) = sheets(run(client, "tenants:organization", query, "xlsx")[0])
            assert [heading.removesuffix(" (UTC)") for heading in sheet[0]] == list(rows[0])
            at = sheet[0].index("Balance")
            assert [row[at] for row in sheet[1:]] == [float(row["Balance"]) for row in rows]


def test_times_are_in_the_readers_zone_with_their_offset(database):
    with database.platform():
        make_organization(created_at="2026-07-01T15:30:00.25Z")
    with database.django():
        user = testing.make_user("finance")
        type(user).objects.filter(pk=user.pk).update(time_zone="Asia/Kolkata")
        client = client_of(user)
        (row,), _ = export(client, "tenants:organization")
        assert row["Created"] == "2026-07-01 21:00:00.25+05:30"
        query = "columns=name,created_at"
        ((headings, (_, moment)),) = sheets(run(client, "tenants:organization", query, "xlsx")[0])
        assert headings == ["Name", "Created (Asia/Kolkata)"]
        started = datetime.datetime(1899, 12, 30) + datetime.timedelta(days=moment)
        assert abs(started - datetime.datetime(2026, 7, 1, 21, 0, 0, 250000)) < datetime.timedelta(
            seconds=0.01
        )


@pytest.mark.parametrize(
    "moment", ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "1850-01-01 00:00:00+00"]
)
def test_times_that_excel_does_not_have_are_texts(database, moment):
    with database.platform():
        organization = make_organization()
        with connection.cursor() as cursor:
            cursor.execute(
                "update organizations set created_at = %s where id = %s", [moment, organization.pk]
            )
    with database.django():
        client = client_of(testing.make_user("finance"))
        ((_, row),) = sheets(run(client, "tenants:organization", "columns=name,created_at", "xlsx")[0])
        assert row[1].startswith(moment[:19])


def test_of_jobs_holds_ones_own(database):
    with database.django():
        mine, other = (testing.make_user(role) for role in ("support", "finance"))
        export(client_of(other), "tenants:organization")
        rows, _ = export(client_of(mine), "job")
        assert [row["By"] for row in rows] == [mine.email]


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
        assert [row["Name"] for row in rows] == [row.name for row in listed] == ["Late"]
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.table_name, entry.actor) == ("export", "organizations", str(user))
        assert (
            query in entry.detail
            and "columns name, owner, tier" in entry.detail
            and "; 1 rows" in entry.detail
        )


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
            assert [row["Name"] for row in rows] == [row.name for row in listed.context["rows"]]


def test_cells_are_text_to_a_spreadsheet(database, monkeypatch):
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
        client = client_of(testing.make_user("support"))
        rows, _ = export(client, "tenants:organization")
        names = {row["Name"] for row in rows}
        assert names >= {f"'{text}" for text in formulas}
        assert names >= {text or "empty" for text in plain}
        assert len(rows) == len(formulas + plain)
        (sheet,) = sheets(run(client, "tenants:organization", kind="xlsx")[0])
        texts = {row[0] for row in sheet[1:]}
        assert texts >= {text.replace("\r", "\n") for text in formulas if not text.startswith(("\t", "\r"))}
        written, _ = run(client, "tenants:organization", "sort=name")
        monkeypatch.setattr(exports, "PIECE", 100)
        address = reverse("list_export", args=["tenants:organization_list"])
        answer = client.post(address, {"query": "sort=name", "format": "csv-at-once"})
        logged = ReadLog.objects.latest("id").detail
        pieces = list(answer.streaming_content)
        assert b"".join(pieces) == written and len(pieces) > 3
        assert (
            "attachment" in answer["Content-Disposition"]
            and "organizations.csv" in answer["Content-Disposition"]
        )
        assert "organizations (CSV): sort=name; columns name" in logged and "; 21 rows" in logged


def test_what_pages_hide_no_file_tells(database):
    with database.platform():
        make_agent(name='{"name": "x", "apiKey": "sk-secret"}')
        make_profile(avatar_url="https://joe:hunter2@x.example/a?token=hunter3&size=2")
    with database.django():
        client = client_of(testing.make_user("manager"))
        for kind in ("csv", "xlsx"):
            for name, query in (("agents:agent", ""), ("tenants:userprofile", "columns=email,avatar_url")):
                content, _ = run(client, name, query, kind)
                text = content.decode() if kind == "csv" else str(sheets(content))
                assert "sk-secret" not in text and "hunter" not in text
                assert "[JSON]" in text or "size=2" in text


def test_the_limits_of_a_sheet_are_kept_and_said(database, monkeypatch):
    monkeypatch.setattr(exports, "SHEET_ROWS", 3)
    monkeypatch.setattr(exports, "CELL_CHARACTERS", 10)
    with database.platform():
        for n in range(5):
            make_organization(name=f"{n} a name that is long")
    with database.django():
        client = client_of(testing.make_user("support"))
        content, job = run(client, "tenants:organization", "columns=name&sort=name", "xlsx")
        assert [[row[0] for row in sheet] for sheet in sheets(content)] == [
            ["Name", "0 a name t", "1 a name t"],
            ["Name", "2 a name t", "3 a name t"],
            ["Name", "4 a name t"],
        ]
        assert "On 3 sheets" in job.message and "5 texts were cut" in job.message


def test_a_workbook_takes_longer_to_put_together_than_a_transaction_may_be_idle(database, monkeypatch):
    """As one of five million rows does: that takes a minute after the last row has come."""
    usual, put_together = base.SESSION_SETTINGS, xlsxwriter.Workbook.close

    def slowly(book):
        time.sleep(0.5)
        put_together(book)

    shorter, count = re.subn("(idle_in_\\w+ = )'60s'", r"\1'100ms'", usual)
    assert count == 1
    monkeypatch.setattr(base, "SESSION_SETTINGS", shorter)
    monkeypatch.setattr(xlsxwriter.Workbook, "close", slowly)
    with database.platform():
        make_organization(name="Ortega")
    with database.django():
        client = client_of(testing.make_user("support"))
        content, _ = run(client, "tenants:organization", "columns=name", "xlsx")
    assert sheets(content) == [[["Name"], ["Ortega"]]]


def test_an_empty_list_has_its_headings(database):
    with database.django():
        client = client_of(testing.make_user("support"))
        assert run(client, "tenants:organization", "columns=name,tier")[0] == b"Name,Tier\n"
        assert sheets(run(client, "tenants:organization", "columns=name,tier", "xlsx")[0]) == [
            [["Name", "Tier"]]
        ]


def test_who_may_not_see_the_list_any_more_gets_no_file(database):
    with database.platform():
        make_organization()
    with database.django():
        user = testing.make_user("support")
        client = client_of(user)
        client.post(reverse("list_export", args=["tenants:organization_list"]))
        user.groups.clear()
        job = Job.objects.get()
        jobs.run(str(job.pk))
        job.refresh_from_db()
        assert job.status == "failed" and not job.result_path.exists()


def test_odd_values_do_not_stop_it(database):
    with database.platform():
        odd = make_call(duration_seconds=-5, status=None)
        set_column(odd, "cost", "NaN")
        set_column(odd, "created_at", "infinity")
        change(Organization.objects.get(pk=odd.organization_id), name="\\. \\N {%s} %%")
    with database.django():
        client = client_of(testing.make_user("finance"))
        (row,), _ = export(client, "telephony:calllog")
        assert (row["Cost"], row["Started"], row["Duration"], row["Status"]) == ("NaN", "infinity", "-5", "")
        (sheet,) = sheets(run(client, "telephony:calllog", kind="xlsx")[0])
        assert {"NaN", "infinity", -5.0} <= set(sheet[1])
        (row,), _ = export(client, "tenants:organization")
        assert row["Name"] == "\\. \\N {%s} %%"


def test_is_refused_to_those_who_may_not_see_the_list(db):
    address = reverse("list_export", args=["tenants:organization_list"])
    client = client_with("agents.view_agent")
    assert client.post(address, {"format": "csv-at-once"}).status_code == 403
    html = check_page(client.post(address), 403)
    assert "organizations" in html and not Job.objects.exists()


def test_a_get_and_an_unknown_format_start_nothing(support_client):
    address = reverse("list_export", args=["tenants:organization_list"])
    assert support_client.get(address).status_code == 405
    assert support_client.post(address, {"format": "exe"}).status_code == 404
    assert not Job.objects.exists()
