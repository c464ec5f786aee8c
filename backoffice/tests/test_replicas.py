"""Read replicas: a primary, a standby that streams from it, and the production server that reads from both."""

import re
import threading
import time

import pytest
from django.db import connections

from agents.tests.factories import make_session
from backoffice import testing
from backoffice.models import AuditEvent, Job, ReadLog, User
from backoffice.replicas.addresses import databases
from backoffice.replicas.checks import replica_faults
from backoffice.testing_servers import Person, Replicated, wait_until
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number

LIST = "/telephony/numbers/"
MAX_LAG = 2
# When the app last read for a page; its own look at the standby is none.
LAST_READ = """
select coalesce(max(query_start), '-infinity')::text from pg_stat_activity
where usename = 'backoffice' and query not like '%pg_is_in_recovery%'
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory, embedded, template_database):
    pair = Replicated(tmp_path_factory.mktemp("replicas"), embedded, template_database)
    yield pair
    pair.destroy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def url(servers, folder, django_db_blocker):
    with django_db_blocker.unblock(), servers.database.platform():
        make_session()
    settings = {"REPLICA_URLS": servers.replica.url, "REPLICA_MAX_LAG_SECONDS": str(MAX_LAG)}
    with testing.serve(servers.database, folder, **settings) as address:
        yield address


@pytest.fixture(scope="module")
def people(servers, url, django_db_blocker):
    """Two of them, signed in."""
    found = []
    with django_db_blocker.unblock(), servers.database.django():
        for role in ("manager", "support"):
            found.append(Person(url))
            found[-1].is_signed_in(testing.make_user(role))
    return found


@pytest.fixture
def reader(people):
    return people[0]


@pytest.fixture
def writer(people):
    return people[1]


def reads_from_replica(servers, person, path=LIST):
    (before,) = servers.on_standby(LAST_READ)
    answer = person.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return servers.on_standby(LAST_READ) != (before,)


@pytest.fixture
def steady(servers, reader, django_db_blocker):
    """The servers, with the replica in step and the reader's pages coming from it. Django is at the primary."""
    wait_until(lambda: reads_from_replica(servers, reader))
    with django_db_blocker.unblock(), servers.database.django():
        yield servers


@pytest.fixture
def number(servers, steady):
    with servers.database.platform():
        number = make_number(e164=f"+4420794{time.monotonic_ns() % 10**6:06}")
    servers.caught_up()
    return number


def says(person, number, status):
    """Whether the list shows the number in that state, and in no other."""
    text = person.get(f"{LIST}?q={number.e164[1:]}").text
    assert str(number.pk) in text
    found = set(re.findall(r">(Active|Released)</span>", text))
    assert len(found) == 1
    return found == {status}


class TestWhatIsReadWhere:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/figures/",
            LIST,
            "/tenants/organizations/",
            "/agents/conversations/",
            "/agents/search/?q=refund",
            "/search/?q=Acme&all=1",
            "/billing/balances/",
            "/billing/overview/",
        ],
    )
    def test_lists_search_and_dashboards_from_the_replica(self, path, steady, reader):
        assert reads_from_replica(steady, reader, path)

    def test_records_forms_and_jobs_from_the_primary(self, steady, writer, number):
        record = f"{LIST}{number.pk}/"
        for path in (record, f"{record}edit/", f"{LIST}add/", "/jobs/", "/me/"):
            assert not reads_from_replica(steady, writer, path), path

    def test_a_replica_cannot_be_written_to(self, steady):
        with steady.replica.connect() as connection, pytest.raises(Exception, match=r"read-only|recovery"):
            connection.execute("update phone_numbers set status = 'released'")

    def test_who_reads_personal_data_is_logged_on_the_primary(self, steady, reader):
        before = ReadLog.objects.count()
        assert reads_from_replica(steady, reader, "/agents/search/?q=%2B49+170+1234567")
        assert ReadLog.objects.count() == before + 1


