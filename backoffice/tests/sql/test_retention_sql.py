"""audit.prune: what is old goes in batches and is told; a year stays whatever is asked; some entries stay for good."""

import psycopg
import pytest


@pytest.fixture
def logs(anyone):
    """Old and new entries in both logs, in a superuser's transaction; gives a function that prunes as the back office."""
    anyone.execute("delete from audit.event")
    anyone.execute("delete from audit.read_log")
    for table, new, days in (
        ("agents", '{"name": "a"}', 4000),
        ("agents", '{"name": "b"}', 500),
        ("agents", '{"name": "c"}', 399),
        ("agents", '{"name": "d"}', 364),
        ("agents", None, 500),
        ("organizations", '{"closed": true}', 4000),
        ("user_profiles", '{"rows_redacted": 3}', 4000),
        ("backoffice.tenants_erasure", '{"status": "done"}', 4000),
        ("audit.event", '{"rows_removed": 9}', 4000),
        ("billing.credit_request", '{"status": "approved"}', 3000),
        ("billing.credit_request", '{"status": "old"}', 4000),
    ):
        anyone.execute(
            "insert into audit.event (at, table_name, row_id, row_label, action, new, actor, db_role, source)"
            " values (now() - make_interval(days => %s), %s, '', '', 'update', %s, 'x', 'x', 'app')",
            days, table, new,
        )  # fmt: skip
    for days in (4000, 500, 399, 10):
        anyone.execute(
            "insert into audit.read_log (at, actor, kind, table_name, db_role)"
            " values (now() - make_interval(days => %s), 'x', 'reveal', 'agents', 'x')",
            days,
        )

    def prune(log, days, batch=100):
        anyone.as_user("backoffice")
        try:
            return anyone.one("select audit.prune(%s, %s, %s)", log, days, batch)
        finally:
            anyone.execute("reset session authorization")

    anyone.actor(name="Retention", actor_id="", reason="AUDIT_KEEP_DAYS is 400", request="night-1")
    return anyone, prune


def left(session):
    return {
        row["what"]
        for row in session.all("select table_name || ' ' || coalesce(new::text, '') as what from audit.event")
    }


def test_old_entries_go_in_batches_and_one_entry_tells_how_many(logs):
    session, prune = logs
    assert [prune("event", 400, 2) for _ in range(3)] == [2, 2, 0]
    assert left(session) == {
        'agents {"name": "c"}',
        'agents {"name": "d"}',
        'organizations {"closed": true}',
        'user_profiles {"rows_redacted": 3}',
        'backoffice.tenants_erasure {"status": "done"}',
        'audit.event {"rows_removed": 9}',
        'billing.credit_request {"status": "approved"}',
        session.one("select table_name || ' ' || new::text from audit.event where request_id = 'night-1'"),
    }
    entry = session.one("select * from audit.event where request_id = 'night-1'")
    assert (entry["table_name"], entry["action"], entry["row_label"]) == (
        "audit.event",
        "delete",
        "4 entries removed",
    )
    assert (entry["actor"], entry["actor_id"], entry["reason"]) == (
        "Retention",
        None,
        "AUDIT_KEEP_DAYS is 400",
    )
    assert (entry["source"], entry["db_role"]) == ("app", "backoffice")
    assert (entry["new"]["rows_removed"], entry["new"]["keep_days"]) == (4, 400)
    assert session.one("select (new ->> 'first')::timestamptz < now() - interval '3999 days'"
                       " and (new ->> 'before')::timestamptz between now() - interval '401 days'"
                       " and now() - interval '400 days' from audit.event where request_id = 'night-1'")  # fmt: skip


def test_the_read_log_goes_by_its_own_days(logs):
    session, prune = logs
    assert (prune("read_log", 365), prune("read_log", 365)) == (3, 0)
    assert session.one("select count(*) from audit.read_log") == 1
    assert (
        session.one("select row_label from audit.event where table_name = 'audit.read_log'")
        == "3 entries removed"
    )


def refusal(session, log, days):
    """The error with which the back office's call is refused."""
    session.as_user("backoffice")
    error = session.attempt("select audit.prune(%s, %s)", log, days)
    session.execute("reset session authorization")
    return error


@pytest.mark.parametrize("days", [364, 0, -1000, None])
def test_a_year_stays_whatever_is_asked(logs, days):
    error = refusal(logs[0], "event", days)
    assert isinstance(error, psycopg.errors.CheckViolation) and "365 days at least" in str(error)


def test_any_number_of_days_and_of_rows_is_borne(logs):
    prune = logs[1]
    assert prune("event", 2**31 - 1) == 0
    assert prune("event", 400, -5) == 1
    assert prune("event", 400, 2**31 - 1) == 3


@pytest.mark.parametrize("log", ["nothing", "event; drop table audit.event", None])
def test_no_other_table(logs, log):
    assert "no such log" in str(refusal(logs[0], log, 400))


@pytest.mark.parametrize("missing", ["actor", "reason"])
def test_needs_an_actor_and_a_reason(logs, missing):
    logs[0].execute(f"select set_config('backoffice.{missing}', ' ', true)")
    assert isinstance(refusal(logs[0], "event", 400), psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("log", ["event", "read_log"])
def test_the_back_office_itself_cannot_delete(staff, log):
    staff.actor()
    error = staff.attempt(f"delete from audit.{log}")
    assert isinstance(error, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("role", ["authenticated", "anon", "service_role"])
def test_no_role_of_the_api_reaches_it(anyone, role):
    assert not anyone.one(
        "select has_function_privilege(%s, 'audit.prune(text, integer, integer)', 'execute')", role
    )
