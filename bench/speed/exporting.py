"""Files of 100,000 rows that the worker writes; what a download at once, the floor's COPY and stock's action are beside
them is in writing.py.

    python -m bench.speed.exporting          # the process that runs ours: a job in JSON a line in, its figures out

Of a job the first byte is when the file has its first rows, the total when the job is done. The floor's file has as
many rows.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from bench.speed.signing import EMAIL

ROUNDS = 3
ROWS = 100_000
POLL_SECONDS = 0.0005
QUIET = {"LOG_LEVEL": "CRITICAL"}  # the log would be on the standard output, which has the figures
TABLES = {
    "export": "public.usage_logs",
    "turn_export": "public.agent_messages",
}  # of the floor, by kind of job
COLUMNS = ["conversation", "organization", "agent", "channel", "number", "at", "role", "text"]


# What is exported: from which day on there are so many rows


def since(connection, table, key, weight="1"):
    """(day, rows since then) of about 100,000 rows; all of a table that has fewer."""
    return connection.execute(
        f"""select day, upto::bigint from (
              select day, sum(n) over (order by day desc) as upto from (
                select ({key} at time zone 'UTC')::date as day, sum({weight}) as n from {table}
                where isfinite({key}) group by 1) d) s
            order by upto < {ROWS}, case when upto < {ROWS} then -upto else upto end limit 1"""
    ).fetchone()


def kinds(connection):
    """{name: (job's kind, its parameters, the floor's parameters, what is wanted, the admin's list)}."""
    usage_since, _ = since(connection, "public.usage_logs", "created_at")
    said_since, _ = since(connection, "backoffice.agents_conversation", "started_at", "stored")
    return {
        "usage": (
            "export",
            {"list": "billing:usagelog_list", "query": urlencode({"since": usage_since})},
            {"what": "usage"},
            "export, figures",
            "platform/usagelog",
        ),
        "what was said, masked": (
            "turn_export",
            {"query": urlencode({"since": said_since}), "columns": COLUMNS, "format": "csv"},
            {"what": "messages"},
            "export, content",
            "platform/agentmessage",
        ),
    }


class Exports:
    """The process that runs the jobs."""

    def __init__(self, url, folder, environment):
        self.folder = Path(folder) / "exports"
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.speed.exporting"],
            env={
                **os.environ,
                **environment,
                "DATABASE_URL": url,
                "JOB_FILES_DIR": str(self.folder),
                **QUIET,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, kind, params):
        print(json.dumps({"kind": kind, "params": params}), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.process.stdin.close()
        self.process.wait(20)


# The process


def main():
    import django

    django.setup()
    from django.contrib.auth import get_user_model

    from backoffice import jobs
    from backoffice.models import Job

    owner = get_user_model().objects.get(email=EMAIL)
    for line in sys.stdin:
        asked = json.loads(line)
        job = Job.objects.create(kind=asked["kind"], title="Measured", owner=owner, params=asked["params"])
        figures = watched(lambda job=job: jobs.run(job.pk), job.result_path.parent)
        job = Job.objects.get(pk=job.pk)
        with job.result_path.open("rb") as file:
            figures["rows"] = sum(line.count(b"\n") for line in file) - 1
        figures |= {"status": job.status, "message": job.message, "body": job.result_path.stat().st_size}
        job.result_path.unlink()
        job.delete()
        print(json.dumps(figures), flush=True)


def watched(work, folder):
    """Runs it; when a file in the folder got its first bytes, when it was done (ms), and how the process grew (MB)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    done = threading.Event()
    first = []
    began, used = time.perf_counter(), time.process_time()

    def look():
        while not done.wait(POLL_SECONDS):
            if any(entry.stat().st_size for entry in os.scandir(folder)):
                first.append((time.perf_counter() - began) * 1000)
                return

    watcher = threading.Thread(target=look)
    watcher.start()
    work()
    total, cpu = (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000
    done.set()
    watcher.join()
    peak = memory("VmHWM")
    return {
        "total": total,
        "first_byte": (first or [total])[0],
        "grown": peak - before,
        "peak": peak,
        "cpu": cpu,
    }


def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


if __name__ == "__main__":
    main()
