"""Whether the database answers, as this server process knows it, so that nobody waits long for one that is away.

A statement may take its time, but a living database says something to somebody: to this process (any connection
counts), or to a newcomer. A request that has heard nothing for a moment has one thread ask: it connects, again and
again, until it is let in. Until then

    silent   nothing is heard and the newcomer waits, too: requests that wait are given up, new ones are not begun
    away     nobody listens, or the server says that it starts or stops: new requests are not begun
    crowded  the server answers, and lets nobody in: what is connected works on, the others hardly wait

`silent` and `away` end the pool, and whoever waits for it; the next one is made when the database is back.
"""

import os
import re
import select
import threading
import time

import psycopg
from django.conf import settings

from backoffice.postgresql.waiting import WaitingConnection

QUIET_SECONDS = 0.25  # without a word for so long, somebody asks
AGAIN_SECONDS = 0.25  # between two attempts to get in
AGAIN_REFUSED_SECONDS = 1  # where the server itself refused: it need not be pestered
CONNECT_SECONDS = 2  # libpq's minimum; the verdict does not wait for it
# A connection that gives no answer to nothing is lost, whatever the database does: its path is.
CHECK_SECONDS = 0.5
# A connection that answered so lately, and on which the server said nothing since (it would say that it stops, and hang
# up), is not asked whether it lives: that would be one more round trip for each request.
LATELY_SECONDS = 1
# Statements end by statement_timeout after 15 seconds. A request whose connection gives no answer for this long waits
# for one that will not come.
LONGEST_SECONDS = 30

STARTS_OR_STOPS = "the database system is"
FULL = re.compile(r"too many|connection slots|max(imum)? ?client|no more connections", re.IGNORECASE)


class DatabaseAway(psycopg.OperationalError):
    """The database does not answer; known without asking it once more."""


class DatabaseFull(psycopg.OperationalError):
    """The database has no connection left for this process."""

    sqlstate = "53300"


class Pulse:
    def __init__(self):
        self.lock = threading.Lock()
        self.heard_at = 0.0
        self.unanswered_since = None
        self.away = False
        self.crowded = False
        self.is_full = False
        self.asking = False
        self.params = {}
        self.end_pool = lambda: None

    def heard(self):
        self.heard_at = time.monotonic()

    @property
    def is_silent(self):
        since = self.unanswered_since
        return since is not None and self.nothing_since(since)

    def nothing_since(self, moment):
        """Whether nothing was heard for too long, counted from a moment at the earliest."""
        return time.monotonic() - max(moment, self.heard_at) > settings.DATABASE_ANSWER_SECONDS

    @property
    def is_away(self):
        return self.away or self.is_silent

    def waiting(self, waited):
        """Called by one who has waited for `waited` seconds; returns whether that has no point any more."""
        if waited > QUIET_SECONDS and time.monotonic() - self.heard_at > QUIET_SECONDS:
            self.ask()
        return waited > QUIET_SECONDS + settings.DATABASE_ANSWER_SECONDS / 2 and self.is_silent

    def ask(self):
        """Has the database asked whether it is there, unless that is being done."""
        with self.lock:
            if self.asking:
                return
            self.asking = True
            self.unanswered_since = time.monotonic()
        threading.Thread(target=self.until_answered, daemon=True, name="pulse").start()

    def until_answered(self):
        while not self.is_let_in():
            time.sleep(AGAIN_REFUSED_SECONDS if self.crowded else AGAIN_SECONDS)
        with self.lock:
            self.away = self.crowded = self.is_full = self.asking = False
            self.unanswered_since = None

    def is_let_in(self):
        self.unanswered_since = self.unanswered_since or time.monotonic()
        try:
            psycopg.connect(**{**self.params, "connect_timeout": CONNECT_SECONDS}).close()
            return True
        except psycopg.Error as error:
            refused = "FATAL:" in str(error) and STARTS_OR_STOPS not in str(error)
            # A server that is too busy for newcomers, and answers others, is there.
            busy = isinstance(error, psycopg.errors.ConnectionTimeout) and not self.nothing_since(0)
            self.crowded = refused or busy
            self.is_full = bool(FULL.search(str(error)))
            self.away = not self.crowded
            if self.away:
                self.end_pool()
            else:
                self.unanswered_since = None
            return False


pulses = {}  # {alias of a database: its Pulse}
os.register_at_fork(after_in_child=pulses.clear)  # whoever asks is a thread of the parent


def pulse_of(alias):
    return pulses.get(alias) or pulses.setdefault(alias, Pulse())


class WatchedConnection(WaitingConnection):
    """A connection of the server's pool."""

    longest = LONGEST_SECONDS
    pulse = Pulse()  # that of its database, once the backend configures it
    heard_at = 0.0

    def heard(self):
        self.pulse.heard()
        self.heard_at = self.pulse.heard_at

    def hopeless(self, waited):
        if self.pulse.waiting(waited):
            return "The database does not answer."
        return "This connection does not answer." if waited > self.longest else ""

    def is_alive(self):
        """Whether somebody is at the other end, who answers soon."""
        if time.monotonic() - self.heard_at < LATELY_SECONDS and not self.has_news():
            return True
        self.longest = CHECK_SECONDS
        try:
            self.execute("")
        except psycopg.Error:
            self.pulse.ask()
            return False
        self.longest = LONGEST_SECONDS
        return True

    def has_news(self):
        """Whether the server said something that nobody has read, or hung up."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
