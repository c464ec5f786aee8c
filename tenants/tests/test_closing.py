"""Closing a tenant: the archive, what stands in the way, the deletion, and what its address answers afterwards."""

import csv
import datetime
import hashlib
import io
import json
import subprocess
import zipfile

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_chat_session,
    make_message,
    make_session,
)
from backoffice import jobs, testing
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.testing_crud import check_page, client_of
from billing.models import CreditTransaction
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.closing import archive, procedure
from tenants.closing.parts import PLATFORM, all_parts, counts
from tenants.models import Note, Organization, UserProfile
from tenants.notes import add_note
from tenants.tests.factories import change, make_item, make_organization

SECRETS = ("trunk-secret", "sk-header-secret", "config-secret", "url-secret", "context-secret")
FORMULA = '=HYPERLINK("http://evil.test","x")'


csv.field_size_limit(1_000_000)


def make_tenant(name="Closing Ltd"):
    """A tenant with a row in every table, hostile texts among them; nothing stands in the way but the export."""
    organization = make_organization(name=name)
    agent = make_agent(
        organization,
        name=FORMULA,
        custom_headers={"Authorization": "sk-header-secret"},
        config={"sip": {"password": "config-secret"}, "note": 'line\nbreak \\u0000 " , ;'},
    )
    make_trunk("trunk-secret", organization=organization, username="@SUM(1)")
    make_number(organization, agent=agent, status="released")
    session = make_session(
        agent,
        conversation_history=[{"role": "user", "content": "x" * 300_000}],
        context_data={"page": "/start", "api_key": "context-secret"},
    )
    make_message(session, content="+cmd|' /C calc'!A0\r\nsecond line, with \"quotes\" ☎ \\x00 \\N \\.")
    make_chat_message(make_chat_session(agent), text="-1+1")
    make_usage(agent)
    make_call(
        organization, status="completed", recording_url="https://u:url-secret@x.test/a?token=url-secret"
    )
    make_posting(organization, "5.00")
    make_posting(organization, "-5.00", "refund")
    return organization


@pytest.fixture
def database(fresh_database, settings, tmp_path):
    """A database in which rows are committed, for the archive reads over a connection of its own."""
    settings.JOB_FILES_DIR = tmp_path
    return fresh_database


@pytest.fixture
def closing(database):
    """(client of an admin, tenant) in that database."""
    with database.platform():
        organization = make_tenant()
        make_tenant("Staying Ltd")
    with database.django():
        yield client_of(testing.make_user("admin")), organization


def run_newest():
    job = Job.objects.latest("created_at")
    jobs.run(str(job.pk))
    job.refresh_from_db()
    return job


def export(client, organization, reason="Contract ended"):
    response = client.post(
        reverse("tenants:organization_archive", args=[organization.pk]), {"reason": reason}
    )
    assert response.status_code == 302
    job = run_newest()
    assert job.status == "succeeded", job.message
    return job


def close(client, organization, follow=False, **data):
    data = {"confirm": organization.name, "reason": "Contract ended", **data}
    return client.post(reverse("tenants:organization_close", args=[organization.pk]), data, follow=follow)


def opened(job):
    return zipfile.ZipFile(job.result_path)


