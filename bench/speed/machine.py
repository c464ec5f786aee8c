"""Where and when it was measured."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

import psutil


def facts(connection):
    """{name: text} of everything but the load, which changes meanwhile."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = psutil.virtual_memory().total / 2**30
    version, messages = connection.execute(
        "select current_setting('server_version'), reltuples::bigint from pg_class"
        " where oid = 'public.agent_messages'::regclass"
    ).fetchone()
    return {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "commit": commit(),
        "machine": f"{os.cpu_count()} cores of {models[0] if models else platform.machine()}, {memory:.0f} GB",
        "software": f"PostgreSQL {version}, Python {platform.python_version()}",
        "messages": f"{messages:,}",
    }


def commit():
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return found.stdout.strip() or "unknown"


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())
