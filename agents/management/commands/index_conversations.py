import time

from django.core.management.base import BaseCommand
from django.db import connection

from agents.conversations import index

ANALYZE = ("agents_conversation", "agents_indexedturn")


class Command(BaseCommand):
    help = (
        "Builds the list of conversations and the search index (docs/transcripts.md), or catches up if they are built. "
        "The worker does the same by itself, more slowly. Interrupted, it goes on where it stopped; the platform "
        "is not held up."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--rebuild", action="store_true", help="read everything again and correct what differs"
        )
        parser.add_argument("--status", action="store_true", help="only say how far the index is")

    def handle(self, *, rebuild, status, **options):
        if status:
            self.stdout.write(describe(index.state()))
            return
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")
        with index.alone() as mine:
            while not mine:
                self.stdout.write("The worker is at it; waiting …")
                time.sleep(2)
                with index.alone() as mine:
                    pass
        if rebuild:
            index.begin_comparison()
        empty = self.is_empty()
        if empty:  # filled first and indexed then takes a fraction of the time
            self.run("drop index if exists turn_words")
        try:
            self.build()
        finally:
            if empty:
                self.stdout.write("Indexing the words …")
                self.run("create index if not exists turn_words on agents_indexedturn using gin (words)")
        for table in ANALYZE:
            self.run(f"analyze {table}")
        self.stdout.write(self.style.SUCCESS(describe(index.state())))

    def build(self):
        began = reported = time.monotonic()
        while index.follow():
            if time.monotonic() - reported > 5:
                reported = time.monotonic()
                self.stdout.write(f"{describe(index.state())} after {reported - began:.0f} s")

    def is_empty(self):
        with connection.cursor() as cursor:
            cursor.execute("select not exists (select from agents_indexedturn)")
            return cursor.fetchone()[0]

    def run(self, sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)


def describe(state):
    if state.position is not None or state.built_at is None:
        share = f" ({100 * state.done // state.total} %)" if state.total else ""
        return f"{state.done:,} of about {state.total:,} conversations read{share}"
    return f"Built; caught up at {state.caught_up_at:%Y-%m-%d %H:%M:%S} UTC"
