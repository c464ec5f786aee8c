"""Erasure of a person: every place is found in any format, redacted for good, certified, and nothing of it is kept."""

import json
import uuid
import zipfile

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import make_agent, make_chat_message, make_message, make_session
from backoffice import jobs, services, testing
from backoffice.models import AuditEvent, Job, ReadLog
from backoffice.testing_crud import check_page, client_of
from billing.models import CreditTransaction
from billing.tests.factories import make_posting
from telephony.tests.factories import make_call
from tenants.erasure import places, procedure
from tenants.erasure.certificate import is_intact
from tenants.erasure.person import Person, person_of
from tenants.models import Erasure, Note, Organization, UserProfile
from tenants.notes import add_note
from tenants.tests.factories import change, make_organization, make_profile

MAIL, PHONE, NAME = "ann.oh@mail.example", "+49 170 7654321", "Ann Elisabeth Oh"
TRACES = (MAIL, "1707654321", NAME, "Oh Company")
OTHER = "joann.oh@mail.example"
FORM = {"mail": MAIL, "phone": PHONE, "with_national": "on", "reason": "Request 4711"}


@pytest.fixture
def database(fresh_database, settings, tmp_path):
    """A database in which rows are committed, for the search reads over a connection of its own."""
    settings.JOB_FILES_DIR = tmp_path
    return fresh_database


@pytest.fixture
def world(database):
    """(client of an admin, names of rows) with the person in every store, and somebody with a similar address."""
    with database.platform():
        profile = make_profile(
            email=MAIL, full_name=NAME, company_name="Oh Company", phone_number="0170 / 765 43 21"
        )
        other = make_profile(email=OTHER, full_name="Jo Ann")
        organization = change(Organization.objects.get(owner_id=profile.pk), name=f"Shop of {MAIL}")
        agent = make_agent(
            organization, system_prompt=f"Forward to {MAIL.upper()}.", config={"to": [MAIL, OTHER]}
        )
        session = make_session(
            agent,
            profile=profile,
            ip_address="203.0.113.9",
            conversation_history=[{"role": "user", "content": "ring 0049 (170) 765-4321\nplease"}],
            context_data={"knowledge": ["x" * 20_000, f"mail {MAIL}"]},
        )
        message = make_message(session, content=f"=cmd I am {MAIL}, not {OTHER}, \\u0000 0170-7654321!")
        legacy = make_chat_message(text=f"<b>{MAIL}</b>")
        call = make_call(
            organization, caller_number="+491707654321", recording_url="https://files.test/1.wav"
        )
        posting = make_posting(organization, reason=f"Paid by {MAIL}")
    with database.django():
        client = client_of(testing.make_user("admin"))
        support = testing.make_user("support")
        profile.full_name = f"{NAME} II"
        services.save(profile, actor=support, reason=f"{MAIL} asked for it")
        services.log_read("transcript", profile, actor=support, detail=f"q={MAIL}")
        add_note(Note(organization=organization, text="Call on 0170 7654321"), actor=support)
        job = Job.objects.create(
            kind="export", title=f"Export for {MAIL}", owner=support, params={"query": "q=ann.oh%40mail.example"},
            status="succeeded", result_name="x.csv", finished_at=timezone.now(),
        )  # fmt: skip
        job.result_path.write_text(f"id,email\n1,{MAIL}\n")
        yield client, locals()


def run_newest(expected="succeeded"):
    job = Job.objects.latest("created_at")
    jobs.run(str(job.pk))
    job.refresh_from_db()
    assert job.status == expected, job.message
    return job


def search(client, **fields):
    response = client.post(reverse("tenants:erasure_add"), {**FORM, **fields})
    assert response.status_code == 302, response.content
    run_newest()
    return Erasure.objects.latest("created_at")


def erase(client, erasure, confirm=MAIL, expected="succeeded"):
    response = client.post(reverse("tenants:erasure_erase", args=[erasure.pk]), {"confirm": confirm})
    assert response.status_code == 302
    run_newest(expected)
    erasure.refresh_from_db()
    return erasure


