"""Reading as a tenant: what the browser app of one login may see, decided by the database.

The connection is that of role `backoffice_preview` (db/preview.sql), which has no right of its own. For one read-only
transaction it takes the role `authenticated` and the claims of a login, as the Data API does for each request, so
grants and row level security answer as they answer the tenant. Queries say `.using(PREVIEW)`.
"""

import json
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, ProgrammingError, connections, transaction

from backoffice.postgresql.base import PREVIEW

DENIED, CANCELED = "42501", "57014"


class NotPermitted(Exception):
    """The tenant may not read this; the message is what the database said, without details."""


class TooLong(NotPermitted):
    """The database gave up: the tenant's app would wait in vain, too."""


def is_offered():
    """Whether this installation has the login that it takes (PREVIEW_DATABASE_URL)."""
    return settings.HAS_PREVIEW


@contextmanager
def as_tenant(login_id):
    """A read-only transaction on the connection PREVIEW, in which the database takes us for this login.

    Everything that is read has to be read before it ends: then the connection is closed, with all that was set on it.
    Raises RuntimeError inside another transaction, whose writes would seem to belong to what is looked at.
    """
    if not is_offered():
        raise RuntimeError("PREVIEW_DATABASE_URL is not set.")
    connection = connections[PREVIEW]
    if connection.in_atomic_block or transaction.get_connection().in_atomic_block:
        raise RuntimeError("The tenant's view is read outside of every other transaction.")
    claims = {"sub": str(login_id), "role": "authenticated", "aud": "authenticated"}
    try:
        with transaction.atomic(using=PREVIEW), connection.cursor() as cursor:
            cursor.execute("set transaction read only")
            cursor.execute("set local role authenticated")
            # From this first query on, the transaction cannot be made one that writes.
            cursor.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('request.headers', '{}', true)",
                [json.dumps(claims)],
            )
            yield
    finally:
        connection.close()


@contextmanager
def permitted():
    """Inside as_tenant(): what the database refuses becomes NotPermitted or TooLong, and the transaction goes on."""
    try:
        with transaction.atomic(using=PREVIEW):
            yield
    except (ProgrammingError, OperationalError) as error:
        cause = error.__cause__
        state = getattr(cause, "sqlstate", None)
        if state == DENIED:
            raise NotPermitted(cause.diag.message_primary) from error
        if state == CANCELED:
            raise TooLong("it took too long") from error
        raise
