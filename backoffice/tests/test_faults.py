"""The database gone, frozen, out of reach, read-only, full: 503 within a second, and back by itself, nothing half-done.

Real processes: two web processes, and a PostgreSQL of this module's own, so that it can be killed and frozen.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backoffice.testing_crud import Markup
from backoffice.testing_faults import BreakableDatabase, Web, signed_in
from tenants.tests.factories import make_organization

LIST = "/tenants/organizations/"
SECONDS = 1.5  # under one on an idle machine (docs/faults.md); the suite's machine may be busy
BACK_WITHIN_SECONDS = 6


@pytest.fixture(scope="module")
def database(tmp_path_factory, django_db_blocker, django_test_environment):
    own = BreakableDatabase(tmp_path_factory.mktemp("postgres") / "server")
    try:
        with django_db_blocker.unblock():
            own.prepare()
            with own.platform():
                make_organization(name="Still here")
            yield own
    finally:
        own.thaw()
        own.server.destroy()


@pytest.fixture(scope="module")
def web(database, tmp_path_factory):
    with Web(database, tmp_path_factory.mktemp("web")) as web:
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
    while good < 8:
        answer = ask(web)
        good = good + 1 if answer.status == 200 else 0
        assert time.monotonic() < deadline, (answer.status, answer.headers.get("Location"))
        if answer.status != 200:
            time.sleep(0.1)
    assert "Still here" in answer.text


def test_killed_and_started_again(web, database):
    assert_back(web)
    database.kill()
    try:
        assert_away(web)
    finally:
        database.restart()
    assert_back(web)


def test_frozen(web, database):
    assert_back(web)
    with database.frozen():
        assert_away(web)
    assert_back(web)
