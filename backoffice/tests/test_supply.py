"""What the code brings along and reaches out to: packages, other hosts, markup that is not escaped, slow patterns."""

import ast
import importlib
import pkgutil
import re
import time

import pytest
from django.conf import settings

APPS = ("backoffice", "tenants", "agents", "telephony", "billing")
# What could ask another host, or start a program. Everything that imports one of these is named here with what for.
OUTWARD = {
    "aiohttp", "ftplib", "http.client", "httpx", "imaplib", "paramiko", "poplib", "pycurl", "requests", "smtplib",
    "socket", "subprocess", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc", "xmlrpc.client",
}  # fmt: skip
REVIEWED_IMPORTS = {
    ("backoffice/alive.py", "http.client"): "asks the own server of its container whether it is alive",
    ("backoffice/probes.py", "socket"): "the time that its own connection to the database may take",
    (
        "backoffice/sign_in/sso.py",
        "requests",
    ): "the provider of single sign-on, and no other host (OIDC_HOSTS)",
    ("backoffice/embedded.py", "subprocess"): "starts the demo's own PostgreSQL",
    ("backoffice/management/commands/run.py", "subprocess"): "starts the demo's own server and worker",
    ("backoffice/management/commands/run.py", "socket"): "the port of the demo's own server",
    ("backoffice/gunicorn_conf.py", "socket"): "an option of the server's own sockets",
    ("backoffice/management/commands/run.py", "http.client"): "asks the demo's own server whether it is up",
}
# Patterns that take long over long texts, and why no long text reaches them.
SHORT_TEXTS_ONLY = {
    "agents.conversations.shown.FENCE": "matched on lines under LONGEST_FENCE, 100 characters",
    "backoffice.masking.REST_OF_NUMBER": "matched at one place, not looked for",
    "backoffice.masking.SIGN": "test_masking bounds the time of a megabyte",
    "backoffice.search.typed.CALLED": "LONGEST_NUMBER is 60 characters",
    "backoffice.search.typed.SHORT_NUMBER": "LONGEST_NUMBER is 60 characters",
    "backoffice.search.typed.MAIL": "LONGEST_TEXT is 5,000 characters",
}
HARD = [
    "a" * 10_000, "1" * 10_000, " " * 10_000, "1 " * 5000, "a@" * 5000, "a@b." * 2500, "(" * 10_000, "-1" * 5000,
    '"' * 10_000, "\\" * 10_000, "{[" * 5000, "http://" * 1500, "?a=" * 3000, "=" * 10_000, "\n" * 10_000,
]  # fmt: skip
APART = ("tests", "migrations", "management", "gunicorn_conf", "wsgi", "testing", "testing_client", "testing_lists",
         "testing_pages", "testing_crud")  # fmt: skip


def modules():
    for app in APPS:
        yield importlib.import_module(app)
        for found in pkgutil.walk_packages(importlib.import_module(app).__path__, f"{app}."):
            if not set(found.name.split(".")) & set(APART):
                yield importlib.import_module(found.name)


def code():
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            name = str(path.relative_to(settings.BASE_DIR))
            if "/tests/" not in name and "testing" not in name:
                yield name, path.read_text()


def imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_page_and_no_job_asks_another_host():
    """A webhook's, a recording's or a ticket's address belongs to a tenant: a server that fetched it could be led anywhere."""
    found = {(name, one) for name, source in code() for one in imports(source) if one in OUTWARD}
    assert found == set(REVIEWED_IMPORTS)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_its_hashes(name):
    text = (settings.BASE_DIR / name).read_text()
    entries = re.split(r"\n(?=[^\s#])", "\n" + re.sub(r"(?m)^\s*#.*\n?", "", text))[1:]
    assert len(entries) >= 10
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+ ", entry), entry.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|://", text)


def test_the_image_and_make_install_by_hash_alone():
    for name in ("Makefile", "Dockerfile"):
        for line in (settings.BASE_DIR / name).read_text().splitlines():
            if "pip install" in line or "pip3 install" in line:
                assert "--require-hashes" in line, (name, line)


def test_templates_escape_everything():
    pattern = re.compile(r"\|\s*(?:safe|safeseq)\b|{%\s*autoescape\s+off")
    found = {
        str(path.relative_to(settings.BASE_DIR))
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        if pattern.search(path.read_text())
    }
    assert found == set()


def test_no_script_writes_markup_or_runs_text():
    """What comes from the server is put in by htmx, which is told not to run scripts in it."""
    pattern = re.compile(
        r"\beval\(|\bnew Function\(|\.(?:inner|outer)HTML\s*=|document\.write|insertAdjacentHTML"
    )
    found = {
        str(path.relative_to(settings.BASE_DIR))
        for path in (settings.BASE_DIR / "static").rglob("*.js")
        if pattern.search(path.read_text())
    }
    assert found == set()


def test_no_pattern_is_slow_over_a_text_that_was_made_for_it():
    patterns = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                patterns.setdefault(value, f"{module.__name__}.{name}")
    assert len(patterns) > 30
    slow = set()
    for pattern, name in patterns.items():
        if name in SHORT_TEXTS_ONLY:
            continue
        for text in HARD:
            began = time.process_time()
            for _ in pattern.finditer(text):
                pass
            if time.process_time() - began > 0.5:
                slow.add(name)
                break
    assert slow == set()
    assert set(SHORT_TEXTS_ONLY) <= set(patterns.values())
