"""Erasure in what the staff's own work leaves: views, bulk actions, sessions, deleted notes, files, other searches."""

import uuid

import pytest
import xlsxwriter
from django.urls import reverse

from backoffice import jobs, saved_views, services
from backoffice.models import AuditEvent, BulkResult, BulkRun, Job, SavedView
from backoffice.sessions.store import SessionStore
from tenants.erasure.person import Person
from tenants.erasure.search import is_named_in_file
from tenants.models import Erasure
from tenants.tests.test_erasure import (  # noqa: F401
    MAIL,
    OTHER,
    PHONE,
    database,
    erase,
    everything,
    search,
    world,
)  # fmt: skip

QUERIES = {
    "View 0": "q=ann.oh%40mail.example&status=active",
    "View 1": "q=calls+of+ann.oh%40mail.example",
    "View 2": "q=%2B49+170+7654321",
    "View 3": "q=%2B49%20%28170%29%207654321&status=active",
}
SAME_WITHOUT = (f"All of {MAIL}", f"All of {PHONE}", f"{MAIL} {'x' * 55}", f"{PHONE} {'x' * 60}")
TRACES = (MAIL, "ann.oh%40mail.example", "7654321")


def view_of(user, name, query=""):
    view = SavedView(owner=user, list_name="tenants:organization_list", name=name, query=query)
    return saved_views.save_view(view, actor=user)


def remember(user):
    store = SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["walks"] = [["1", "/tenants/profiles/?q=ann.oh%40mail.example"], ["2", "/tenants/profiles/"]]
    store.create()
    return store.session_key


def test_the_staffs_own_work_forgets_the_person(world, database):  # noqa: F811
    client, made = world
    staff = made["support"]
    for name, query in QUERIES.items():
        view_of(staff, name, query)
    for name in SAME_WITHOUT:
        view_of(staff, name)
    run = BulkRun.objects.create(
        owner=staff, list_name="x", action="y", query=QUERIES["View 2"], row_ids=[], form={"reason": [MAIL]}
    )
    BulkResult.objects.create(run=run, row_id="1", label=f"Shop of {MAIL}", outcome="failed", message=PHONE)
    services.log_read("export", made["profile"], actor=staff, detail=QUERIES["View 3"])
    session = remember(staff)
    with services.acting(staff, "Wrong tenant"):
        made["organization"].notes.all().delete()
    same_mail, other = search(client, phone=""), search(client, mail="nobody@mail.example", phone="")
    erasure = search(client)
    page = client.get(erasure.get_absolute_url()).content.decode()
    assert "Back office: saved views" in page and "savedview" not in page

    certificate = erase(client, erasure).certificate
    rows = {place["place"]: place["rows"] for place in certificate["redacted"]}
    assert rows["backoffice.backoffice_savedview"] == 8
    for table in ("backoffice_bulkrun", "backoffice_bulkresult", "backoffice_staffsession"):
        assert rows[f"backoffice.{table}"] == 1
    for table, text in everything(database, "credit_transactions").items():
        assert not [trace for trace in TRACES if trace in text.replace(OTHER, "")], table
    assert SavedView.objects.get(name="View 0").query == "q=[erased]&status=active"
    names = SavedView.objects.filter(name__contains="[erased]").values_list("name", flat=True)
    assert len(set(names)) == len(SAME_WITHOUT)
    assert SessionStore(session).load() == {"_auth_user_id": str(staff.pk)}
    assert client.get("/").status_code == 200, "nobody is signed out"
    gone = AuditEvent.objects.filter(table_name="backoffice.tenants_note", action="delete").get()
    assert gone.old["text"] == "Call on [erased]"
    same_mail.refresh_from_db()
    other.refresh_from_db()
    assert (same_mail.status, same_mail.subject_secret) == (Erasure.Status.DISCARDED, None)
    assert other.is_open


def test_a_job_that_another_worker_runs_meanwhile_is_waited_for(world):  # noqa: F811
    client, made = world
    erasure = search(client)
    asked = client.post(reverse("tenants:erasure_erase", args=[erasure.pk]), {"confirm": MAIL})
    assert asked.status_code == 302
    job = Job.objects.latest("created_at")
    other = Job.objects.create(
        kind="export", title="Export of calls", owner=made["support"], status="running"
    )
    jobs.run(str(job.pk))
    job.refresh_from_db()
    assert job.can_retry and "Export of calls" in job.message
    Job.objects.filter(pk=other.pk).update(status="succeeded")
    jobs.retry(job)
    jobs.run(str(job.pk))
    erasure.refresh_from_db()
    assert erasure.status == "erased"


@pytest.mark.parametrize(
    "text", [MAIL, PHONE, "0170/7654321", "?q=%2B49+170+765%204321", "q=ann.oh%40mail.example"]
)
def test_spreadsheets_are_looked_into(settings, tmp_path, text):
    settings.JOB_FILES_DIR = tmp_path
    job = Job(id=uuid.uuid4())
    with xlsxwriter.Workbook(str(job.result_path), {"constant_memory": True}) as book:
        book.add_worksheet().write_string(0, 0, text)
    assert is_named_in_file(Person(MAIL, "491707654321", "1707654321"), job)
    assert not is_named_in_file(Person("nobody@mail.example"), job)


def test_bookkeeping_stays_and_is_listed_but_addresses_of_files_go(world, database):  # noqa: F811
    client, _ = world
    with database.connect("postgres") as connection:
        (run,) = connection.execute(
            "insert into billing.bulk_posting (name, sha256, kind, reason, row_count, left_out, amount, requested_by,"
            " requested_by_name, expires_at) values ('june.csv', '', 'goodwill', 'June', 0, 1, 0, 1, 'Ada', now()) returning id"
        ).fetchone().values()  # fmt: skip
        connection.execute(
            "insert into billing.bulk_posting_row (run_id, number, given, given_amount, reason, problem)"
            " values (%s, 1, %s, '5', %s, 'unknown')",
            [run, MAIL.upper(), f"Promised to {MAIL}"],
        )
    erasure = search(client)
    found = erasure.findings["places"]
    assert found["billing.bulk_posting_row"]["columns"] == {"given": 1}
    assert found["billing.bulk_posting_row:stays"]["columns"] == {"reason": 1}
    certificate = erase(client, erasure).certificate
    assert {"billing.bulk_posting_row": 1}.items() <= {
        place["place"]: place["rows"] for place in certificate["redacted"]
    }.items()
    assert [entry["rows"] for entry in certificate["remains"] if "belongs to the ledger" in entry["why"]] == [
        1
    ]
    with database.connect() as connection:
        row = connection.execute("select given, reason from billing.bulk_posting_row").fetchone()
    assert row == {"given": "[erased]", "reason": f"Promised to {MAIL}"}
