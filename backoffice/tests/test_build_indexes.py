"""manage.py build_indexes: what pages need is built while the platform goes on writing."""

import contextlib
import io
import threading

import psycopg
import pytest
from django.core.management import CommandError, call_command

from backoffice.health import building
from backoffice.management.commands import build_indexes

LACKED = "btree (session_id)"
WRITE = (
    "insert into public.usage_logs (agent_id, organization_id, tokens_used) "
    "select a.id, a.organization_id, 1 from public.agents a limit 1"
)
BUILDS = "select phase from pg_stat_progress_create_index where relid = 'public.usage_logs'::regclass"


@pytest.fixture
def database(fresh_database, monkeypatch):
    """One that lacks an index of usage_logs; the command finds its owner."""

    @contextlib.contextmanager
    def url():
        yield fresh_database.owner_url

    monkeypatch.setattr(build_indexes, "owner_url", url)
    with fresh_database.connect("postgres") as owner:
        owner.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'a@example.test')")
        owner.execute("insert into agents (organization_id, name) select id, 'Desk' from organizations")
        owner.execute(WRITE)
        owner.execute(f"drop index public.{name_of(owner)}")
    return fresh_database


def name_of(owner):
    """The index of usage_logs on its session, and whether it may be used."""
    found = owner.execute(
        "select x.relname as name from pg_index i join pg_class x on x.oid = i.indexrelid "
        "where i.indrelid = 'usage_logs'::regclass and i.indisvalid "
        "and pg_get_indexdef(i.indexrelid) like '%%USING btree (session_id)'"
    ).fetchone()
    return found and found["name"]


def run(*options):
    """What the command says, its errors too."""
    out = io.StringIO()
    call_command("build_indexes", *options, stdout=out, stderr=out)
    return out.getvalue()


def test_a_missing_index_is_built_once(database):
    said = run()
    assert "[1/1] public.usage_logs btree (session_id) (about" in said
    assert "Done. Every index that pages need is there." in said
    with database.connect("postgres") as owner:
        assert name_of(owner)
    assert run().strip() == "Every index that pages need is there."


def test_a_dry_run_only_tells(database):
    said = run("--dry-run")
    assert "Would build public.usage_logs btree (session_id)" in said
    assert "Nothing was done." in said
    with database.connect("postgres") as owner:
        assert name_of(owner) is None


def test_the_platform_writes_while_an_index_is_built(database):
    said = io.StringIO()
    building_it = threading.Thread(target=call_command, args=["build_indexes"], kwargs={"stdout": said})
    with (
        psycopg.connect(database.owner_url) as older,
        database.connect("postgres") as platform,
    ):
        older.execute(WRITE)  # not committed: the build has to wait for it
        building_it.start()
        platform.execute("set lock_timeout = '1s'")
        for _ in range(10_000):
            phase = platform.execute(BUILDS).fetchone()
            if phase and phase["phase"] == "waiting for writers before build":
                break
        else:
            pytest.fail("The build did not come to wait for the older transaction.")
        platform.execute(WRITE)  # raises if the build, or its waiting, locked writers out
        assert building_it.is_alive()
        older.commit()
        building_it.join(30)
        assert not building_it.is_alive()
        assert name_of(platform)
        assert platform.execute("select count(*) as n from public.usage_logs").fetchone()["n"] == 3


def test_what_waits_too_long_is_given_up_and_leaves_nothing(database):
    with psycopg.connect(database.owner_url) as older:
        older.execute(WRITE)
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 not built"):
            call_command("build_indexes", "--lock-timeout=0.05", stdout=out, stderr=out)
        assert "given up: a lock or an older transaction was in its way. process" in out.getvalue()
    assert "Done." in run()


def test_what_an_earlier_run_left_invalid_is_dropped_and_built_anew(database):
    with psycopg.connect(database.owner_url) as older, database.connect("postgres") as owner:
        older.execute(WRITE)
        owner.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            owner.execute("create index concurrently left_over on usage_logs (session_id)")
    said = run()
    assert "Dropping left_over of public.usage_logs, which is invalid" in said
    with database.connect("postgres") as owner:
        assert name_of(owner)
        left = owner.execute("select to_regclass('public.left_over') as left").fetchone()
        assert left == {"left": None}


def test_a_second_run_at_the_same_time_does_nothing(database):
    with building.connect(database.owner_url, 1) as first:
        building.take_turn(first)
        with pytest.raises(CommandError, match="Another run builds indexes in this database just now"):
            run()
        assert "Would build" in run("--dry-run")


def test_one_failure_does_not_keep_the_others_from_being_built(database):
    with database.connect("postgres") as owner:
        owner.execute("alter table phone_numbers drop constraint phone_numbers_phone_number_key")
        owner.execute(
            "insert into phone_numbers (organization_id, phone_number) "
            "select id, '+442079460000' from organizations, generate_series(1, 2)"
        )
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 not built"):
        call_command("build_indexes", stdout=out, stderr=out)
    assert "failed: could not create unique index" in out.getvalue()
    assert "is duplicated" in out.getvalue()
    with database.connect("postgres") as owner:
        assert name_of(owner)
        assert owner.execute("select count(*) as n from pg_index where not indisvalid").fetchone()["n"] == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "100000"])
def test_a_lock_timeout_out_of_range_is_refused(seconds):
    with pytest.raises(CommandError, match="--lock-timeout is a number of seconds above 0"):
        call_command("build_indexes", f"--lock-timeout={seconds}")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            ("building index: scanning table", 1204, 9001, 0, 0, 0, 0),
            "building index: scanning table, 1,204 of 9,001 blocks (13 %)",
        ),
        (("building index: loading tuples in tree", 0, 0, 5, 10, 0, 0), "building index: loading tuples in tree, 5 of 10 rows (50 %)"),
        (("waiting for writers before build", 0, 0, 0, 0, 1, 2), "waiting for writers before build, 1 of 2 older transactions (50 %)"),
        (("initializing", 0, 0, 0, 0, 0, 0), "initializing"),
    ],
    ids=["blocks", "rows", "waiting", "beginning"],
)  # fmt: skip
def test_progress_in_words(row, text):
    assert building.progress_text(*row) == text


def test_progress_is_shown_while_it_waits(database):
    """The watcher's own connection reads what the builder does."""
    shown = []
    with psycopg.connect(database.owner_url) as older:
        older.execute(WRITE)
        seen = threading.Event()

        def report(text):
            shown.append(text)
            older.commit()
            seen.set()

        with building.connect(database.owner_url, 30) as connection:
            (missing,) = building.plan(connection).builds
            building.build(connection, database.owner_url, missing, report)
        assert seen.is_set()
    assert shown[0].startswith("waiting for writers before build")
