"""`manage.py run`: the sentences where it cannot start, and a whole life of it on a copy of the project."""

import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest
from django.core.management.base import CommandError

from backoffice.embedded import EmbeddedPostgres
from backoffice.management.commands import run
from backoffice.settings import BASE_DIR

SECONDS_TO_START_AGAIN = 10  # under five on an idle machine; the suite's machine may be busy


def clean_environment():
    """The environment of somebody who has set nothing."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_busy_port_is_refused_with_a_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is in use .* make run PORT={port + 1}"):
            run.Command().listen(port).__enter__()


def test_impossible_port_is_refused_with_a_sentence():
    with pytest.raises(CommandError, match="99999 is not a port"):
        run.Command().listen(99999).__enter__()


def test_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path, settings):
    (tmp_path / "file").write_text("")
    settings.VAR_DIR = tmp_path / "file" / "var"
    with pytest.raises(CommandError, match=r"Cannot write to .*read-only or belongs to another user"):
        run.Command().prepare_folder()


def test_second_run_in_the_same_folder_is_refused_with_a_sentence(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    with (
        run.Command().only_one(),
        pytest.raises(CommandError, match=f"running already .process {os.getpid()}"),
    ):
        run.Command().only_one().__enter__()
    with run.Command().only_one():
        pass


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_without_a_new_enough_python_says_so(project):
    done = subprocess.run(
        ["make", "run", "PYTHON="],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (project / ".venv").exists()


@pytest.fixture(scope="module")
def project():
    """A copy of the project as a clone has it, with its own database in it: everybody can reach the folder."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = Path(folder) / "back office"  # a space in the path is no obstacle
        ignored = shutil.ignore_patterns(".git", ".venv", ".env", "var", "__pycache__", ".*_cache", "bench")
        shutil.copytree(BASE_DIR, copy, ignore=ignored)
        yield copy
        EmbeddedPostgres(copy / "var" / "postgres").destroy()


class Run:
    """One `manage.py run`, up and serving."""

    def __init__(self, project, port):
        self.started = time.monotonic()
        self.output = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(port)],
            cwd=project,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout:
            self.output.append(line)
            if "Ctrl-C stops it" in line:
                break
        self.seconds = time.monotonic() - self.started
        self.text = "".join(self.output)
        assert "Ctrl-C stops it" in self.text, self.text

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate(timeout=40)
        return self.process.returncode


def processes_of(project):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(project) and process.pid != os.getpid():
                found.append(process)
    return found


def sign_in(port, email, password):
    """Through the form, as a person does. Returns the address one ends at."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    url = f"http://localhost:{port}/accounts/login/"
    page = opener.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = {"csrfmiddlewaretoken": token, "login": email, "password": password}
    with opener.open(url, urllib.parse.urlencode(form).encode()) as answer:
        return urllib.parse.urlsplit(answer.url).path


def test_a_life_of_run(project):
    port = free_port()
    first = Run(project, port)
    assert f"http://localhost:{port}" in first.text
    password = re.search(r"Password: (\S+)", first.text)[1]
    assert (project / "var" / "demo-password").stat().st_mode & 0o777 == 0o600
    assert (project / "var" / "secret-key").stat().st_mode & 0o777 == 0o600
    for role in ("support", "finance", "manager", "admin"):
        assert f"{role}@example.test" in first.text
        assert sign_in(port, f"{role}@example.test", password) == "/"
    assert sign_in(port, "support@example.test", "wrong") == "/accounts/login/"

    # Killed without a word: the children end by themselves, the next run takes over the database.
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while processes_of(project) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(project) == []

    second = Run(project, port)
    assert second.seconds < SECONDS_TO_START_AGAIN
    assert "once" not in second.text
    assert password in second.text
    assert sign_in(port, "manager@example.test", password) == "/"
    assert second.end(signal.SIGINT) == 0
    assert processes_of(project) == []
    with pytest.raises(psycopg.OperationalError):
        EmbeddedPostgres(project / "var" / "postgres").connect()
