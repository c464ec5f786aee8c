"""Measures what processes hold in memory, on the world of bench/generate.py --transcripts.

    python bench/memory.py                       # var/bench-transcripts; --place, --requests
    python bench/memory.py --exports archive     # of csv,xlsx,archive; "" for none

One web worker as production runs it (gunicorn with its own settings, four threads) gets 10,000 requests for pages of
all kinds, as people of all roles, over four kept connections. Then the job worker exports every list and everything
of the largest tenant, and the web worker gives the files out. Printed are, in MB: RSS, all that a process has in
memory; PSS, the same with what it shares with others divided among them; USS, what is its own alone. The limit is on
RSS, which counts what the worker shares with its parent as if it were its own.
"""

import argparse
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import database  # first: it puts the project on the path
import pages
import served

CLIENTS = 4
WANTED_MB = 150
EVERY_SECONDS = 5
WORKER = """
import django
django.setup()
from django.core.management import call_command
from backoffice import background
background.ROUNDS.clear()
call_command("worker", once=True)
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.TRANSCRIPTS, help="folder of the server")
    parser.add_argument("--requests", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--exports", default="csv,xlsx,archive", help="what is exported (csv,xlsx,archive)")
    return parser.parse_args()


def main():
    options = arguments()
    with served.opened(options.place) as (server, folder):
        cookies = served.people()
        with server.connect(database.NAME) as owner:
            found = pages.pages(owner)
        with served.serve(server, folder, workers=1) as web:
            (worker,) = web.workers
            print(f"{len(found)} addresses of {len(pages.by_kind(found))} kinds; {served.load()}")
            print(f"{'web worker, MB':<38}{'RSS':>7}{'PSS':>7}{'USS':>7}")
            tell("at the beginning", worker.pid)
            ask_for_many(web, worker.pid, cookies, found, options.requests)
            if kinds := [kind for kind in options.exports.split(",") if kind]:
                results = export(server, folder, kinds)
                fetch(web, cookies["admin"], results)
                tell(f"after giving out {len(results)} files", worker.pid)
            largest = memory(worker.pid)["Rss"]
        print(f"RSS in the end: {largest:.0f} MB (wanted: under {WANTED_MB}); {served.load()}")


def memory(pid):
    """{"Rss", "Pss", "Uss"} in MB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        sizes[name.removesuffix(":")] = int(value) / 1024
    return {**sizes, "Uss": sizes["Private_Clean"] + sizes["Private_Dirty"]}


def tell(label, pid):
    sizes = memory(pid)
    print(f"{label:<38}{sizes['Rss']:>7.0f}{sizes['Pss']:>7.0f}{sizes['Uss']:>7.0f}", flush=True)


# Pages


def ask_for_many(web, pid, cookies, found, requests):
    """Kinds of pages at random, as often one as the other."""
    chance = random.Random(1)
    kinds = list(pages.by_kind(found).values())
    wanted = [chance.choice(chance.choice(kinds)) for _ in range(requests)]
    began, odd, local = time.perf_counter(), [], threading.local()

    def ask(page):
        if not hasattr(local, "people"):
            local.people = {role: served.Person(web.port, cookie) for role, cookie in cookies.items()}
        status, _ = local.people[page.role].ask(page.address, page.headers)
        if status != page.status:
            odd.append((status, page.address))

    with ThreadPoolExecutor(CLIENTS) as clients:
        for begin in range(0, requests, 1000):
            list(clients.map(ask, wanted[begin : begin + 1000]))
            tell(f"after {min(begin + 1000, requests):,} requests", pid)
    seconds = time.perf_counter() - began
    print(
        f"{requests:,} requests in {seconds:.0f} s, {len(odd)} answered otherwise than they should {odd[:5]}"
    )


# Exports


def lists():
    """[(url name, how its rows are called)] of every list that has an address of its own."""
    from django.urls import URLPattern, get_resolver

    from backoffice.generic import ListView

    def walk(resolver, spaces):
        for entry in resolver.url_patterns:
            if not isinstance(entry, URLPattern):
                yield from walk(entry, [*spaces, entry.namespace] if entry.namespace else spaces)
                continue
            view = getattr(entry.callback, "view_class", object)
            if issubclass(view, ListView) and not entry.pattern.regex.groups:
                yield ":".join([*spaces, entry.name]), view.model._meta.verbose_name_plural

    return list(walk(get_resolver(), []))


def export(server, folder, kinds):
    """Has the job worker export all lists in these formats, and all of the largest tenant. Returns the jobs."""
    from django.contrib.auth import get_user_model

    from backoffice import jobs
    from backoffice.generic.lists import open_list
    from backoffice.models import Job

    admin = get_user_model().objects.get(email="bench-admin@example.test")
    asked = []
    for kind in kinds:
        if kind == "archive":
            asked.append(archive(server, admin))
            continue
        for name, label in lists():
            try:
                query = open_list(name, admin).state()
            except Exception as error:  # a list that needs something which this database lacks
                print(f"{name} is not exported: {error}")
                continue
            title = f"{label}, {kind.upper()}"
            asked.append(jobs.start("export", title=title, owner=admin, list=name, query=query, format=kind))
    watch(server, folder, asked)
    return list(Job.objects.filter(pk__in=[job.pk for job in asked], status="succeeded"))


def archive(server, admin):
    from tenants.closing.archive import start_archive
    from tenants.models import Organization

    with server.connect(database.NAME) as owner:
        (largest,) = owner.execute(
            "select organization_id from backoffice.agents_conversation where organization_id is not null"
            " group by 1 order by count(*) desc limit 1"
        ).fetchone()
    return start_archive(Organization.objects.get(pk=largest), actor=admin, reason="Measuring memory")


def watch(server, folder, asked):
    """Runs the job worker until the queue is empty, and says what it holds beside how far its job is.

    Without its rounds, which would first follow all that changed in the database since it was filled.
    """
    from backoffice.models import Job

    command = [sys.executable, "-c", WORKER]
    process = subprocess.Popen(command, env=served.environment(server, folder), cwd=database.ROOT)
    began, sizes, told = time.perf_counter(), [], set()
    print(f"\n{'job worker, MB':<52}{'s':>6}{'rows':>12}{'RSS':>7}{'PSS':>7}{'USS':>7}")
    while process.poll() is None:
        try:
            size = memory(process.pid)
        except (OSError, KeyError):  # it ended just now
            break
        sizes.append(size["Rss"])
        running = Job.objects.filter(pk__in=[job.pk for job in asked], status="running").first()
        if running and (running.pk not in told or len(sizes) % EVERY_SECONDS == 0):
            told.add(running.pk)
            line = (
                f"{running.title[:50]:<52}{time.perf_counter() - began:>6.0f}{running.done:>12,}"
                f"{size['Rss']:>7.0f}{size['Pss']:>7.0f}{size['Uss']:>7.0f}"
            )
            print(line, flush=True)
        time.sleep(1)
    process.wait()
    done = Job.objects.filter(pk__in=[job.pk for job in asked])
    for job in done.exclude(status="succeeded"):
        print(f"{job.title}: {job.status}. {job.message}")
    rows = sum(job.done for job in done)
    print(f"{len(done)} exports, {rows:,} rows; RSS of the worker at the most {max(sizes):.0f} MB\n")


def fetch(web, cookie, results):
    person = served.Person(web.port, cookie, timeout=600)
    for job in results:
        status, _ = person.ask(f"/jobs/{job.pk}/result/")
        if status != 200:
            print(f"{job.title}: {status}")


if __name__ == "__main__":
    main()
