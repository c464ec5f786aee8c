"""Where a request reads: what the ORM is told, how far a replica is, which addresses are taken."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from backoffice.models import Recent, StaffSession, User
from backoffice.replicas.addresses import databases
from backoffice.replicas.choice import Router, current, reading, visiting, wrote
from backoffice.replicas.watching import Distance
from telephony.models import PhoneNumber
from tenants.models import Organization


class TestRouter:
    """Which connection the ORM asks, in a request that was given `replica1`."""

    @pytest.fixture
    def visit(self, settings):
        settings.REPLICAS = ["replica1"]
        with visiting() as visit:
            visit.replica = "replica1"
            yield visit

    def test_people_and_rights_are_asked_of_the_primary(self, visit):
        router = Router()
        assert router.db_for_read(PhoneNumber) == "replica1"
        assert {router.db_for_read(model) for model in (User, Group, StaffSession, Recent)} == {"default"}

    def test_what_was_read_from_a_replica_is_written_to_the_primary(self, visit):
        number = PhoneNumber()
        number._state.db = "replica1"
        assert Router().db_for_write(PhoneNumber, instance=number) == "default"
        assert Router().allow_relation(number, User())

    def test_rows_of_another_connection_stay_with_it(self, visit):
        number = PhoneNumber()
        number._state.db = "preview"
        assert Router().db_for_read(Organization, instance=number) is None
        assert Router().db_for_write(PhoneNumber, instance=number) is None

    def test_after_a_write_the_rest_of_the_request_reads_from_the_primary(self, visit):
        wrote()
        assert Router().db_for_read(PhoneNumber) == "default" and reading().alias == "default"

    def test_in_a_transaction_of_the_primary_everything_reads_there(self, visit, monkeypatch):
        assert current() == "replica1"
        monkeypatch.setattr(connections["default"], "in_atomic_block", True)
        assert current() == "default"


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([(100, 10, 100, 1)], 0),  # nothing written for long: the last transaction is old, and nothing lacks
        ([(100, 10, 100, None)], 0),  # nothing replayed since it started
        ([(100, 10, 90, 8)], 2),  # at the first look only that time tells
        ([(100, 10, 90, None)], float("inf")),
        ([(100, 10, 100, 1), (110, 11, 100, 1)], 1),  # the first write after an idle hour
        ([(100, 10, 100, 1), (110, 11, 100, 1), (110, 12, 100, 1)], 2),  # cut off, or paused
        (
            [(100, 10, 90, 1), (110, 11, 101, 1), (120, 12, 111, 1)],
            1,
        ),  # always a second behind, without commits
    ],
    ids=["idle", "started", "first", "unknown", "woken", "cut-off", "steady"],
)
def test_how_far_a_replica_is_behind(looks, seconds):
    distance = Distance()
    assert [distance.seconds(*look) for look in looks][-1] == seconds


@pytest.mark.parametrize(
    ("urls", "sentence"),
    [
        (
            "postgresql://backoffice@db/platform",
            "address 1 is that of the primary, or stands there twice",
        ),
        (
            "postgres://b@one/p,postgres://b@one:5432/p",
            "address 2 is that of the primary, or stands there twice",
        ),
        ("postgresql://b:hidden,too@one/p", "address 1 is not a connection string"),
        ("postgresql://b:p@one", "address 1 is not a connection string"),
    ],
    ids=["primary", "twice", "comma", "nameless"],
)
def test_addresses_that_cannot_be_meant_are_refused(urls, sentence):
    primary = {"HOST": "db", "NAME": "platform"}
    with pytest.raises(ImproperlyConfigured, match=sentence) as refused:
        databases(urls, primary)
    assert "hidden" not in str(refused.value)
