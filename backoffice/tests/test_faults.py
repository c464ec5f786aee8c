"""The database gone, frozen, out of reach, read-only, full: 503 within a second, and back by itself, nothing half-done.

Real processes: two web processes, and a PostgreSQL of this module's own, so that it can be killed and frozen.
"""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backoffice.testing_crud import Forms, Markup
from backoffice.testing_faults import BreakableDatabase, CuttablePath, Web, signed_in
from backoffice.testing_load import Load, new_tenants
from backoffice.testing_servers import wait_until
from tenants.tests.factories import make_organization, make_profile

LIST = "/tenants/organizations/"
ADD = "/tenants/organizations/add/"
FULL = "Too many people want the database at once"
SECONDS = 2  # under one on an idle machine (docs/faults.md); the suite's machine may be busy
BACK_WITHIN_SECONDS = 10  # under three on an idle machine


@pytest.fixture(scope="module")
def database(tmp_path_factory, django_db_blocker, embedded, template_database):
    own = BreakableDatabase(tmp_path_factory.mktemp("postgres") / "server")
    try:
        with django_db_blocker.unblock():
            own.copy(embedded, template_database)
            with own.platform():
                make_organization(name="Still here", owner=make_profile(email="owner@example.test"))
            yield own
    finally:
        own.thaw()
        own.server.destroy()


@pytest.fixture(scope="module")
def path(database):
    path = CuttablePath(database.server.socket_dir)
    path.start()
    return path


@pytest.fixture(scope="module")
def web(database, path, tmp_path_factory):
    over_tcp = f"postgresql://backoffice@127.0.0.1:{path.port}/{database.name}"
    with Web(database, tmp_path_factory.mktemp("web"), DATABASE_URL=over_tcp) as web:
        web.user, web.cookie, web.token = signed_in(database, "support")
        yield web


def ask(web, path=LIST, **more):
    return web.ask(path, web.cookie, **more)