class TestBehind:
    def test_who_wrote_sees_it_and_the_others_a_moment_later(self, steady, reader, writer, number):
        with steady.paused():
            answer = writer.fill(f"{LIST}{number.pk}/release/", reason="Contract ended")
            assert answer.status_code == 200
            assert says(reader, number, "Active")  # as the replica has it
            assert says(writer, number, "Released")
            assert ">Released</span>" in reader.get(f"{LIST}{number.pk}/").text
            # Too far behind, the replica is left out.
            wait_until(lambda: says(reader, number, "Released"))
            assert not reads_from_replica(steady, reader)
        wait_until(lambda: reads_from_replica(steady, reader))
        wait_until(lambda: reads_from_replica(steady, writer))
        assert says(reader, number, "Released")
        event = AuditEvent.objects.of(number).first()
        assert (event.actor, event.reason) == (
            str(User.objects.get(email="support@example.test")),
            "Contract ended",
        )

    def test_who_saw_that_a_job_is_done_sees_what_it_did(self, steady, reader, number):
        owner = User.objects.get(email="manager@example.test")
        job = Job.objects.create(kind="bulk", title="Release", owner=owner, status=Job.Status.SUCCEEDED)
        with steady.paused():
            with steady.database.platform():
                PhoneNumber.objects.filter(pk=number.pk).update(status="released")
            assert says(reader, number, "Active")
            assert reader.get(job.get_absolute_url()).status_code == 200
            assert says(reader, number, "Released")

    def test_a_cookie_that_is_no_place_reads_from_the_primary(self, steady, reader):
        for value in ("garbage", "f" * 30):
            reader.keep("backoffice-wrote", value)
            assert not reads_from_replica(steady, reader), value
        for value in ("0", "-1"):
            reader.keep("backoffice-wrote", value)
            assert reads_from_replica(steady, reader), value


class TestGone:
    def test_killed_in_the_middle_nobody_sees_an_error(self, steady, reader):
        statuses, stop = [], threading.Event()

        def read():
            while not stop.is_set():
                statuses.append(reader.get(LIST).status_code)

        threads = [threading.Thread(target=read, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(statuses) > 5)
            steady.kill()
            before = len(statuses)
            wait_until(lambda: len(statuses) > before + 20)
            steady.standby.start()
            wait_until(lambda: reads_from_replica(steady, reader))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert set(statuses) == {200}

    def test_frozen_it_is_not_waited_for(self, steady, reader):
        with steady.frozen():
            started = time.monotonic()
            for _ in range(3):
                assert reader.get(LIST).status_code == 200
            assert time.monotonic() - started < 20  # for good, if it were waited for
        wait_until(lambda: reads_from_replica(steady, reader))

    def test_a_page_stopped_by_a_conflict_with_replay_is_read_from_the_primary(
        self, steady, reader, number, folder
    ):
        slow = "case when pg_is_in_recovery() then pg_sleep(8) is not null else true end"
        steady.on_standby("alter system set max_standby_streaming_delay = 0")
        steady.on_standby("select pg_reload_conf()")
        with steady.primary.connect("platform") as owner:
            owner.execute(
                f"create policy slow on phone_numbers as restrictive for select to backoffice using ({slow})"
            )
            try:
                steady.caught_up()
                answers = []
                thread = threading.Thread(target=lambda: answers.append(reader.get(LIST)), daemon=True)
                thread.start()
                asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
                wait_until(lambda: steady.on_standby(asleep)[0])
                owner.execute("vacuum full phone_numbers")
                thread.join()
            finally:
                owner.execute("drop policy slow on phone_numbers")
        assert answers[0].status_code == 200
        assert "40001" in (folder / "server.log").read_text()

    def test_promoted_it_is_no_replica_any_more(self, steady, reader, folder):
        steady.on_standby("select pg_promote()")
        try:
            wait_until(lambda: "no replica (any more)" in (folder / "server.log").read_text())
            assert not reads_from_replica(steady, reader)
        finally:
            steady.make_standby()


class TestSettings:
    @pytest.fixture
    def faults_of(self, steady, settings):
        """faults_of(urls): [message of the checks] for these REPLICA_URLS."""
        added = {}

        def faults_of(*urls):
            added.update(databases(",".join(urls), connections.settings["default"]))
            connections.settings.update(connections.configure_settings(dict(connections.settings) | added))
            settings.REPLICAS = list(added)
            return [fault for alias in added for fault in replica_faults(alias)]

        yield faults_of
        for alias in added:
            del connections[alias], connections.settings[alias]

    def test_a_replica_in_order_is_accepted(self, faults_of, steady):
        assert faults_of(steady.replica.url) == []

    def test_a_wrong_one_is_refused_in_a_sentence(self, faults_of, steady, embedded):
        found = faults_of(
            steady.replica.owner_url,
            embedded.url("postgres"),
            f"{steady.database.url}%2F.",  # the primary by another name
            "postgresql://backoffice:hidden@localhost:1/platform",
        )
        errors = "\n".join(fault.msg for fault in found if fault.is_serious())
        warnings = "\n".join(fault.msg for fault in found if not fault.is_serious())
        assert "The database login postgres has BYPASSRLS" in errors
        assert "replica1 of REPLICA_URLS is reached as postgres, the primary as backoffice." in errors
        assert "replica2 of REPLICA_URLS is not a copy of the database of DATABASE_URL." in errors
        assert "replica3 of REPLICA_URLS is no read replica" in warnings
        assert "replica4 of REPLICA_URLS could not be checked" in warnings
        assert "hidden" not in errors + warnings
