"""How far each replica is, measured once a second in each server process while pages ask for it.

A place in the primary's log of changes (LSN) is a number here. What is kept in memory is a measurement: any process
finds it anew within a second, and until then reads from the primary.
"""

import logging
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import cache

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from backoffice.replicas.connection import ReplicaConnection

log = logging.getLogger(__name__)

EVERY_SECONDS = 1
# A replica that says nothing for so long is gone: whoever waits for it stops waiting.
ANSWER_SECONDS = 2
# A measurement that is older says nothing any more.
VALID_SECONDS = 5
# After a page that could not be read.
OUT_SECONDS = 3
# Without a page that asks, the measuring ends.
IDLE_SECONDS = 60
KEPT_SAMPLES = 300
BEYOND = (1 << 64) - 1  # a place that no replica reaches

PRIMARY = "select pg_current_wal_flush_lsn()::text, extract(epoch from clock_timestamp())::float8"
WRITTEN = "select pg_current_wal_insert_lsn()::text"
REPLICA = """
select pg_is_in_recovery(), pg_last_wal_replay_lsn()::text,
       extract(epoch from pg_last_xact_replay_timestamp())::float8
"""


def lsn(text):
    """The number of a place such as 16/B374D848."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


@dataclass(frozen=True)
class Measurement:
    """At `at` (monotonic) the replica had all changes up to `replayed`, and lacked at most `lag` seconds of them."""

    at: float
    replayed: int
    lag: float


class Distance:
    """How many seconds a replica is behind, at most.

    The time of the last change that it replayed does not tell: where nothing is written that time is old, and nothing
    lacks. That it replayed all it received does not tell either: it may be cut off. So its place is compared with where
    the primary was at each look before. All times are of the primary's clock.
    """

    def __init__(self):
        self._samples = deque(maxlen=KEPT_SAMPLES)  # (place, time) of the primary that were not reached yet
        self._reached_at = None  # up to then nothing lacks

    def seconds(self, written, now, replayed, replayed_at):
        """`written` is the primary's place at `now`, `replayed` the replica's; `replayed_at` the time of the last
        transaction in it, or None.
        """
        self._samples.append((written, now))
        while self._samples and self._samples[0][0] <= replayed:
            self._reached_at = self._samples.popleft()[1]
        if not self._samples:
            return 0.0
        known = [at for at in (self._reached_at, replayed_at) if at is not None]
        return now - max(known) if known else float("inf")


class Replica:
    def __init__(self, alias):
        self.alias = alias
        self.measurement = None
        self.is_gone = False  # it did not answer when it was asked last
        self.problem = "it was not measured yet"
        self._asked_at = None  # monotonic, while an answer is awaited
        self._distance = Distance()
        self._wanted_at = self._out_until = 0.0
        self._thread = None
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._connection = None

    # For requests

    def serves(self, place):
        """Whether a page may be read here by somebody who has to see everything up to `place`."""
        self._keep_watching()
        found = self.measurement
        return (
            found is not None
            and time.monotonic() >= self._out_until
            and time.monotonic() - found.at < VALID_SECONDS
            and not self.silent()
            and found.lag <= settings.REPLICA_MAX_LAG_SECONDS
            and found.replayed >= place
        )

    def silent(self):
        """Whether an answer is overdue."""
        asked_at = self._asked_at
        return asked_at is not None and time.monotonic() - asked_at > ANSWER_SECONDS

    def gives_up(self):
        """Whether statements that wait for this replica are to end."""
        return self.is_gone or self.silent()

    def failed(self):
        """A page could not be read here: for some seconds nobody tries again, and it is measured at once."""
        self._out_until = time.monotonic() + OUT_SECONDS
        self._woken.set()

    # The measuring

    def _keep_watching(self):
        self._wanted_at = time.monotonic()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._watch, name=self.alias, daemon=True)
                    self._thread.start()

    def _watch(self):
        try:
            while time.monotonic() - self._wanted_at < IDLE_SECONDS:
                self._woken.clear()
                self.look()
                self._woken.wait(EVERY_SECONDS)
        finally:
            self._close()
            self.measurement = self._thread = None  # the next page that asks begins anew

    def look(self):
        """One measurement; what is wrong is logged when it begins and when it ends."""
        try:
            self.measurement, problem = self._measure()
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            self.measurement, problem = None, f"it does not answer ({type(error).__name__})"
            self.is_gone = self._asked_at is not None
            if not self.is_gone:
                problem = "the primary does not answer"
            self._asked_at = None
            self._close()
        if problem != self.problem:
            if problem:
                log.warning("%s is not read from: %s", self.alias, problem)
            else:
                log.info("%s is read from", self.alias)
            self.problem = problem

    def _measure(self):
        """(Measurement, "") or (None, what is wrong)."""
        written, now = self._primary()
        self._asked_at = time.monotonic()
        in_recovery, replayed, replayed_at = self._connect().execute(REPLICA).fetchone()
        self._asked_at, self.is_gone = None, False
        if not in_recovery or replayed is None:
            return None, "it is no replica (any more)"
        place = lsn(replayed)
        lag = self._distance.seconds(written, now, place, replayed_at)
        problem = "" if lag <= settings.REPLICA_MAX_LAG_SECONDS else "it is too far behind"
        return Measurement(time.monotonic(), place, lag), problem

    def _primary(self):
        connection = connections["default"]
        try:
            with connection.cursor() as cursor:
                cursor.execute(PRIMARY)
                place, now = cursor.fetchone()
        finally:
            connection.close()  # back to the pool
        return lsn(place), now

    def _connect(self):
        """A connection of the watch's own, so that it never waits for one that pages have taken."""
        if self._connection is None:
            parameters = {**connections[self.alias].get_connection_params(), "autocommit": True}
            self._connection = ReplicaConnection.connect(**parameters)
            self._connection.gives_up = self.silent
        return self._connection

    def _close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@cache
def replicas():
    """{alias: Replica} of this process."""
    return {alias: Replica(alias) for alias in settings.REPLICAS}


def choose(place):
    """The alias of a replica that has everything up to `place`, or "" for the primary."""
    usable = [alias for alias, replica in replicas().items() if replica.serves(place)]
    return random.choice(usable) if usable else ""


def written():
    """A place in the log behind everything that was committed so far; asks the primary."""
    with connections["default"].cursor() as cursor:
        cursor.execute(WRITTEN)
        return lsn(cursor.fetchone()[0])
