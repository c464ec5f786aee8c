"""Runs what Dockerfile and compose.yaml say without an engine: as an unprivileged user, on a tree nobody can write to.

The files are read, so what is run cannot differ from what they say; only places and ports are others.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from backoffice.embedded import _system_user, reachable
from backoffice.settings import BASE_DIR

# Commands of RUN that make the system around the app, which here is there already.
OF_THE_SYSTEM = ("python -m venv ", "/venv/bin/pip install ", "groupadd ", "useradd ", "install -d ")


def dockerfile():
    """[(instruction, text)] of the Dockerfile, lines that go on joined."""
    lines = [line for line in (BASE_DIR / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def compose():
    return yaml.safe_load((BASE_DIR / "compose.yaml").read_text())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def of_user(command):
    """(command, arguments of subprocess) that run it as somebody who owns nothing here."""
    if os.geteuid():
        return command, {}
    user = _system_user()
    if reachable(Path(sys.base_prefix)):
        return command, {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # The interpreter lies in a folder of root's. What the user may write to stays as it is.
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [
        "setpriv",
        *ids,
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
        *command,
    ], {}


class Image:
    """The app as the image has it. `settings` is what .env would hold; web, metrics: ports."""

    def __init__(self, settings):
        self.folder = Path(tempfile.mkdtemp(prefix="image-"))
        self.folder.chmod(0o755)
        self.app = self.folder / "app"
        self.settings = settings
        self.ports = {"8000": free_port(), "9464": free_port()}
        self.worker_metrics = free_port()
        self.running = {}
        for name in ("tmp", "jobs"):
            (self.folder / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(self.folder / name, _system_user().pw_uid, _system_user().pw_gid)
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "TMPDIR": str(self.folder / "tmp"),
        }

    def here(self, text):
        """Places and ports of the image, as they are here."""
        places = {"app": "app", "tmp": "tmp", "var/lib/backoffice/jobs": "jobs"}
        pattern = rf"(?<![\w/])/({'|'.join(places)})\b"
        text = re.sub(pattern, lambda found: str(self.folder / places[found[1]]), text)
        return re.sub(r"0\.0\.0\.0:(\d+)", lambda found: f"127.0.0.1:{self.ports[found[1]]}", text)

    def build(self):
        """Runs the Dockerfile to its end, then takes the right to write to the tree from everybody."""
        ignored = [
            line.removeprefix("**/") for line in (BASE_DIR / ".dockerignore").read_text().splitlines() if line
        ]
        left_out = shutil.ignore_patterns(*ignored)
        for instruction, text in dockerfile():
            text = text.strip()
            if instruction == "ENV":
                pairs = dict(re.findall(r"(\w+)=(\S+)", text))
                pairs.pop("PATH", None)  # the packages of the tests stand for /venv
                pairs.pop("RELEASE", None)
                self.environment |= {name: self.here(value) for name, value in pairs.items()}
            elif (instruction, text) == ("COPY", ". ."):
                shutil.copytree(BASE_DIR, self.app, ignore=left_out)
            elif instruction == "RUN":
                for command in re.split(r"\s*&&\s*", text):
                    if not command.startswith(OF_THE_SYSTEM):
                        self.do(["sh", "-c", self.here(command)])
            elif instruction == "CMD":
                self.command = json.loads(text)
            elif instruction == "HEALTHCHECK":
                self.health = json.loads(text.partition("CMD ")[2])
            else:
                assert instruction in ("FROM", "ARG", "WORKDIR", "COPY", "USER", "EXPOSE"), instruction
        for path in [self.app, *self.app.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)

    def do(self, command):
        """A command of the build, as whoever builds; without what this process has in its environment."""
        done = subprocess.run(command, cwd=self.app, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def of_service(self, name):
        """(command, environment) of a service in compose.yaml."""
        service = compose()["services"][name]
        environment = {key: self.here(str(value)) for key, value in service.get("environment", {}).items()}
        if "METRICS_BIND_WORKER" in environment:  # containers have their own ports; here they share them
            environment["METRICS_BIND_WORKER"] = f"127.0.0.1:{self.worker_metrics}"
        return service.get("command", self.command), {**self.environment, **self.settings, **environment}

    def once(self, name, **environment):
        """Runs a service that ends; gives what it printed."""
        command, its_own = self.of_service(name)
        return self.run(command, {**its_own, **environment})

    def run(self, command, environment):
        command, who = of_user(command)
        done = subprocess.run(
            command, cwd=self.app, env=environment, capture_output=True, text=True, timeout=120, **who
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name):
        """Starts a service that goes on; its lines are in the file `log(name)`."""
        command, environment = self.of_service(name)
        command, who = of_user(command)
        with self.log(name).open("w") as output:
            self.running[name] = subprocess.Popen(
                command, cwd=self.app, env=environment, stdout=output, stderr=output, **who
            )

    def is_healthy(self, name):
        """Whether the health check of a service says so."""
        test = compose()["services"][name].get("healthcheck", {}).get("test")
        command, environment = test[1:] if test else self.health, self.of_service(name)[1]
        command, who = of_user(command)
        return (
            subprocess.run(command, cwd=self.app, env=environment, capture_output=True, **who).returncode == 0
        )

    def wait_until_healthy(self, name, seconds=120):
        deadline = time.monotonic() + seconds
        while not self.is_healthy(name):
            assert self.running[name].poll() is None and time.monotonic() < deadline, self.log(
                name
            ).read_text()
            time.sleep(0.2)

    def log(self, name):
        return self.folder / f"{name}.log"

    def url(self, path, port="8000"):
        return f"http://127.0.0.1:{self.ports.get(port, port)}{path}"

    def get(self, path, *, port="8000", **headers):
        """(status, text) of an answer; redirects are not followed."""
        request = urllib.request.Request(self.url(path, port), headers=headers)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as response:
            return response.code, response.read().decode()

    def stop(self, name):
        """As an engine does: SIGTERM, then waits. Gives the exit status."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(30)

    def remove(self):
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
        for path in [self.app, *self.app.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(self.folder, ignore_errors=True)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *request):
        return None
