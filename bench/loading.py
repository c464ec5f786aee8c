"""How a database is filled fast: rows by COPY, keys and indexes when the rows are there, two processes side by side.

A step is SQL that is run, or `Copied`: rows that one connection selects and another takes in.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import psycopg
from psycopg import sql

BLOCK = 1 << 18  # bytes handed on at a time


class Copied(NamedTuple):
    """An `insert into … select`, as two."""

    into: str
    select: str

    @property
    def table(self):
        return self.into.split()[0]


def quick(url):
    """A superuser's connection without triggers and crash safety: what is lost is generated again."""
    settings = {
        "session_replication_role": "replica",
        "search_path": "public",
        "synchronous_commit": "off",
        "work_mem": "512MB",
        "maintenance_work_mem": "512MB",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return psycopg.connect(url, autocommit=True, options=options)


def run_step(url, label, step, sizes):
    began = time.monotonic()
    with quick(url) as connection:
        statement = step.select if isinstance(step, Copied) else step
        literals = {name: sql.Literal(size) for name, size in sizes.items()}
        statement = sql.SQL(statement).format(**literals).as_string()
        if isinstance(step, Copied):
            count = copy(url, connection, f"copy ({statement}) to stdout", step)
        else:
            count = connection.execute(statement).rowcount
    tell(label, began, count)


def copy(url, reader, rows, step):
    """Hands rows on as they are. Returns their number.

    The table is emptied in the same transaction, so that its rows are written once: no log, nothing for VACUUM to do.
    """
    with quick(url) as writer, writer.transaction(), writer.cursor() as cursor:
        cursor.execute(f"truncate {step.table} cascade")
        with (
            reader.cursor().copy(rows) as source,
            cursor.copy(f"copy {step.into} from stdin (freeze)") as target,
        ):
            block = bytearray()
            for row in source:
                block += row
                if len(block) > BLOCK:
                    target.write(bytes(block))
                    block.clear()
            target.write(bytes(block))
        return cursor.rowcount


def tell(label, began, count=None):
    rows = "" if count is None else f"{max(count, 0):,} rows"
    print(f"{label:<22}{rows:>17} {time.monotonic() - began:7.1f} s", flush=True)


def put_aside(owner, tables):
    """Drops the indexes of the platform's tables but for keys, and of `tables` also the keys that nothing refers to.

    Returns {table: [SQL that makes them again]}.
    """
    found = owner.execute(
        """
        select indrelid::regclass::text, format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        from pg_index join pg_class t on t.oid = indrelid and t.relnamespace = 'public'::regnamespace
        where not exists (select from pg_constraint where conindid = indexrelid)
        union all
        select t, format('alter table %%s drop constraint %%I', t, c.conname),
               format('alter table %%s add constraint %%I %%s', t, c.conname, pg_get_constraintdef(c.oid))
        from pg_constraint c cross join lateral (select c.conrelid::regclass::text as t) r
        where c.contype in ('p', 'u') and t = any (%s)
          and not exists (select from pg_constraint f where f.conindid = c.conindid and f.contype = 'f')
        """,
        [tables],
    ).fetchall()
    again = {}
    for table, drop, make in found:
        owner.execute(drop)
        again.setdefault(table, []).append(make)
    return again


def finish(url, table, statements):
    """Makes the indexes and keys of a table, and what the planner wants to know of it."""
    began = time.monotonic()
    with quick(url) as connection:
        for statement in [*statements, f"vacuum (analyze) {table}"]:
            connection.execute(statement)
    tell(f"indexes: {table}", began)


def in_lanes(*lanes):
    """Runs lists of (function, *arguments) side by side, each in a process of its own. Raises what one raised."""
    with ProcessPoolExecutor(len(lanes), mp_context=get_context("fork")) as pool:
        for done in [pool.submit(run_lane, lane) for lane in lanes]:
            done.result()


def run_lane(lane):
    for function, *arguments in lane:
        function(*arguments)
