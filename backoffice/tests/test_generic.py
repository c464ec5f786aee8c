"""Parts of the generic pages that no single object shows: actions, sentences, addresses."""

from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver

from backoffice import generic, services
from backoffice.models import AuditEvent
from backoffice.services import integrity_sentence
from backoffice.testing_crud import check_page, form_values
from billing.models import Statement
from telephony.tests.factories import make_number
from tenants.models import Organization
from tenants.tests.factories import make_organization


def broken(state, **diag):
    error = IntegrityError("internal words")
    error.__cause__ = Exception()
    error.__cause__.sqlstate = state
    error.__cause__.diag = SimpleNamespace(constraint_name="x_key", **diag)
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (broken("23505"), "Another record has this value already; it must be unique."),
        (broken("23503"), "It refers to a record that does not exist (any more)."),
        (broken("23514", message_primary="Our own sentence."), "Our own sentence."),
        (broken("23514", message_primary=""), "The database does not accept this (x_key)."),
        (broken("23502"), "The database does not accept this; nothing was saved."),
        (IntegrityError("no cause"), "The database does not accept this; nothing was saved."),
    ],
)
def test_a_broken_constraint_is_a_sentence(error, sentence):
    assert integrity_sentence(error) == sentence


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil", "javascript:x", "\x00/", "", " "]
)
def test_next_leads_to_our_pages_only(target):
    assert generic.safe_next(RequestFactory().get("/", {"next": target}), "/home/") == "/home/"
    assert generic.safe_next(RequestFactory().get("/", {"next": "/jobs/?a=b"}), "/home/") == "/jobs/?a=b"


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("agents", 1, "1 agent"),
        ("agents", 5, "5 agents"),
        ("call_logs", 1000, "1,000 or more call logs"),
        ("credits", 1, "a credit balance other than zero"),
    ],
)
def test_what_stands_in_the_way_is_in_words(name, count, words):
    assert generic.blocker_words(name, count) == words


class TestActions:
    def test_what_was_typed_stays_when_it_is_refused(self, support_client):
        url = f"/telephony/numbers/{make_number().pk}/release/"
        response = support_client.post(url, {"reason": "x" * 501})
        assert 'id="id_reason_error"' in check_page(response, 422)
        assert form_values(response)["reason"] == "x" * 501

    def test_a_get_changes_nothing(self, support_client):
        number = make_number()
        check_page(support_client.get(f"/telephony/numbers/{number.pk}/release/"))
        number.refresh_from_db()
        assert number.is_active


class TestServices:
    def test_inside_an_outer_transaction_the_actor_is_taken_back(self, support):
        """A later write without an actor is refused: it cannot borrow the one before."""
        tenant = make_organization()
        tenant.name = "New"
        services.save(tenant, actor=support, reason="r")
        with pytest.raises(Exception, match="only with an actor"), transaction.atomic():
            Organization.objects.filter(pk=tenant.pk).update(name="Without")

    def test_a_save_that_changes_nothing_leaves_no_entry(self, support):
        tenant = Organization.objects.get(pk=make_organization().pk)
        services.save(tenant, actor=support, reason="r")
        assert not AuditEvent.objects.of(tenant).filter(source="app").exists()

    def test_one_object_is_saved_twice(self, support):
        """The time that a trigger kept meanwhile is not the actor's to write."""
        tenant = Organization.objects.get(pk=make_organization(updated_at="2020-01-01T00:00:00Z").pk)
        for name in ("Once", "Twice"):
            tenant.name = name
            services.save(tenant, actor=support, reason="r")
        assert AuditEvent.objects.of(tenant).first().changes == {"name": ["Once", "Twice"]}

    def test_columns_that_were_not_loaded_are_not_written(self, support):
        tenant = Organization.objects.only("name").get(pk=make_organization(name="Before").pk)
        tenant.name = "After"
        services.save(tenant, actor=support)
        assert AuditEvent.objects.of(tenant).first().changes == {"name": ["Before", "After"]}


def detail_views(patterns=None):
    for entry in patterns or get_resolver().url_patterns:
        if not isinstance(entry, URLPattern):
            yield from detail_views(entry.url_patterns)
        elif issubclass(getattr(entry.callback, "view_class", object), generic.DetailView):
            yield entry.callback.view_class


SETTLED = {"usage_cost", "call_cost", "estimated_cost", "late_cost", "amount"}


@pytest.mark.parametrize("view", list(detail_views()), ids=lambda view: view.__name__)
def test_a_record_shows_every_column(view):
    """A column that a page forgets is one that nobody will ever see."""
    names = [name for group in view.fields for name in (group[1] if isinstance(group, tuple) else [group])]
    shown = set(names)
    elsewhere = {
        "User": {"is_staff", "is_superuser", "password"},
        "HealthFinding": {"is_more", "url", "position"},  # in "rows", the link, the order of the list
        "AgentSession": {"conversation_history", "context_data"},
        "AgentMessage": {"content", "audio_url"},
        "ChatMessage": {"text"},
        "CallLog": {"duration_seconds", "recording_url"},
        "Conflict": {"organization", "organization_name", "number", "partner_id", "subject_id", "place"},
        "Adoption": {"actor_id"},
        "BulkPosting": {"name", "row_count", "left_out", "amount", "requested_by", "decided_by", "job"},
        "CreditTransaction": {"actor_id"},
        "ReconciliationRun": {"actor", "found"},
        "Settlement": {"actor_id"},
        "SettlementDay": {"actor_id", "organizations", *SETTLED},
        "Statement": {field.name for field in Statement._meta.concrete_fields},  # a sheet of its own
        "CreditRequest": {"balance_before", "requested_by", "decided_by"},
        "Note": {"author", "organization_name"},
        "AttentionItem": {"organization_name", "position", "done_by"},
        "AuditEvent": {"id", "organization", "actor_id", "old", "new"},
        "ReadLog": {"id", "organization", "actor_id"},
        "Sample": {"name", "query", "owner"},  # the title, "filter" and who drew it
        # Its title, its rows, links to its list and jobs, and who asked for it.
        "SettingChange": {"deeds", "row_ids", "list_query", "check_job", "job", "owner"},
    }.get(view.model.__name__, set())
    assert {field.name for field in view.model._meta.concrete_fields} - shown <= elsewhere
