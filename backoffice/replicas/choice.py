"""Where the page that is being made reads from: the primary, unless its request was given a replica."""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

# Of other apps (accounts, sessions, permissions, the queue) everything is read where it is written.
APPS = {"backoffice", "tenants", "agents", "telephony", "billing"}
# Who somebody is; and what is written by merely opening a page, and looked at the next moment.
ON_PRIMARY = {
    "backoffice.user",
    "backoffice.recent",
    "backoffice.staffsession",
    "backoffice.invitation",
    "backoffice.signin",
}


@dataclass
class Visit:
    """One request. It reads from `replica` ("" for the primary); `wrote` says that what follows has to see its work."""

    replica: str = ""
    wrote: bool = False


_visit = ContextVar("visit", default=None)


@contextmanager
def visiting():
    """The time of one request; gives its Visit."""
    visit = Visit()
    token = _visit.set(visit)
    try:
        yield visit
    finally:
        _visit.reset(token)


def current():
    """The alias to read from. Inside a transaction of the primary that is the primary."""
    visit = _visit.get()
    if visit is None or not visit.replica or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    return visit.replica


def reading():
    """The connection on which the page that is being made reads; for SQL of one's own; the ORM asks the Router."""
    return connections[current()]


def wrote():
    """Says that this request writes, or shows what a job wrote for this person.

    From here on it reads from the primary, and so do the person's next requests until a replica has it too.
    """
    if visit := _visit.get():
        visit.wrote, visit.replica = True, ""


class Router:
    """Writes go to the primary; reads go where the request reads, but of accounts, sessions and the like.

    Rows that were read over some other connection stay with it.
    """

    def db_for_read(self, model, instance=None, **hints):
        if not is_ours(instance):
            return None
        meta = model._meta
        if meta.app_label not in APPS or meta.label_lower in ON_PRIMARY:
            return DEFAULT_DB_ALIAS
        return current()

    def db_for_write(self, model, instance=None, **hints):
        return DEFAULT_DB_ALIAS if is_ours(instance) else None

    def allow_relation(self, one, other, **hints):
        return True if is_ours(one) and is_ours(other) else None

    def allow_migrate(self, db, app_label, **hints):
        return False if db in settings.REPLICAS else None


def is_ours(instance):
    """Whether a row, or none, is of the primary or of a replica."""
    return instance is None or instance._state.db in (None, DEFAULT_DB_ALIAS, *settings.REPLICAS)
