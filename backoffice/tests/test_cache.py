import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection

from backoffice.faults import READ_ONLY, fault_of


def test_a_key_that_is_there_is_not_added_twice(db):
    assert cache.add("one", 1) and not cache.add("one", 2) and cache.get("one") == 1


def test_a_read_only_database_is_told_from_a_key_that_is_there(db):
    with connection.cursor() as cursor:
        cursor.execute("set transaction read only")
    with pytest.raises(DatabaseError) as raised:
        cache.add("one", 1)
    assert fault_of(raised.value) == READ_ONLY
