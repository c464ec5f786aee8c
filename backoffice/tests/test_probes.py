"""/healthz and /readyz: what they answer, to whom, and how soon when the database is wrong, gone or frozen."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from backoffice import alive, probes
from backoffice.management.commands import worker

SOON = 1.8  # seconds: probes.DEADLINE_SECONDS, a busy machine, and less than any timeout of the database's


@pytest.fixture
def readiness(monkeypatch):
    """What a process knows that has not looked yet, and looks at every question."""
    probes.wanted_migrations()  # as the server does before it serves
    Client().get("/healthz")
    fresh = probes.Readiness()
    monkeypatch.setattr(probes, "readiness", fresh)
    monkeypatch.setattr(probes, "KEPT_SECONDS", 0)
    yield fresh
    if fresh.connection:
        fresh.connection.close()


@pytest.fixture
def database(fresh_database, readiness):
    """A database of the test's own, as the processes see it; readiness is asked through Django's client."""
    with fresh_database.django():
        yield fresh_database


def ready():
    started = time.monotonic()
    response = Client().get("/readyz")
    assert time.monotonic() - started < SOON
    return response.status_code, response.content.decode().strip()


def ready_again():
    """The answer once the server has let its old sessions go: it says so to new ones for a moment."""
    for _ in range(50):
        if (found := ready())[0] == 200:
            return found
        time.sleep(0.05)
    return found


def test_alive_whatever_the_address_without_sign_in_https_or_database(settings, django_db_blocker, caplog):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["backoffice.example.com"]
    with caplog.at_level(logging.INFO), django_db_blocker.block():
        response = Client().get("/healthz", headers={"Host": "10.1.2.3:8000"})
    assert (response.status_code, response.content) == (200, b"alive\n")
    assert response["Content-Type"].startswith("text/plain") and response["Cache-Control"] == "no-store"
    assert not response.cookies and caplog.records == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer_to_head_and_refuse_to_be_posted_to(path, monkeypatch):
    monkeypatch.setattr(probes.Readiness, "verdict", lambda self: (["database"], False))
    head, get = Client().head(path), Client().get(path)
    assert head.status_code == get.status_code and head.content == b""
    assert Client().post(path).status_code == 405


def test_ready_where_role_tables_and_files_are_right(database):
    assert ready() == (200, "ready")


def test_unapplied_migrations_are_named(database):
    with database.connect() as connection:
        connection.execute("delete from backoffice.django_migrations where app = 'billing'")
    assert ready() == (503, "not ready: migrations")
    with database.connect() as connection:
        connection.execute("drop table backoffice.django_migrations")
    assert ready() == (503, "not ready: migrations")


def test_a_login_that_may_too_much_is_named(database, readiness):
    with database.django("embedded_admin"):
        assert ready() == (503, "not ready: role")


def test_missing_static_files_are_named(database, monkeypatch):
    monkeypatch.setattr(probes.staticfiles_storage, "hashed_files", {}, raising=False)
    assert ready() == (503, "not ready: static files")


def test_a_database_that_only_reads_is_ready_to_be_read(database, embedded):
    with embedded.connect() as server:
        server.execute(f"alter database {database.name} set default_transaction_read_only = on")
    assert ready() == (200, "ready, read-only")


def test_a_database_that_went_away_is_named_and_its_return_is_seen(database, embedded, caplog):
    assert ready() == (200, "ready")
    with embedded.connect() as server:
        server.execute(f"alter database {database.name} with allow_connections false")
        server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database.name]
        )
        assert ready() == ready() == (503, "not ready: database")
        server.execute(f"alter database {database.name} with allow_connections true")
    assert ready_again() == (200, "ready")
    said = [record.getMessage() for record in caplog.records if record.name == "backoffice.probes"]
    assert said == ["Not ready: database."]  # a change is said, once; that all is well only at INFO


def test_a_server_that_is_frozen_keeps_nobody_waiting(database, readiness):
    """Its process is stopped, so that the kept connection hangs; the probe still answers, and recovers."""
    assert ready() == (200, "ready")
    pid = readiness.connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert ready() == (503, "not ready: database")
        readiness.thread.join(5)
        assert not readiness.thread.is_alive()  # the wait was ended, not left behind
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ready_again() == (200, "ready")


def test_a_server_that_takes_connections_and_says_nothing_keeps_nobody_waiting(readiness):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        params = connections.settings["default"]
        before = dict(params)
        old = connections["default"]
        del connections["default"]
        params.update(HOST="127.0.0.1", PORT=str(silent.getsockname()[1]))
        try:
            assert ready() == ready() == (503, "not ready: database")
        finally:
            params.clear()
            params.update(before)
            connections["default"] = old
    readiness.thread.join(5)


def test_a_storm_of_probes_is_one_look(database, readiness, monkeypatch):
    monkeypatch.setattr(probes, "KEPT_SECONDS", 60)
    asked = []
    ask = readiness.ask_in_time
    monkeypatch.setattr(readiness, "ask_in_time", lambda: asked.append(1) or ask())
    ready()
    threads = [threading.Thread(target=readiness.verdict) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


class TestAlive:
    """`python -m backoffice.alive`, the health check of containers."""

    def test_worker_is_alive_while_its_sign_of_life_is_young(self, tmp_path, monkeypatch):
        monkeypatch.setenv("WORKER_HEARTBEAT", str(tmp_path / "beat"))
        assert "no sign of life" in alive.worker()
        alive.heartbeat_file().touch()
        assert alive.worker() == ""
        os.utime(alive.heartbeat_file(), (0, time.time() - 2 * alive.OLD_SECONDS))
        assert "120 seconds old" in alive.worker()

    def test_worker_gives_signs_of_life(self, tmp_path, settings, monkeypatch):
        settings.WORKER_HEARTBEAT = tmp_path / "beat"
        monkeypatch.setattr(worker, "BEAT_SECONDS", 0)

        async def some_time():
            beating = asyncio.create_task(worker.beat())
            while not settings.WORKER_HEARTBEAT.exists():
                await asyncio.sleep(0)
            settings.WORKER_HEARTBEAT.unlink()
            while not settings.WORKER_HEARTBEAT.exists():
                await asyncio.sleep(0)
            beating.cancel()

        with ThreadPoolExecutor(1) as other:  # a test with a browser leaves a loop in this thread
            other.submit(lambda: asyncio.run(asyncio.wait_for(some_time(), 5))).result()

    def test_a_server_that_is_not_there_is_told(self, monkeypatch):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            monkeypatch.setenv("BIND", f"0.0.0.0:{taken.getsockname()[1]}")
            assert "does not answer" in alive.web()
