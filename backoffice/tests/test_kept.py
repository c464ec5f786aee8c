"""Statements of the ORM that are kept: the same rows as by the queryset, for every value."""

import uuid

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext

from agents.tests.factories import make_session
from backoffice import kept, keyset
from backoffice.page_model import with_names
from billing.models import CreditTransaction, UsageLog
from billing.tests.factories import make_posting, make_usage
from telephony.models import CallLog
from telephony.tests.factories import make_call
from tenants.models import Note, Organization
from tenants.tests.factories import make_note, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(kept, "KEPT", {})


def named(name):
    return Organization.objects.annotate(loud=Upper("name")).select_related("owner").filter(name=name)


def everything(row):
    relations = [field.name for field in row._meta.fields if field.name in row._state.fields_cache]
    return {**vars(row), "_state": None} | {name: everything(getattr(row, name)) for name in relations}


def test_rows_are_those_of_the_queryset_for_every_value():
    for name in ("one", "two", "it's 100%s"):
        make_organization(name=name)
    for name in ("one", "two", "it's 100%s", "nobody"):
        found = kept.rows("by name", named, name)
        assert [everything(row) for row in found] == [everything(row) for row in named(name)]
        assert [row.loud for row in found] == [name.upper()] * len(found)


def test_a_row_that_is_missing_at_the_end_of_a_relation_is_none():
    def calls_of(tenant):
        return with_names(CallLog.objects.filter(organization=tenant), "agent", "organization")

    call = make_call(agent=None)
    (row,) = kept.rows("calls", calls_of, call.organization_id)
    with CaptureQueriesContext(connection) as queries:
        assert row.agent is None and str(row.organization) == str(call.organization)
    assert not queries


def test_amounts_and_json_come_as_the_fields_have_them():
    posting = make_posting(amount="12.30")

    def postings_of(tenant):
        return CreditTransaction.objects.filter(organization=tenant)

    (row,) = kept.rows("postings", postings_of, posting.organization_id)
    assert everything(row) == everything(CreditTransaction.objects.get(pk=posting.pk))


def test_it_is_put_together_once():
    tenants, first = [make_organization() for _ in range(3)], None
    for tenant in tenants:
        assert kept.rows("one", lambda pk: Organization.objects.filter(pk=pk), tenant.pk) == [tenant]
        (statement,) = kept.KEPT.values()
        first = first or statement
        assert statement is first


def test_values_are_not_mistaken_for_what_is_part_of_the_statement():
    """The same text twice: as the reader's, and as the queryset's own."""

    def notes(text):
        return Note.objects.annotate(own=Value("same")).filter(text=text)

    note = make_note(text="same")
    assert kept.rows("notes", notes, "same")[0].own == "same"
    assert kept.rows("notes", notes, "other") == []
    assert kept.rows("notes", notes, "same") == [note]


@pytest.mark.parametrize("own", ["it's 100%s %% %(x)s", "\\ E\\'", "%", "{x}", '"', "$1", "日本"])
def test_what_is_part_of_the_statement_stays_what_it_is(own):
    def notes(text):
        return Note.objects.annotate(own=Value(own)).filter(text=text).exclude(organization_name=own)

    make_note(text="one"), make_note(text="two"), make_note(text="one", organization_name=own)
    assert [note.own for note in kept.rows("notes", notes, "one")] == [own]
    assert kept.count("notes", notes, "one") == 1
    assert kept.count("notes", notes, "three") == 0


def test_counting_stops_where_the_queryset_is_sliced():
    tenant = make_organization()
    for _ in range(3):
        make_note(organization=tenant)
    assert kept.count("two", lambda pk: Note.objects.filter(organization=pk).values("pk")[:2], tenant.pk) == 2


@pytest.mark.parametrize(
    "build",
    [
        lambda pk: Organization.objects.all(),  # does not ask for the value
        lambda pk: Organization.objects.filter(pk=pk).prefetch_related("agents"),
        lambda pk: Organization(pk=pk).agents.filter(organization=pk),  # each row would be given its tenant
        lambda pk: Organization.objects.using("default").filter(pk=pk),
    ],
)
def test_a_queryset_that_needs_more_than_its_statement_is_refused(build):
    with pytest.raises(ValueError):
        kept.rows("refused", build, uuid.uuid4())
    assert not kept.KEPT


def test_there_are_not_more_and_more_of_them(monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    for n in range(10):
        kept.rows(("one", n), lambda pk: Organization.objects.filter(pk=pk), uuid.uuid4())
        assert len(kept.KEPT) <= 3


def test_a_queryset_that_depends_on_the_request_fails_the_suite():
    """What testing.check_kept_statements() does for every page that a test opens."""
    for name in ("one", "two"):
        make_organization(name=name)
    kept.rows("named", lambda pk: named("one").filter(pk=pk), uuid.uuid4())
    with pytest.raises(AssertionError):
        kept.rows("named", lambda pk: named("two").filter(pk=pk), uuid.uuid4())


def test_the_same_parent_by_another_way_is_another_statement():
    """A shape says how a list is read, and not by which of two ways it was narrowed."""
    session = make_session()
    made = make_usage(agent=session.agent, session=None)
    options = {"descending": True, "size": 1, "params": {}, "shape": "usage"}
    tenant = session.agent.organization
    for path, found in (("agent__organization", [made]), ("session__agent__organization", [])):
        page = keyset.read_page(UsageLog.objects.filter(**{path: tenant}), F("id"), **options)
        assert page.rows == found, path


@pytest.mark.parametrize("by_index", [True, False])
@pytest.mark.parametrize("params", [{}, {"last": "1"}])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_by_a_kept_statement_are_those_without(params, descending, by_index):
    tenant, other = make_organization(), make_organization()
    for owner in (tenant, tenant, other, tenant):
        make_note(organization=owner)
    options = {
        "descending": descending,
        "size": 1,
        "by_index": by_index,
        "counting": keyset.Counting(False, 2),
    }
    for parent in (tenant, other):
        notes = Note.objects
        of_parent, of_owner = (
            notes.filter(organization=parent),
            notes.filter(organization__owner=parent.owner),
        )
        for rows in (notes.all(), of_parent, of_owner):
            place = params
            for _ in range(5):
                pages = [
                    keyset.read_page(rows, F("id"), params=place, shape=shape, **options)
                    for shape in (None, "notes")
                ]
                assert pages[0] == pages[1]
                assert pages[0].total == keyset.total(rows, filtered=False, limit=2)
                follow = pages[0].previous if params else pages[0].next
                if not follow:
                    break
                place = dict([follow.split("=", 1)])
