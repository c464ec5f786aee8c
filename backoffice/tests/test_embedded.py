"""The embedded server: one place, started and stopped by whoever comes, whatever happened before."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from backoffice.embedded import SOCKET_NAME, SOCKET_PATH_LIMIT, EmbeddedError, EmbeddedPostgres


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("embedded") / "postgres"
    yield place
    EmbeddedPostgres(place).destroy()


@pytest.fixture
def server(place):
    server = EmbeddedPostgres(place, fast=True).start()
    yield server
    server.stop()


def running(server):
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def kill_server(server):
    """As when the machine loses power: no process of the server says goodbye."""
    postmaster = psutil.Process(server._pid())
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)


def test_server_is_private_and_speaks_utc_and_unicode(server):
    with server.connect() as connection:
        row = connection.execute(
            "select current_user, current_setting('TimeZone'), lower('ÄÉ'), current_setting('listen_addresses'),"
            " current_setting('server_version_num')::int / 10000, current_setting('server_encoding')"
        ).fetchone()
    assert row == ("embedded_admin", "UTC", "äé", "", 18, "UTF8")
    assert stat.S_IMODE(os.stat(server.socket_dir).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(server.data).st_mode) == 0o700


def test_stopped_server_starts_again_with_its_data(server):
    server.create_database("kept")
    server.stop()
    assert not running(server)
    server.start()
    assert server.has_database("kept")
    server.drop_database("kept")
    assert not server.has_database("kept")


def test_killed_server_is_recovered(server):
    server.create_database("kept")
    with server.connect() as connection:
        connection.execute("checkpoint")
    kill_server(server)
    assert (server.data / "postmaster.pid").exists()
    server.start()
    assert server.has_database("kept")
    server.drop_database("kept")


def test_pid_file_that_names_another_program_is_no_obstacle(server):
    kill_server(server)
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    with subprocess.Popen(["sleep", "60"], **server._run_as()) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
        server.start()
        assert running(server)
        other.kill()


def test_server_left_by_a_killed_run_is_adopted(server, place):
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2])\n"
        "from backoffice.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres(sys.argv[1], fast=True).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    server.stop()
    done = subprocess.run([sys.executable, "-c", code, place, os.getcwd()], check=False)
    assert done.returncode == -signal.SIGKILL
    assert running(server)
    pid = server._pid()
    server.start()
    assert server._pid() == pid
    server.stop()
    assert not running(server)


def test_server_stays_while_another_process_uses_it(server, place):
    other = EmbeddedPostgres(place, fast=True).start()
    server.stop()
    assert running(other)
    other.stop()
    assert not running(other)


def test_two_starters_at_once_share_one_server(server, place):
    server.stop()
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from backoffice.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(sys.argv[1], fast=True).start()\n"
        "print(server._pid(), flush=True); sys.stdin.read(); server.stop()"
    )
    command = [sys.executable, "-c", code, place, os.getcwd()]
    starters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    pids = {starter.stdout.readline() for starter in starters}
    for starter in starters:
        starter.communicate()
    assert len(pids) == 1
    assert pids != {""}
    assert not running(server)


def test_data_of_another_version_is_refused_with_a_sentence(server):
    server.stop()
    version = server.data / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(
            EmbeddedError, match="is of PostgreSQL 17, this version needs 18: move the folder away"
        ):
            server.start()
    finally:
        version.write_text("18\n")


def test_interrupted_first_start_is_begun_again(server):
    server.stop()
    kept = server.data.rename(server.place / "aside")
    server.data.mkdir()
    (server.data / "half").write_text("")
    try:
        server.start()
        assert running(server)
        server.stop()
    finally:
        subprocess.run(["rm", "-r", server.data], check=True)
        kept.rename(server.data)


@pytest.fixture
def open_folder():
    """A folder that the server's user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_long_folder_gets_a_socket_within_the_limit(open_folder):
    server = EmbeddedPostgres(open_folder / ("long" * 30) / "postgres")
    assert len(f"{server.socket_dir}/{SOCKET_NAME}") <= SOCKET_PATH_LIMIT


def test_folder_in_tmp_of_somebody_else_is_not_used(open_folder):
    server = EmbeddedPostgres(open_folder / ("long" * 30) / "postgres")
    os.mkdir(server.socket_dir, 0o777)
    os.chmod(server.socket_dir, 0o777)
    try:
        with pytest.raises(EmbeddedError, match="is not this server's private folder"):
            server.start()
    finally:
        server.destroy()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root moves the place")
class TestAsRoot:
    def test_closed_folder_is_left_closed_and_the_data_is_elsewhere(self, tmp_path):
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        server = EmbeddedPostgres(closed / "var" / "postgres", fast=True)
        try:
            server.start()
            assert running(server)
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            assert (closed / "var" / "postgres").readlink() == server.place
            assert server.data.stat().st_uid != 0
        finally:
            server.destroy()
        assert not server.place.exists()

    def test_data_elsewhere_moves_with_the_folder_and_goes_with_it(self, tmp_path):
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with EmbeddedPostgres(closed / "postgres", fast=True) as first:
            first.create_database("kept")
        moved = closed.rename(tmp_path / "moved")
        with EmbeddedPostgres(moved / "postgres", fast=True) as second:
            assert second.has_database("kept")
        (moved / "postgres").unlink()
        moved.rename(closed)
        again = EmbeddedPostgres(closed / "postgres", fast=True)
        try:
            assert not again.start().has_database("kept")
        finally:
            again.destroy()

    def test_unreadable_binaries_are_copied(self, tmp_path, monkeypatch):
        monkeypatch.setattr("backoffice.embedded._world_readable", lambda path: False)
        server = EmbeddedPostgres(tmp_path / "postgres", fast=True)
        try:
            started = time.monotonic()
            server.start()
            assert running(server)
            assert server._bin.is_relative_to(server.place)
            assert time.monotonic() - started < 20
        finally:
            server.destroy()
