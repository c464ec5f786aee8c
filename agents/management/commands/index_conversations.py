import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from agents.conversations import index
from agents.conversations.filling import drop_indexes
from agents.models import Conversation, IndexedTurn
from backoffice.background import LONGEST_STATEMENT, alone

MOST_PROCESSES = 4


class Command(BaseCommand):
    help = (
        "Builds the list of conversations and the search index (docs/transcript-search.md), or catches up if they "
        "are built. The worker does the same by itself, more slowly. Interrupted, it goes on where it stopped; the "
        "platform is not held up."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--rebuild", action="store_true", help="read everything again and correct what differs"
        )
        parser.add_argument(
            "--anew",
            action="store_true",
            help="empty the search index and fill it again, quicker than --rebuild; meanwhile searches find less",
        )
        parser.add_argument("--status", action="store_true", help="only say how far the index is")
        parser.add_argument(
            "--processes",
            type=int,
            default=min(MOST_PROCESSES, os.cpu_count() or 1),
            help="that read at a time (one per processor)",
        )

    def handle(self, *, rebuild, anew, status, processes, **options):
        if status:
            self.stdout.write(describe(index.state()))
            return
        with readers(processes) as read:
            self.set_up(rebuild, anew)
            began = reported = time.monotonic()
            while index.follow(read, at_once=index.AT_ONCE * processes):
                if time.monotonic() - reported > 5:
                    reported = time.monotonic()
                    self.stdout.write(f"{describe(index.state())} after {reported - began:.0f} s")
        for model in (Conversation, IndexedTurn):
            run(f"analyze {model._meta.db_table}")
        self.stdout.write(self.style.SUCCESS(describe(index.state())))

    def set_up(self, rebuild, anew):
        while not self.begin(rebuild, anew):
            self.stdout.write("The worker is at it; waiting …")
            time.sleep(2)

    def begin(self, rebuild, anew):
        """Whether this process may write now; then everything is ready to be read."""
        with alone(index.FOLLOWER) as mine:
            if mine and anew:
                run(f"truncate {IndexedTurn._meta.db_table}")
            if mine and (rebuild or anew):
                index.begin_comparison(anew)
            if mine:
                drop_indexes()
            return mine


@contextmanager
def readers(count):
    """Gives a function like index.refresh, behind which `count` processes read at a time."""
    if count <= 1:
        yield index.refresh
        return
    connection.close()
    with ProcessPoolExecutor(
        count, mp_context=get_context("fork"), initializer=begin_to_read, initargs=[os.getpid()]
    ) as pool:
        # They are made now, while there is no connection that they would share.
        wait([pool.submit(time.sleep, 0.2) for _ in range(count)])

        def read(store, ids):
            shares = [ids[begin : begin + index.AT_ONCE] for begin in range(0, len(ids), index.AT_ONCE)]
            try:
                for done in [pool.submit(index.refresh, store, share, beside=True) for share in shares]:
                    done.result()
            except BrokenProcessPool as error:
                raise CommandError(
                    "One of the processes that read was ended. Run it again: it goes on where it stopped."
                ) from error

        yield read


def begin_to_read(parent):
    end_with_parent(parent)
    run(f"set statement_timeout = '{LONGEST_STATEMENT}'")  # of this process's own connection


def end_with_parent(parent):
    """A reader would else wait for more for ever, should the process that gives it work be killed."""

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def describe(state):
    if state.position is not None or state.built_at is None:
        share = f" ({100 * state.done // state.total} %)" if state.total else ""
        return f"{state.done:,} of about {state.total:,} conversations read{share}"
    return f"Built; caught up at {state.caught_up_at:%Y-%m-%d %H:%M:%S} UTC"
