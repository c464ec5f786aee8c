"""Work that goes on beside the queue, in every worker: short rounds, again and again, each in a thread of its own."""

import logging
import threading
import time
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection

from backoffice.metrics import count

logger = logging.getLogger(__name__)
PAUSE_AFTER_ERROR_SECONDS = 5
LONGEST_STATEMENT = "5min"

# [(function, seconds between its rounds)]; a function returns whether there is more to do at once.
ROUNDS = []


def every(seconds, function):
    """Registers a function of the apps'; it has to bear that other workers run it, too."""
    ROUNDS.append((function, seconds))


@contextmanager
def alone(lock):
    """Whether this process may do a round now: of those that ask for the same lock (a number), one at a time does.

    Nobody waits for what it does: on a busy machine its statements may take longer than those of pages, else the round
    would fail there each time anew.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = '{LONGEST_STATEMENT}'")
        cursor.execute("select pg_try_advisory_lock(%s)", [lock])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s)", [lock])


def start():
    """Starts all; returns a function that stops them after their round."""
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=keep_going, args=(function, seconds, stop), daemon=True, name=function.__name__
        )
        for function, seconds in ROUNDS
    ]
    for thread in threads:
        thread.start()

    def end():
        stop.set()
        for thread in threads:
            thread.join(10)

    return end


def keep_going(function, seconds, stop):
    while not stop.is_set():
        pause, began, outcome = seconds, time.monotonic(), "done"
        try:
            if function():
                continue
        except (DatabaseError, InterfaceError):
            logger.warning("A round was not finished: the database did not go along.", exc_info=True)
            connection.close()
            pause, outcome = PAUSE_AFTER_ERROR_SECONDS, "database"
        except Exception:
            # The next round begins anew; the log has what was wrong with this one.
            logger.exception("A round failed.")
            pause, outcome = PAUSE_AFTER_ERROR_SECONDS, "error"
        finally:
            count.round_ended(function.__module__, outcome, time.monotonic() - began)
        stop.wait(pause)
    connection.close()


def once():
    """Does what there is to do now, here."""
    for function, _ in ROUNDS:
        while function():
            pass
