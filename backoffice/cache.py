"""The cache in the database, which counts tries to sign in and holds which codes were used."""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache as DjangosCache


class DatabaseCache(DjangosCache):
    """Django's takes every write that failed for one that somebody else did first: on a read-only database a sign-in
    waited for its turn to be counted, and was refused as one try too many.
    """

    def _base_set(self, mode, key, value, timeout=DEFAULT_TIMEOUT):
        done = super()._base_set(mode, key, value, timeout)
        if not done:
            # Deletes nothing, and raises what keeps the database from being written to.
            self._base_delete_many([f"{key}:nothing"])
        return done