class TestArchive:
    def test_every_table_is_in_it_twice_with_its_rows(self, closing):
        client, organization = closing
        job = export(client, organization)
        with opened(job) as found:
            manifest = json.loads(found.read("manifest.json"))
            assert manifest["organization"] == {"id": str(organization.pk), "name": "Closing Ltd"}
            assert (manifest["made_by"], manifest["reason"]) == (str(client.user), "Contract ended")
            tables = {table["table"]: table for table in manifest["tables"]}
            assert set(tables) == {part.table for part in all_parts()}
            for part in PLATFORM[:-1]:  # nobody has read anything of it yet
                table = tables[part.table]
                lines = found.read(f"{part.file_name}.jsonl").decode().splitlines()
                rows = [json.loads(line) for line in lines]
                cells = list(
                    csv.DictReader(io.StringIO(found.read(f"{part.file_name}.csv").decode(), newline=""))
                )
                assert len(rows) == len(cells) == table["rows"], part.table
                if part.table.startswith("billing."):  # nothing was asked for or settled
                    continue
                assert rows, part.table
                assert [column["name"] for column in table["columns"]] == list(rows[0]) == list(cells[0])
            assert "Staying Ltd" not in "".join(
                found.read(name).decode() for name in found.namelist() if "organizations" in name
            )

    def test_it_holds_no_secret(self, closing):
        client, organization = closing
        with opened(export(client, organization)) as found:
            everything = b"".join(found.read(name) for name in found.namelist()).decode()
            assert not [secret for secret in SECRETS if secret in everything]
            trunks = next(
                table
                for table in json.loads(found.read("manifest.json"))["tables"]
                if table["table"] == "public.sip_trunks"
            )
            assert trunks["left_out"] == ["password"]
            assert json.loads(found.read("agents.jsonl"))["config"]["note"] == 'line\nbreak \\u0000 " , ;'

    def test_json_lines_are_exact_and_no_cell_of_the_csv_is_a_formula(self, closing):
        client, organization = closing
        with opened(export(client, organization)) as found:
            message = json.loads(found.read("agent_messages.jsonl"))
            assert message["content"] == "+cmd|' /C calc'!A0\r\nsecond line, with \"quotes\" ☎ \\x00 \\N \\."
            assert json.loads(found.read("agents.jsonl"))["name"] == FORMULA
            for name in found.namelist():
                if name.endswith(".csv"):
                    rows = list(csv.reader(io.StringIO(found.read(name).decode(), newline="")))
                    risky = [cell for row in rows for cell in row if cell[:1] in "=+-@\t\r" and cell[:1]]
                    assert all(cell.lstrip("+-").replace(".", "").isdigit() for cell in risky), (name, risky)

    def test_checksums_are_verified_without_us(self, closing, tmp_path):
        client, organization = closing
        job = export(client, organization)
        assert hashlib.sha256(job.result_path.read_bytes()).hexdigest() == job.params["made"]["sha256"]
        folder = tmp_path / "unpacked"
        with opened(job) as found:
            found.extractall(folder)
        done = subprocess.run(
            ["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        assert done.stdout.count(": OK") == 2 * len(all_parts()) + 2

    def test_making_and_downloading_are_logged(self, closing):
        client, organization = closing
        job = export(client, organization)
        made = ReadLog.objects.get(kind="export", table_name="organizations", row_id=str(organization.pk))
        assert job.params["made"]["sha256"] in made.detail and made.reason == "Contract ended"
        assert client.get(reverse("job_result", args=[job.pk])).status_code == 200
        entry = ReadLog.objects.latest("id")
        assert (entry.actor, entry.organization_id) == (str(client.user), organization.pk)
        assert entry.detail == f"Downloaded {job.result_name}"

    def test_whoever_is_no_admin_any_more_gets_neither_the_file_nor_the_work(self, closing):
        client, organization = closing
        job = export(client, organization)
        second = archive.start_archive(organization, actor=client.user, reason="Again")
        testing.make_user("admin", email="another@example.test")  # the last one would have to stay
        type(client.user).objects.filter(pk=client.user.pk).update(is_superuser=False)
        client.user.groups.add(*testing.make_user("support").groups.all())
        testing.sign_in(client, client.user)  # the change of role ended the session
        assert "close_organization" in check_page(client.get(reverse("job_result", args=[job.pk])), 403)
        jobs.run(str(second.pk))
        second.refresh_from_db()
        assert second.status == "failed" and "may not" in second.message


class TestBlockers:
    def test_they_stand_in_the_order_to_resolve_each_with_its_place(self, closing, database):
        client, organization = closing
        with database.platform():
            make_posting(organization, "12.50")
            make_number(organization)
            make_call(organization)
            agent = organization.agents.first()
            other = make_agent()
            change(make_number(other.organization), agent=agent)
            change(make_usage(agent), organization_id=other.organization_id)
        page = check_page(client.get(reverse("tenants:organization_close", args=[organization.pk])))
        order = [
            "12.50",
            "1 number still active",
            "1 call still running",
            "1 number of other",
            "1 usage record of other",
        ]
        places = [page.index(words) for words in [*order, "Nothing was exported yet"]]
        assert places == sorted(places)
        assert 'name="confirm"' not in page
        assert all(blocker.url for blocker in procedure.blockers(organization))
        refused = close(client, organization)
        assert refused.status_code == 422 and Organization.objects.filter(pk=organization.pk).exists()

    def test_an_export_must_be_new_and_of_what_is_there_now(self, closing, database, monkeypatch):
        client, organization = closing
        export(client, organization)
        assert procedure.blockers(organization) == []
        with database.platform():
            change(organization.agents.first(), description="changed")
        assert [blocker.title for blocker in procedure.blockers(organization)] == [
            "The tenant was changed after the last export"
        ]
        job = export(client, organization)
        job.result_path.unlink()
        Job.objects.filter(pk=job.pk).update(result_name="")
        assert "is gone" in procedure.blockers(organization)[0].title
        export(client, organization)
        moment = timezone.now() + datetime.timedelta(hours=25)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        assert "older than 24 hours" in procedure.blockers(organization)[0].title

    def test_open_jobs_of_the_tenant_block(self, closing):
        client, organization = closing
        export(client, organization)
        archive.start_archive(organization, actor=client.user, reason="Again")
        assert "still at work" in procedure.blockers(organization)[0].title

    def test_conversations_that_go_on_do_not_block_but_are_counted(self, closing, database):
        client, organization = closing
        export(client, organization)
        address = reverse("tenants:organization_close", args=[organization.pk])
        assert "After the last export" not in check_page(client.get(address))
        with database.platform():
            agent, now = organization.agents.first(), timezone.now()
            make_message(make_session(agent, created_at=now))
            make_chat_message(make_chat_session(agent, created_at=now))
            make_call(organization, status="completed", created_at=now)
        assert procedure.blockers(organization) == []
        assert "After the last export came 2 conversations, 1 call." in check_page(client.get(address))


class TestClosing:
    def test_page_counts_what_goes_and_stays(self, closing):
        client, organization = closing
        page = check_page(client.get(reverse("tenants:organization_close", args=[organization.pk])))
        for words in ("Legacy messages", "Owner's profile".replace("'", "&#x27;"), "cannot be undone"):
            assert words in page

    def test_name_and_reason_are_asked(self, closing):
        client, organization = closing
        export(client, organization)
        for data in ({"confirm": "closing ltd"}, {"confirm": ""}, {"reason": " "}):
            assert close(client, organization, **data).status_code == 422
        assert not Job.objects.filter(kind=procedure.KIND).exists()

    def test_everything_goes_but_profile_ledger_and_audit(self, closing):
        client, organization = closing
        checksum = export(client, organization).params["made"]["sha256"]
        assert close(client, organization).status_code == 302
        job = run_newest()
        assert job.status == "succeeded" and "is closed" in job.message, job.message
        assert not Organization.objects.filter(pk=organization.pk).exists()
        assert UserProfile.objects.filter(pk=organization.owner_id).exists()
        assert {
            posting.organization_name
            for posting in CreditTransaction.objects.filter(organization_id=organization.pk)
        } == {"Closing Ltd"}
        event = procedure.closing_of(organization.pk).event
        assert (event.actor, event.reason) == (str(client.user), "Contract ended")
        assert event.new["export_sha256"] == checksum and event.new["rows_deleted"]["agent_messages"] == 1
        assert Organization.objects.filter(name="Staying Ltd").exists()

    def test_the_address_answers_with_who_when_and_what_is_kept(self, closing):
        client, organization = closing
        checksum = export(client, organization).params["made"]["sha256"]
        close(client, organization)
        run_newest()
        address = organization.get_absolute_url()
        page = check_page(client.get(address), 410)
        for words in (
            "Closing Ltd",
            "Contract ended",
            str(client.user),
            checksum,
            "Legacy messages",
            "Download",
        ):
            assert words in page
        other = check_page(client_of(testing.make_user("support")).get(address), 410)
        assert "Contract ended" in other and checksum not in other and "Download" not in other
        never = reverse("tenants:organization_detail", args=["00000000-0000-4000-8000-000000000000"])
        check_page(client.get(never), 404)

    def test_ledger_and_audit_still_open_and_show_the_name(self, closing):
        client, organization = closing
        export(client, organization)
        close(client, organization)
        run_newest()
        posting = CreditTransaction.objects.filter(organization_id=organization.pk).first()
        assert "Closing Ltd" in check_page(client.get(posting.get_absolute_url()))
        assert "Closing Ltd" in check_page(
            client.get(f"{reverse('billing:credittransaction_list')}?q={organization.pk}")
        )
        event = AuditEvent.objects.filter(organization_id=organization.pk).first()
        assert "Closing Ltd" in check_page(client.get(event.get_absolute_url()))
        assert "Closing Ltd" in check_page(client.get(f"/audit/changes/?q={organization.pk}"))

    def test_a_change_between_page_and_job_is_noticed_and_nothing_is_gone(self, closing, database):
        client, organization = closing
        export(client, organization)
        close(client, organization)
        with database.platform():
            make_posting(organization, "1.00")
        job = run_newest()
        assert job.status == "failed" and "Nothing was changed" in job.message and "balance" in job.message
        assert Organization.objects.filter(pk=organization.pk).exists()
        assert organization.agents.exists() and organization.calls.exists()

    def test_an_interrupted_job_leaves_nothing_half_done_and_can_be_retried(self, closing, monkeypatch):
        client, organization = closing
        export(client, organization)
        close(client, organization)

        def stop(*args):
            raise KeyboardInterrupt

        monkeypatch.setattr(procedure, "delete_own", stop)
        job = Job.objects.latest("created_at")
        with pytest.raises(KeyboardInterrupt):
            jobs.run(str(job.pk))
        assert organization.agents.exists() and Organization.objects.filter(pk=organization.pk).exists()
        assert procedure.closing_of(organization.pk) is None
        monkeypatch.undo()
        monkeypatch.setattr(jobs.settings, "JOB_FILES_DIR", job.result_path.parent)
        Job.objects.filter(pk=job.pk).update(status="failed")
        jobs.retry(job)
        jobs.run(str(job.pk))
        assert not Organization.objects.filter(pk=organization.pk).exists()

    def test_own_rows_about_the_tenant_go_too_and_are_in_the_archive(self, closing, database):
        client, organization = closing
        with database.platform():
            make_item(organization)
        add_note(Note(organization=organization, text="Kept in the archive"), actor=client.user)
        with opened(export(client, organization)) as found:
            assert "Kept in the archive" in found.read("staff_tenants_note.jsonl").decode()
            assert found.read("staff_tenants_attentionitem.jsonl")
        close(client, organization)
        assert run_newest().status == "succeeded"
        assert not [part.table for part, count in counts(organization) if part.own and count]
        assert AuditEvent.objects.filter(table_name="backoffice.tenants_note", action="delete").exists()


class TestWhoMay:
    @pytest.mark.parametrize("page", ["archive", "close"])
    @pytest.mark.parametrize("role", ["support", "finance", "manager"])
    def test_admins_only(self, request, role, page, admin_client):
        organization = make_organization()
        address = reverse(f"tenants:organization_{page}", args=[organization.pk])
        client = request.getfixturevalue(f"{role}_client")
        assert "close_organization" in check_page(client.get(address), 403)
        assert client.post(address, {"confirm": organization.name, "reason": "x"}).status_code == 403
        assert address not in check_page(client.get(organization.get_absolute_url()))
        check_page(admin_client.get(address))
        assert address in check_page(admin_client.get(organization.get_absolute_url()))
