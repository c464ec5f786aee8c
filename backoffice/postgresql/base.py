"""Django's PostgreSQL backend, with what every connection of ours needs.

Role settings may get lost behind a pooler, so each connection sets them when it is opened (once, not at
every checkout from the pool).
"""

import datetime as dt

from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import DataError, OperationalError
from psycopg.types.datetime import DateLoader, DatetimeDumper

from backoffice.postgresql.tally import counted

SESSION_SETTINGS = (
    "set search_path = backoffice, public;"
    "set timezone = 'UTC';"
    "set statement_timeout = '15s';"
    "set idle_in_transaction_session_timeout = '60s';"
    "set lock_timeout = '5s'"
)

# What 'infinity' and years Python does not know become. A day inside Python's range, so that they can be
# shown in any time zone; written back (or compared in a query) they are 'infinity' again.
INFINITE_FUTURE = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
INFINITE_PAST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)


def _is_past(data):
    text = bytes(data)
    return text.startswith(b"-") or text.endswith(b"BC")


class TimestamptzLoader(BaseTzLoader):
    timezone = dt.UTC

    def load(self, data):
        try:
            return super().load(data)
        except (DataError, OverflowError):
            return INFINITE_PAST if _is_past(data) else INFINITE_FUTURE


class SafeDateLoader(DateLoader):
    def load(self, data):
        try:
            return super().load(data)
        except DataError:
            return (INFINITE_PAST if _is_past(data) else INFINITE_FUTURE).date()


class InfiniteDatetimeDumper(DatetimeDumper):
    def dump(self, obj):
        if obj == INFINITE_FUTURE:
            return b"infinity"
        if obj == INFINITE_PAST:
            return b"-infinity"
        return super().dump(obj)


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(counted)

    def get_new_connection(self, conn_params):
        try:
            return super().get_new_connection(conn_params)
        except OperationalError as error:
            if settings.EMBEDDED and not settings.TESTING:
                raise OperationalError(
                    f"The demo's database runs only while `make run` does. ({error})"
                ) from error
            raise

    def _configure_connection(self, connection):
        super()._configure_connection(connection)
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        connection.adapters.register_loader("date", SafeDateLoader)
        connection.adapters.register_dumper(dt.datetime, InfiniteDatetimeDumper)
        connection.execute(SESSION_SETTINGS)
        return True
