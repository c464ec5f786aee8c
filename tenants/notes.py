"""What the staff does with its notes on a tenant."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice import services
from tenants.models import Note, Organization

MOST_PINNED = 5


def add_note(note, *, actor, reason=""):
    """Insert a note, of which text, ticket and organization are set, as the actor's. Returns it."""
    note.organization_name = note.organization.name
    note.author_id, note.author_name = actor.pk, str(actor)
    return services.save(note, actor=actor, reason=reason)


@transaction.atomic
def edit_note(note, *, actor, reason="", opened):
    """Write what changed in text and ticket. Raises services.Conflict as services.save does."""
    stored = Note.objects.select_for_update().get(pk=note.pk)
    if services.changed_fields(stored, note):
        note.edited_at = timezone.now()
        # The time goes with the text: it is no field of the form, so nothing that could have been changed meanwhile.
        opened = opened | services.snapshot(stored, ["edited_at"])
    return services.save(note, actor=actor, reason=reason, opened=opened)


def delete_note(note, *, actor, reason):
    """Delete a note. What it said stays in the audit."""
    with services.acting(actor, reason):
        note.delete()


@transaction.atomic
def pin_note(note, *, actor, reason=""):
    """Keep a note on top of its tenant's page. Raises ValidationError where MOST_PINNED are pinned already."""
    list(
        Organization.objects.select_for_update(no_key=True).filter(pk=note.organization_id)
    )  # one pins at a time
    note = Note.objects.select_for_update().get(pk=note.pk)
    if note.pinned_at is None:
        if Note.objects.pinned().filter(organization=note.organization_id).count() >= MOST_PINNED:
            raise ValidationError(f"{MOST_PINNED} notes are pinned already: unpin one of them first.")
        note.pinned_at = timezone.now()
    return services.save(note, actor=actor, reason=reason)


@transaction.atomic
def unpin_note(note, *, actor, reason=""):
    note = Note.objects.select_for_update().get(pk=note.pk)
    note.pinned_at = None
    return services.save(note, actor=actor, reason=reason)


def pinned_notes(organization, user):
    """The part of the tenant page's head with the pinned notes, newest first; None without any."""
    notes = list(Note.objects.of(organization).pinned()) if user.has_perm("tenants.view_note") else []
    return {"template": "tenants/desk/pinned_notes.html", "notes": notes} if notes else None
