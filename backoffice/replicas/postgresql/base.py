"""The back office's PostgreSQL backend for a read replica: read-only, and nobody waits for one that is gone."""

from django.db.backends.postgresql import base as django_base

from backoffice.postgresql import base
from backoffice.replicas.connection import ReplicaConnection
from backoffice.replicas.watching import replicas

READ_ONLY = "set default_transaction_read_only = on"


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        # Django's own: what ours does about a database that is away is meant for the primary.
        return django_base.DatabaseWrapper.get_new_connection(self, conn_params)

    def _configure_connection(self, connection):
        super()._configure_connection(connection)
        connection.execute(READ_ONLY)
        if isinstance(connection, ReplicaConnection):  # not those of commands, which have no pool
            connection.gives_up = replicas()[self.alias].gives_up
        return True