def everything(database, *leave_out):
    """{table: every text in it}, but of these tables; a superuser reads."""
    with database.connect("embedded_admin") as connection:
        query = (
            "select c.oid::regclass::text as name from pg_class c where c.relkind = 'r'"
            " and c.relnamespace::regnamespace::text in ('public', 'audit', 'backoffice')"
        )
        tables = [row["name"] for row in connection.execute(query)]
        return {
            table: "\n".join(
                row["line"] for row in connection.execute(f"select t::text as line from {table} t")
            )
            for table in tables
            if table.rpartition(".")[2] not in leave_out
        }


class TestSearch:
    def test_every_place_is_listed_and_nothing_changed(self, world, database):
        client, made = world
        erasure = search(client)
        found = erasure.findings["places"]
        assert {name: place["rows"] for name, place in found.items() if not name.startswith(("event", "read_log"))} == {
            "user_profiles": 1, "organizations": 1, "agents": 1, "agent_sessions": 1, "agent_messages": 1,
            "chat_messages": 1, "call_logs": 1, "credit_transactions:stays": 1, "backoffice.backoffice_job": 1,
            "backoffice.tenants_note": 1,
        }  # fmt: skip
        assert {"values of the profile", "new", "reason", "row_label"} <= set(found["event"]["columns"])
        assert {"detail", "row_label"} <= set(found["read_log"]["columns"])
        assert set(found["agent_sessions"]["columns"]) == {
            "conversation_history",
            "context_data",
            "ip_address",
        }
        assert erasure.findings["files"] == [str(made["job"].pk)]
        assert UserProfile.objects.get(email=MAIL).company_name == "Oh Company"
        assert made["job"].result_path.exists()

    def test_page_shows_numbers_samples_and_what_remains_but_not_the_person(self, world):
        client, made = world
        erasure = search(client)
        page = check_page(client.get(erasure.get_absolute_url()))
        for words in (
            "Messages: samples",
            "[erased]",
            "append-only",
            str(made["profile"].pk),
            "owns 1 organization",
        ):
            assert words in page, words
        samples = json.dumps(erasure.samples_secret)
        assert MAIL not in samples and "7654321" not in samples and OTHER not in samples

    def test_it_is_logged_and_the_log_does_not_name_the_person(self, world):
        client, _ = world
        before = AuditEvent.objects.latest("id").pk
        erasure = search(client)
        entry = ReadLog.objects.filter(table_name="tenants_erasure").get()
        assert (entry.actor, entry.reason) == (str(client.user), "Request 4711")
        events = AuditEvent.objects.filter(pk__gt=before, table_name="backoffice.tenants_erasure")
        assert events and not any(MAIL in str(event.new) + str(event.old) for event in events)
        assert Job.objects.latest("created_at").title == f"Search for {erasure.subject}"
        assert MAIL not in str(Job.objects.latest("created_at").params)

    def test_only_the_mail_or_only_the_number_without_its_country_code(self, world):
        client, _ = world
        found = search(client, phone="").findings["places"]
        assert "call_logs" not in found and "agent_messages" in found
        found = search(client, mail="", with_national="").findings["places"]
        assert "call_logs" in found and "backoffice.tenants_note" not in found

    def test_somebody_unknown_is_nowhere(self, world):
        client, _ = world
        erasure = search(client, mail="nobody@mail.example", phone="")
        assert erasure.findings["places"] == {} and erasure.findings["files"] == []
        assert "Nothing was found" in check_page(client.get(erasure.get_absolute_url()))

    @pytest.mark.parametrize(
        "fields",
        [
            {"mail": "", "phone": ""}, {"mail": "no mail"}, {"phone": "0170 7654321"}, {"phone": "+4"},
            {"reason": ""}, {"reason": f"{MAIL} wrote"}, {"reason": "caller 0170/765 43 21"},
        ],
    )  # fmt: skip
    def test_input_that_cannot_be_searched_says_so_and_stays(self, admin_client, fields):
        response = admin_client.post(reverse("tenants:erasure_add"), {**FORM, **fields})
        page = check_page(response, 422)
        assert not Erasure.objects.exists()
        assert PHONE in page or "phone" in fields

    def test_a_search_that_is_discarded_forgets_the_person(self, world):
        client, _ = world
        erasure = search(client)
        client.post(reverse("tenants:erasure_discard", args=[erasure.pk]), {"reason": "Wrong person"})
        erasure.refresh_from_db()
        assert (erasure.status, erasure.subject_secret, erasure.samples_secret) == ("discarded", None, None)
        refused = client.post(reverse("tenants:erasure_erase", args=[erasure.pk]), {"confirm": MAIL})
        assert refused.status_code == 422


