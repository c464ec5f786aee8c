"""Django's PostgreSQL backend, with what every connection of ours needs.

Role settings may get lost behind a pooler, so each connection sets them when it is opened (once, not at
every checkout from the pool).
"""

import datetime as dt
import time

from django.conf import settings
from django.db.backends.postgresql import base, operations
from django.db.backends.postgresql.psycopg_any import BaseTzLoader, IsolationLevel
from psycopg import DataError, OperationalError
from psycopg.errors import FeatureNotSupported
from psycopg.types.datetime import DateLoader, DatetimeDumper
from psycopg_pool import PoolTimeout

from backoffice.logs import request_id
from backoffice.postgresql.pulse import DatabaseAway, DatabaseFull, WatchedConnection, pulse_of
from backoffice.postgresql.tally import counted

PREVIEW = "preview"  # the alias in DATABASES
SESSION_SETTINGS = (
    "set search_path = backoffice, public;"
    "set timezone = 'UTC';"
    "set statement_timeout = '15s';"
    "set idle_in_transaction_session_timeout = '60s';"
    "set lock_timeout = '5s'"
)

# Of the login of the tenant's view (db/preview.sql): nothing of ours is in sight, and nothing is written.
PREVIEW_SETTINGS = (
    "set search_path = public;"
    "set timezone = 'UTC';"
    "set default_transaction_read_only = on;"
    "set statement_timeout = '10s';"
    "set idle_in_transaction_session_timeout = '30s';"
    "set lock_timeout = '2s'"
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
        text = str(data, "ascii")
        if text.endswith(
            "+00"
        ):  # every time there is, but those that Python does not know: a quarter of the work
            try:
                return dt.datetime.fromisoformat(text)
            except ValueError:
                pass
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


# Of what is small: to start processes for it would take longer than to do it.
ALONE = ("select set_config('max_parallel_workers_per_gather', '0', true)", ())


class PreparedCursor(base.ServerBindingCursor):
    def execute(self, query, params=None):
        try:
            return super().execute(query, params)
        except FeatureNotSupported:
            # A column has got another type under a running server, and the plan is of the one before. Outside of a
            # transaction, as every page begins, it can be asked without a plan.
            return super().execute(query, params, prepare=False)


class TogetherCursor(PreparedCursor):
    """Sends several statements in one go, each of which is planned once, and waits once; see read_together()."""

    results = ()

    def execute(self, query, reads):
        try:
            with self.connection.pipeline():
                # Not PreparedCursors: the answer to one may come while another is sent, which is then not the one to
                # be asked again.
                cursors = [base.ServerBindingCursor(self.connection) for _ in reads]
                for cursor, read in zip(cursors, reads, strict=True):
                    cursor.execute(*read)
                self.results = [cursor.fetchall() for cursor in cursors]
        except FeatureNotSupported:  # as above
            self.results = [super(TogetherCursor, self).execute(*read).fetchall() for read in reads]
        return self


# Statements whose plans a connection keeps. Fifty kinds of pages prepare a hundred, psycopg's own limit, beyond which
# each new one would push out another.
PREPARED_MAX = 300
POOL_SECONDS = 0.8  # the longest wait for a connection of the pool
CROWDED_SECONDS = 0.1  # the same when it is known that the server gives no more of them


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor, sql, params):
        """For the log of queries; psycopg keeps no text of a prepared one."""
        if isinstance(cursor, TogetherCursor):
            return ";\n".join([self.compose_sql(*read) for read in params])
        return super().last_executed_query(cursor, sql, params) or self.compose_sql(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    # The request (its id) in which this thread last sent a commit, whatever became of it.
    committed_in = ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(counted)

    def _commit(self):
        self.committed_in = request_id.get()
        super()._commit()

    def prepared_cursor(self):
        """A cursor for statements that every page asks: the server plans each once per connection, which takes longer
        than to answer it. Parameters are sent beside the text, so their types have to be plain from it; columns are
        named, as no plan of `select *` holds once its table has got another one.
        """
        return self._prepared(PreparedCursor)

    def read_together(self, reads):
        """The rows of each of the (statement, parameters), asked in one go as by prepared_cursor(): a page that reads
        ten things waits once. None of them runs in several processes, as each is small; together they see one moment
        no more than they would one by one. It counts as one query.
        """
        if not reads:
            return []
        with self._prepared(TogetherCursor) as cursor:
            cursor.execute("several", [ALONE, *reads])
            return cursor.results[1:]

    def _prepared(self, kind):
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(kind(self.connection))

    def get_new_connection(self, conn_params):
        if self.pool:
            self.isolation_level = IsolationLevel.READ_COMMITTED
            self.pulse.params, self.pulse.end_pool = conn_params, self.end_pool
            return self.pooled()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError as error:
            if settings.EMBEDDED and not settings.TESTING:
                raise OperationalError(
                    f"The demo's database runs only while `make run` does. ({error})"
                ) from error
            raise

    @property
    def pulse(self):
        return pulse_of(self.alias)

    def pooled(self):
        """A connection of the pool; fails within a second, and at once while the database is known to be away."""
        deadline, pulse = time.monotonic() + POOL_SECONDS, self.pulse
        while not pulse.is_away:
            pool = self.pool
            try:
                pool.open()
                left = CROWDED_SECONDS if pulse.crowded else max(0.01, deadline - time.monotonic())
                connection = pool.getconn(left)
            except PoolTimeout as error:
                pulse.ask()
                stats = pool.get_stats()
                used_up = pulse.is_full or stats["pool_size"] == stats["pool_max"]
                raise (DatabaseFull if used_up else DatabaseAway)(str(error)) from error
            except OperationalError:
                continue  # the pool was ended just now
            if connection.is_alive():
                return connection
            pool.putconn(connection)
            self.end_pool(pool)  # it was idle and died: those beside it are not trusted either
        raise DatabaseAway("The database does not answer.")

    def end_pool(self, pool=None):
        """Gives up a pool, else the one there is: who waits for it fails now, what is in use is closed later."""
        current = self._connection_pools.get(self.alias)
        if current and (pool is None or pool is current):
            self._connection_pools.pop(self.alias, None)
            current.close(timeout=0)

    def renew_pool(self):
        """Has the next requests connect anew; does nothing where there is no pool."""
        if self.settings_dict["OPTIONS"].get("pool"):
            self.end_pool()

    def _configure_connection(self, connection):
        if isinstance(connection, WatchedConnection):
            connection.pulse = self.pulse
        super()._configure_connection(connection)
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        connection.adapters.register_loader("date", SafeDateLoader)
        connection.adapters.register_dumper(dt.datetime, InfiniteDatetimeDumper)
        connection.execute(PREVIEW_SETTINGS if self.alias == PREVIEW else SESSION_SETTINGS)
        connection.prepare_threshold = 0  # for prepared_cursor(); Django's other cursors prepare nothing
        connection.prepared_max = PREPARED_MAX
        return True