def assert_away(web, title="The database does not answer right now"):
    """Every request of many at once, and of many one after the other, is answered with the page, and soon."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: ask(web), range(40)))
    answers += [ask(web) for _ in range(3)]
    assert {answer.status for answer in answers} == {503}
    assert max(answer.seconds for answer in answers) < SECONDS
    for answer in answers:
        assert title in answer.text and int(answer.headers["Retry-After"]) > 0
    markup = Markup(answers[0].text)
    assert (markup.headings, markup.blocked) == (1, [])
    assert "psycopg" not in answers[0].text


def assert_back(web):
    """The same session, soon, without a restart of anything: every process."""
    deadline = time.monotonic() + BACK_WITHIN_SECONDS
    good = 0
    while good < 6:
        answer = ask(web)
        good = good + 1 if answer.status == 200 else 0
        assert time.monotonic() < deadline, (answer.status, answer.headers.get("Location"))
        if answer.status != 200:
            time.sleep(0.1)
    assert "Still here" in answer.text


def names(database):
    with database.connect() as connection:
        return [row["name"] for row in connection.execute("select name from organizations order by name")]


def send(web, page, name):
    """Fills in the form to add an organization, and sends it."""
    data = {
        **Forms(page.text).forms[-1]["data"],
        "name": name,
        "login": "owner@example.test",
        "csrfmiddlewaretoken": web.token,
    }
    return data, ask(web, ADD, data=data)


def test_killed_and_started_again(web, database):
    assert_back(web)
    page = ask(web, ADD)
    database.kill()
    try:
        assert_away(web)
        data, answer = send(web, page, "Typed while it was gone")
        assert answer.status == 503 and "Nothing was saved" in answer.text
    finally:
        database.restart()
    assert_back(web)
    again = Forms(answer.text).forms[0]
    assert (again["method"], again["data"]) == ("post", data)
    assert ask(web, ADD, data=again["data"]).status == 302
    assert names(database).count("Typed while it was gone") == 1


def test_frozen(web, database):
    assert_back(web)
    with database.frozen():
        assert_away(web)
    assert_back(web)


def test_out_of_reach(web, path):
    assert_back(web)
    path.cut()
    try:
        assert_away(web)
    finally:
        path.mend()
    assert_back(web)


def test_a_statement_that_takes_its_time_is_no_outage(web, database):
    assert_back(web)
    with database.connect("postgres") as owner, ThreadPoolExecutor(1) as pool:
        owner.execute("begin; lock table organizations in access exclusive mode")
        waiting = pool.submit(ask, web)
        time.sleep(1.5)  # longer than it takes to find a database that is away
        assert not waiting.done()
        owner.execute("rollback")
        assert waiting.result().status == 200


def test_read_only_shows_pages_and_refuses_changes_without_losing_them(web, database):
    assert_back(web)
    page = ask(web, ADD)
    database.set_read_only(True)
    try:
        assert_back(web)
        for address in ("/", "/search/?q=still", "/jobs/", "/me/", "/billing/ledger/", "/agents/agents/"):
            assert ask(web, address).status == 200, address
        _, answer = send(web, page, "Typed while it was read-only")
        assert answer.status == 503 and "The database is read-only just now" in answer.text, answer.text
        assert "Nothing was saved" in answer.text and answer.seconds < SECONDS
    finally:
        database.set_read_only(False)
    deadline = time.monotonic() + BACK_WITHIN_SECONDS
    while (answer := ask(web, ADD, data=Forms(answer.text).forms[0]["data"])).status == 503:
        assert time.monotonic() < deadline
    assert answer.status == 302 and names(database).count("Typed while it was read-only") == 1


def test_out_of_connections(web, database):
    assert_back(web)
    with database.server.connect() as admin:
        admin.execute("alter role backoffice connection limit 0")
        try:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'backoffice'"
            )
            # Whoever asks in the first moment may be told that it does not answer: each process has to find out why.
            wait_until(lambda: all(FULL in ask(web).text for _ in range(8)))
            assert_away(web, FULL)
        finally:
            admin.execute("alter role backoffice connection limit -1")
    assert_back(web)


def test_a_single_lost_connection_is_no_fault_to_anybody(web, database):
    assert_back(web)
    with database.server.connect() as admin:
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'backoffice'"
        )
    assert {ask(web).status for _ in range(10)} == {200}


def test_many_people_at_once_lose_no_posting_and_post_none_twice(web, database):
    """bench/faults.py, in small."""
    assert_back(web)
    load = Load(web, database, users=16, tenants=new_tenants(database, 4), pause=0.3)

    def go_on_until(number, status):
        """So many more answers of this status have come."""
        before = answered(status)
        wait_until(lambda: answered(status) >= before + number)

    def answered(status):
        return sum(answer.status == status for answer in list(load.answers))

    load.start()
    try:
        go_on_until(40, 200)
        with contextlib.ExitStack() as back:
            back.callback(database.restart)
            database.kill()
            go_on_until(16, 503)
        go_on_until(40, 200)
        with database.frozen():
            go_on_until(16, 503)
        go_on_until(40, 200)
    finally:
        load.stop()
    assert load.odd == []
    assert any(is_done for *_, is_done in load.postings.values())
    assert load.faults_in_the_books() == []


def test_a_server_that_is_told_to_stop_finishes_what_it_began(database, tmp_path):
    _, cookie, _ = signed_in(database, "support")
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'backoffice'"
    with (
        Web(database, tmp_path, processes=1) as web,
        database.connect("postgres") as owner,
        database.server.connect() as admin,
        ThreadPoolExecutor(1) as pool,
    ):
        owner.execute("begin; lock table organizations in access exclusive mode")
        running = pool.submit(web.ask, LIST, cookie)
        while not admin.execute(waits).fetchone()[0]:
            assert not running.done()
            time.sleep(0.05)
        web.process.terminate()
        time.sleep(0.3)
        assert web.process.poll() is None and not running.done()
        owner.execute("rollback")
        assert running.result().status == 200
        assert web.process.wait(20) == 0