class TestErasure:
    def test_nothing_of_the_person_is_left_but_what_is_said_to_remain(self, world, database):
        client, made = world
        with database.platform():  # expressions take half a second for so long a text: once is enough
            change(made["session"], context_data={"knowledge": ["x" * 200_000, f"mail {MAIL}"]})
        erase(client, search(client))
        for table, text in everything(database, "credit_transactions").items():
            text = text.replace(OTHER, "")
            assert not [trace for trace in TRACES if trace in text], table
        profile = UserProfile.objects.get(pk=made["profile"].pk)
        assert profile.email == f"erased-{profile.pk}@erased.invalid"
        assert not made["job"].result_path.exists()

    def test_what_is_about_others_stays(self, world):
        client, made = world
        erase(client, search(client))
        assert UserProfile.objects.get(pk=made["other"].pk).full_name == "Jo Ann"
        made["message"].refresh_from_db()
        assert made["message"].content == f"=cmd I am [erased], not {OTHER}, \\u0000 [erased]!"
        made["agent"].refresh_from_db()
        assert made["agent"].config == {"to": ["[erased]", OTHER]}
        assert made["agent"].system_prompt == "Forward to [erased]."
        made["session"].refresh_from_db()
        assert made["session"].ip_address is None and made["session"].profile_id == made["profile"].pk
        assert Organization.objects.get(pk=made["organization"].pk).name == "Shop of [erased]"

    def test_money_is_as_before(self, world):
        client, made = world
        erase(client, search(client))
        made["organization"].refresh_from_db()
        total = sum(
            p.amount for p in CreditTransaction.objects.filter(organization_id=made["organization"].pk)
        )
        assert total == made["organization"].credits_balance == made["posting"].balance_after

    def test_the_certificate_names_nobody_and_says_where_how_many_and_what_remains(self, world):
        client, made = world
        erasure = erase(client, search(client))
        for kind in ("certificate", "certificate_json"):
            response = client.get(reverse(f"tenants:erasure_{kind}", args=[erasure.pk]))
            text = response.content.decode()
            assert not [trace for trace in TRACES if trace in text]
            for words in (
                erasure.subject,
                str(client.user),
                "Request 4711",
                "agent_messages",
                str(made["profile"].pk),
            ):
                assert words in text
            assert "attachment" in response["Content-Disposition"]
        certificate = erasure.certificate
        assert is_intact(certificate) and not is_intact({**certificate, "by": "Somebody else"})
        rows = {place["place"]: place["rows"] for place in certificate["redacted"]}
        assert rows["agent_messages"] == rows["call_logs"] == rows["backoffice.tenants_note"] == 1
        assert certificate["files_deleted"] == 1
        assert any("auth.identities" in step for entry in certificate["remains"] for step in entry["steps"])
        page = check_page(client.get(erasure.get_absolute_url()))
        assert certificate["sha256"] in page and MAIL not in page

    def test_a_second_run_finds_only_what_remains(self, world):
        client, made = world
        first = erase(client, search(client))
        again = search(client)
        assert [name for name, place in again.findings["places"].items() if not place["stays"]] == []
        assert list(again.findings["places"]) == ["credit_transactions:stays"]
        assert again.findings["files"] == []
        assert [login["id"] for login in again.findings["logins"]] == [str(made["profile"].pk)]
        page = check_page(client.get(again.get_absolute_url()))
        assert first.get_absolute_url() in page, "the earlier erasure of the same person"
        assert erase(client, again).status == "erased"

    def test_the_person_has_to_be_typed(self, world):
        client, _ = world
        erasure = search(client)
        for confirm in ("", OTHER, "0170 7654321"):
            response = client.post(reverse("tenants:erasure_erase", args=[erasure.pk]), {"confirm": confirm})
            check_page(response, 422)
        assert erase(client, erasure, confirm=" +49 170-7654321 ").status == "erased"

    def test_an_old_search_and_open_jobs_stand_in_the_way(self, world):
        client, _ = world
        erasure = search(client)
        url = reverse("tenants:erasure_erase", args=[erasure.pk])
        waiting = jobs.start("export", title="Export of calls", owner=client.user)
        assert "Export of calls" in check_page(client.post(url, {"confirm": MAIL}), 422)
        jobs.cancel(waiting)
        with services.acting(client.user):
            Erasure.objects.filter(pk=erasure.pk).update(
                searched_at=timezone.now() - procedure.SEARCH_HOLDS * 2
            )
        assert "older than a day" in check_page(client.post(url, {"confirm": MAIL}), 422)

    def test_interrupted_nothing_is_redacted_and_a_retry_does_all_of_it(self, world, monkeypatch):
        client, made = world
        erasure = search(client)

        def stop(*args):
            raise RuntimeError

        with monkeypatch.context() as broken:
            broken.setattr(procedure, "redact_own", stop)
            erase(client, erasure, expected="failed")
        assert erasure.status == "erasing" and UserProfile.objects.filter(email=MAIL).exists()
        made["message"].refresh_from_db()
        assert MAIL in made["message"].content and made["job"].result_path.exists()
        job = Job.objects.latest("created_at")
        assert reverse("job_detail", args=[job.pk]) in check_page(client.get(erasure.get_absolute_url()))
        jobs.retry(job)
        run_newest()
        assert not UserProfile.objects.filter(email=MAIL).exists()

    def test_interrupted_before_the_files_a_retry_deletes_them(self, world):
        client, made = world
        erasure = erase(client, search(client))
        made["job"].result_path.write_text(MAIL)
        job = Job.objects.latest("created_at")
        Job.objects.filter(pk=job.pk).update(status="failed")
        jobs.retry(job)
        run_newest()
        assert not made["job"].result_path.exists()
        assert Erasure.objects.get(pk=erasure.pk).certificate == erasure.certificate

    def test_whoever_is_no_admin_any_more_erases_nothing(self, world):
        client, _ = world
        erasure = search(client)
        client.post(reverse("tenants:erasure_erase", args=[erasure.pk]), {"confirm": MAIL})
        testing.make_user("admin", email="other@example.test")
        type(client.user).objects.filter(pk=client.user.pk).update(is_superuser=False)
        assert "may not" in run_newest("failed").message
        assert UserProfile.objects.filter(email=MAIL).exists()


