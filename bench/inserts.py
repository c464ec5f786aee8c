"""Measures what search tables and figures cost the platform's inserts, and how far they are behind meanwhile.

    python bench/generate.py --transcripts --place var/bench-inserts --tenants 200 --agents 400 --sessions 50000 \\
        --messages 500000 --chats 2000 --calls 50000 --usage 190000
    python bench/inserts.py        # var/bench-inserts; --place, --rounds, --seconds; what it writes stays there

Two writers, each a connection of its own, write turns as the runtime does: one small transaction with the two messages
of a turn, its usage, and the session's counter. Rounds take turns: without any of it (the triggers off, no worker),
with the triggers, and with triggers and a worker that follows what is written, as it does in production. Then the same
for single statements of 200 rows, taken back again: there the disk has no part in it, so that is what the triggers
cost the processor at the worst. Then writers that leave the processors room write on, and it is measured how long after
its commit a turn can be found, and is counted. At the end they write while each of the tables is made again, and
somebody of support closes conversations: what the longest of both took, and what of it failed.
"""

import argparse
import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import database  # first: it puts the project on the path
import served

PLACE = database.ROOT / "var" / "bench-inserts"
WRITERS = 2
# What an insert can set off: triggers of db/transcripts.sql and db/figures.sql.
TRIGGERS = """
select tgrelid::regclass::text, tgname from pg_trigger
where (starts_with(tgname, 'transcripts_') or starts_with(tgname, 'figures_')) and not tgisinternal
"""
TURN = (
    """insert into public.agent_messages (session_id, role, content, created_at, latency_ms) values
         (%(session)s, 'user', 'A question of some words, as they are said', clock_timestamp(), null),
         (%(session)s, 'assistant', %(answer)s, clock_timestamp(), 420)""",
    """insert into public.usage_logs (agent_id, organization_id, session_id, tokens_used, model_used, created_at)
         values (%(agent)s, %(tenant)s, %(session)s, 100, %(model)s, clock_timestamp())""",
    """update public.agent_sessions set message_count = message_count + 2, last_activity_at = clock_timestamp()
         where id = %(session)s""",
)
MANY = {
    "agent_messages": """
insert into public.agent_messages (session_id, role, content, created_at)
select %(session)s, 'user', 'A message of some words, as they are said', clock_timestamp()
from generate_series(1, 200)""",
    "usage_logs": """
insert into public.usage_logs (agent_id, organization_id, tokens_used, created_at)
select %(agent)s, %(tenant)s, 100, clock_timestamp() from generate_series(1, 200)""",
    "call_logs": """
insert into public.call_logs (organization_id, session_id, direction, created_at)
select %(tenant)s, 'bench', 'inbound', clock_timestamp() from generate_series(1, 200)""",
}
IS_THERE = {
    "search": "select from agents_indexedturn where words @@ %(word)s::tsquery",
    "list of conversations": "select from agents_conversation c join public.agent_sessions s on s.id = c.source_id"
    " where c.store = 'session' and s.id = %(session)s and c.counted = s.message_count",
    "figures": "select from backoffice_figure where source = 'usage' and model = %(model)s",
}
LONGEST_SECONDS = 60.0
LONGEST_REBUILD_SECONDS = 3600
REBUILDING = {
    "nothing": [],
    "index_conversations --rebuild": ["index_conversations", "--rebuild"],
    "index_conversations --anew": ["index_conversations", "--anew"],
    "refresh_figures --rebuild": ["refresh_figures", "--rebuild"],
}
OPEN = (
    "select id from public.agent_sessions where status is distinct from 'ended' order by id desc limit 2000"
)
SESSIONS = """
select s.id as session, s.agent_id as agent, a.organization_id as tenant
from public.agent_sessions s join public.agents a on a.id = s.agent_id order by s.id limit 500
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=PLACE, help="folder of the server (var/bench-inserts)")
    parser.add_argument("--rounds", type=int, default=5, help="of each kind (5)")
    parser.add_argument("--seconds", type=float, default=3, help="that a round takes (3)")
    return parser.parse_args()


def main():
    options = arguments()
    with served.opened(options.place) as (server, _), server.connect(database.NAME) as owner:
        build()
        sessions = [
            dict(zip(("session", "agent", "tenant"), row, strict=True)) for row in owner.execute(SESSIONS)
        ]
        print(served.load(), flush=True)
        measure_turns(server, owner, sessions, options)
        for table, statement in MANY.items():
            measure_many(owner, table, statement, sessions[0], options.rounds)
        measure_delay(server, sessions, options)
        measure_rebuilding(server, owner, sessions, options)
        print(served.load())


def build():
    from django.core.management import call_command

    call_command("index_conversations", verbosity=0)
    call_command("refresh_figures", verbosity=0)


def switch(owner, on):
    for table, name in owner.execute(TRIGGERS).fetchall():
        owner.execute(f"alter table {table} {'enable' if on else 'disable'} trigger {name}")


@contextlib.contextmanager
def working(server):
    """A job worker, with the rounds that follow the platform's tables."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "manage.py", "worker"]
        process = subprocess.Popen(command, env=served.environment(server, folder), cwd=database.ROOT)
        time.sleep(5)  # it has begun its rounds
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