class TestFiles:
    def test_packed_files_are_looked_into_and_broken_ones_count_as_naming(self, database, tmp_path):
        from tenants.erasure.search import is_named_in_file

        person = Person(MAIL, "491707654321", "1707654321")

        def job(write):
            job = Job(id=uuid.uuid4())
            write(job.result_path)
            return is_named_in_file(person, job)

        def pack(text):
            def write(path):
                with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
                    packed.writestr("a/b.xml", text)

            return write

        assert job(pack("<t>ANN.OH@mail.example</t>")) and not job(pack("<t>nobody</t>"))
        assert job(lambda path: path.write_text("x" * ((1 << 20) - 5) + "0170 765-4321")), "across two blocks"
        assert not job(lambda path: path.write_text("1,2,3"))
        assert not job(lambda path: None), "a file that is gone"
        assert job(lambda path: path.write_bytes(b"PK\x05\x06" + b"\0" * 18 + b"x")) is False
        assert job(lambda path: path.mkdir())


class TestPlaces:
    def test_every_own_table_with_texts_has_a_decision(self, db):
        """A new table of ours: say in tenants/erasure/places.py what an erasure does with it."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select distinct c.relnamespace::regnamespace || '.' || c.relname from pg_class c"
                " join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid"
                " where c.relnamespace in ('backoffice'::regnamespace, 'billing'::regnamespace)"
                " and c.relkind in ('r', 'p', 'm') and a.attnum > 0 and not a.attisdropped"
                " and t.typcategory not in ('N', 'B', 'D', 'T', 'E', 'P')"
                " and t.typname not in ('uuid', 'bytea', 'inet')"
            )
            tables = {name for (name,) in cursor.fetchall()}
        remaining = {table for table, _ in places.STAYS if "." in table}
        decided = places.REDACTED | remaining | set(places.NOT_SEARCHED)
        assert tables - decided == set(), "own tables without a decision"
        assert decided - tables == set(), "decisions about tables that do not exist"

    def test_every_platform_table_is_searched(self, owner):
        found = {
            name
            for (name,) in owner(
                "select relname::text from pg_class where relkind in ('r', 'p', 'm')"
                " and relnamespace in ('public'::regnamespace, 'audit'::regnamespace)"
            )
        }
        assert found - {name for name, *_ in places.PLATFORM} == {"procedure"}

    def test_what_stays_is_what_the_database_leaves(self, owner):
        for name, *_ in places.PLATFORM:
            for (column,) in owner("select name from audit.person_columns(%s)", [name]):
                (stays,) = owner("select audit.stays_named(%s, %s)", [name, column])[0]
                assert stays == ((name, column) in places.STAYS or (name, "") in places.STAYS), (name, column)


class TestPerson:
    def test_a_number_is_understood_in_any_format_with_its_country(self):
        for text in ("+49 170 7654321", "0049 170 765 43 21", "+49 (0) 170/7654321"):
            assert person_of("", text).phone == "491707654321"

    def test_it_is_masked_and_typed_again(self):
        person = person_of(MAIL.upper(), PHONE)
        assert person.masked() == "a•••@•••.example, +49•••21"
        assert person.is_typed("ANN.OH@mail.example ") and person.is_typed("+491707654321")
        assert not person.is_typed("") and not Person(mail=MAIL).is_typed("491707654321")


class TestWhoMay:
    @pytest.mark.parametrize("role", ["support", "finance", "manager"])
    def test_admins_only(self, request, role, admin_client):
        profile = make_profile()
        client = request.getfixturevalue(f"{role}_client")
        for name, args in (("erasure_list", []), ("erasure_add", []), ("userprofile_erase", [profile.pk])):
            address = reverse(f"tenants:{name}", args=args)
            assert "erase_person" in check_page(client.get(address), 403)
        assert reverse("tenants:erasure_list") not in check_page(client.get("/"))
        assert reverse("tenants:erasure_list") in check_page(admin_client.get("/"))
        address = reverse("tenants:userprofile_erase", args=[profile.pk])
        assert address not in check_page(client.get(profile.get_absolute_url()))
        assert address in check_page(admin_client.get(profile.get_absolute_url()))
        page = check_page(admin_client.get(address, follow=True))
        assert profile.email in page and "nothing is changed" in page

    def test_a_profile_that_is_none_is_404_or_left_out(self, admin_client):
        add = reverse("tenants:erasure_add")
        assert admin_client.get(f"{add}?profile=x").status_code == 404
        assert admin_client.get(f"{add}?profile={make_organization().pk}").status_code == 200