# Turns


def write(server, sessions, end, seed, times, pause=0.0, ended=None):
    """One writer, until `end`, or `ended` is set; adds the seconds of each transaction to `times`."""
    chance = random.Random(seed)
    with server.connect(database.NAME) as connection:
        while time.monotonic() < end and not (ended and ended.is_set()):
            values = chance.choice(sessions) | {"answer": "An answer of some more words", "model": "gpt-4o"}
            began = time.perf_counter()
            with connection.transaction():
                for statement in TURN:
                    connection.execute(statement, values)
            times.append(time.perf_counter() - began)
            if pause:
                time.sleep(pause)


def write_together(server, sessions, seconds, pause=0.0):
    """(transactions a second of all writers, [seconds of each])."""
    times, end = [], time.monotonic() + seconds
    threads = [
        threading.Thread(target=write, args=[server, sessions, end, seed, times, pause])
        for seed in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / seconds, times


def measure_turns(server, owner, sessions, options):
    rates, times = {}, {}

    def one(label):
        rate, found = write_together(server, sessions, options.seconds)
        rates.setdefault(label, []).append(rate)
        times.setdefault(label, []).extend(found)

    for _ in range(options.rounds):
        switch(owner, False)
        one("without")
        switch(owner, True)
        one("with triggers")
        with working(server):
            one("with triggers and worker")
    label = f"{WRITERS} writers, one turn a transaction"
    print(f"\n{label:<36}{'a second':>10}{'to without':>12}{'p50 ms':>8}{'p95 ms':>8}")
    base = statistics.median(rates["without"])
    for label, found in rates.items():
        rate, ordered = statistics.median(found), sorted(times[label])
        p50, p95 = (1000 * ordered[int(share * len(ordered))] for share in (0.5, 0.95))
        print(f"{label:<36}{rate:>10,.0f}{rate / base:>12.2f}{p50:>8.2f}{p95:>8.2f}")


def measure_many(owner, table, statement, values, rounds, times=25):
    """Statements of 200 rows of now, each round taken back; with and without the triggers in turns.

    The server's time of the processor says what the triggers cost also where others use the machine.
    """
    import psutil

    server = psutil.Process(owner.info.backend_pid)
    rates, used = {True: [], False: []}, {True: 0.0, False: 0.0}
    for _ in range(4 * rounds):
        for on, found in rates.items():
            with owner.transaction(force_rollback=True):
                switch(owner, on)
                began, cpu = time.perf_counter(), sum(server.cpu_times()[:2])
                for _ in range(times):
                    owner.execute(statement, values)
                found.append(200 * times / (time.perf_counter() - began))
                used[on] += sum(server.cpu_times()[:2]) - cpu
    with_them, without = statistics.median(rates[True]), statistics.median(rates[False])
    each = {on: 1e6 * seconds / (4 * rounds * 200 * times) for on, seconds in used.items()}
    label = f"{table}, 200 rows a statement"
    print(
        f"{label:<36}{with_them:>10,.0f} rows a second, {without:,.0f} without: {with_them / without:.2f};"
        f" processor {each[True]:.1f} µs a row, {each[False]:.1f} without: {each[True] / each[False]:.2f}"
    )


# How far behind


def measure_delay(server, sessions, options, every=0.02):
    """Writers write some 60 turns a second; now and then a turn is followed until it can be found and is counted."""
    seconds = 10 * options.seconds
    with working(server), server.connect(database.NAME) as looker:
        looker.execute("set search_path = backoffice, public")
        writing = threading.Thread(target=write_together, args=[server, sessions[1:], seconds, every])
        writing.start()
        delays = {label: [] for label in IS_THERE}
        letters = str.maketrans(
            "0123456789", "bcdfghjklm"
        )  # a word with digits may be a number, which is masked
        while writing.is_alive():
            follow_one(looker, sessions[0], str(time.time_ns()).translate(letters), delays)
        writing.join()
    print(f"\n{'behind, s':<36}{'median':>10}{'longest':>10}{'looked at':>11}")
    for label, found in delays.items():
        print(f"{label:<36}{statistics.median(found):>10.1f}{max(found):>10.1f}{len(found):>11}")


def follow_one(looker, values, word, delays):
    """Writes a turn of its own, and waits until each table has it."""
    values = {**values, "answer": f"An answer with {word} in it", "model": word, "word": f"'{word}'"}
    with looker.transaction():
        for statement in TURN:
            looker.execute(statement, values)
    began, waiting = time.perf_counter(), list(delays)
    while waiting and time.perf_counter() - began < LONGEST_SECONDS:
        for label in list(waiting):
            if looker.execute(IS_THERE[label], values).fetchone() is not None:
                delays[label].append(time.perf_counter() - began)
                waiting.remove(label)
        time.sleep(0.05)
    for label in waiting:
        delays[label].append(LONGEST_SECONDS)


# While the tables are made again


def measure_rebuilding(server, owner, sessions, options, every=0.02):
    open_ones = [pk for (pk,) in owner.execute(OPEN)]
    head = f"{'while it runs':<36}{'seconds':>9}{'turns':>8}{'p50 ms':>8}{'longest ms':>12}"
    print(f"\n{head}{'closed':>8}{'longest ms':>12}{'failed':>8}")
    for label, command in REBUILDING.items():
        times, closings, failures, ended = [], [], [], threading.Event()
        end = time.monotonic() + LONGEST_REBUILD_SECONDS
        threads = [
            threading.Thread(target=write, args=[server, sessions, end, seed, times, every, ended])
            for seed in range(WRITERS)
        ]
        threads.append(threading.Thread(target=close, args=[open_ones, closings, failures, ended]))
        for thread in threads:
            thread.start()
        began = time.monotonic()
        try:
            if command:
                remake(server, command)
            else:
                time.sleep(10 * options.seconds)
        finally:
            took = time.monotonic() - began
            ended.set()
            for thread in threads:
                thread.join()
        turns = f"{len(times):>8,}{1000 * statistics.median(times):>8.2f}{1000 * max(times):>12.0f}"
        closed = f"{len(closings):>8}{1000 * max(closings, default=0):>12.0f}{len(failures):>8}"
        print(f"{label:<36}{took:>9.0f}{turns}{closed}", *sorted(set(failures)), flush=True)


def remake(server, command):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            env=served.environment(server, folder),
            cwd=database.ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )


def close(open_ones, times, failures, ended):
    """Somebody who closes a conversation a second, as the page does."""
    from django.db import DatabaseError, connection

    from agents.models import AgentSession
    from agents.services import close_session
    from backoffice.models import User

    somebody, _ = User.objects.get_or_create(email="bench-support@example.test")
    while open_ones and not ended.wait(1):
        began = time.perf_counter()
        try:
            close_session(AgentSession(pk=open_ones.pop()), actor=somebody, reason="Measured")
            times.append(time.perf_counter() - began)
        except DatabaseError as error:
            failures.append(str(error).split("\n")[0])
    connection.close()


if __name__ == "__main__":
    main()
