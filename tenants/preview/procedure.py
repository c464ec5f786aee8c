"""Beginning and ending a tenant's view. Each is an entry of the read log, and of the tenant's timeline."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice import services
from backoffice.preview import is_offered
from tenants.models import Organization, Preview
from tenants.services import Login, find_logins

OTHERS_LOGGED = 20
BY_ITSELF = "The time was over."


def owner_login(organization):
    """The Login that owns a tenant; None where it was deleted: the organization still names it."""
    found = find_logins(str(organization.owner_id))
    return next((login for login in found if str(login.id) == str(organization.owner_id)), None)


def begin_preview(organization, *, actor, reason, login=None):
    """See as `login` (a Login; the owner's, if None) for PREVIEW_MINUTES. Returns the Preview.

    One that the actor has open ends. Raises ValidationError where the view is not set up.
    """
    if not is_offered():
        raise ValidationError("The tenant's view is not set up here.")
    login = login or owner_login(organization) or Login(organization.owner_id, None, None)
    now = timezone.now()
    with services.acting(actor, reason):
        get_user_model().objects.select_for_update().get(pk=actor.pk)  # one at a time per person
        before = Preview.objects.open().filter(actor=actor).first()
        if before:
            close(before, now)
        preview = Preview.objects.create(
            organization=organization,
            organization_name=organization.name[:255],
            login_id=login.id,
            login_name=(login.email or "")[:320],
            reason=reason,
            actor=actor,
            actor_name=str(actor)[:310],
            expires_at=now + timedelta(minutes=settings.PREVIEW_MINUTES),
        )
        if before:
            log_end(before, actor)
        detail = f"Began as login {login.id}, until {preview.expires_at:%Y-%m-%d %H:%M} UTC"
        seen = Organization.objects.filter(owner_id=login.id).exclude(pk=organization.pk)[:OTHERS_LOGGED]
        for tenant in [organization, *seen]:  # who owns several tenants is shown all of them
            services.log_read(
                "preview", tenant, actor=actor, organization_id=tenant.pk, reason=reason, detail=detail
            )
    return preview


def end_preview(preview, *, actor):
    """Ends it now; one that is over already gets the end it had."""
    with services.acting(actor, preview.reason):
        preview = Preview.objects.select_for_update().get(pk=preview.pk)
        if preview.ended_at is None:
            close(preview, timezone.now())
            log_end(preview, actor)
    return preview


def close(preview, now):
    preview.ended_at = min(now, preview.expires_at)
    preview.save(update_fields=["ended_at"])


def log_end(preview, actor):
    minutes = round((preview.ended_at - preview.began_at).total_seconds() / 60)
    tenant = Organization(pk=preview.organization_id, name=preview.organization_name)
    tenant._state.adding = False
    services.log_read(
        "preview",
        tenant,
        actor=actor,
        organization_id=preview.organization_id,
        reason=preview.reason,
        detail=f"Ended after {minutes} min"
        + ("" if preview.ended_at < preview.expires_at else ", by itself"),
    )


def current_preview(user):
    """The Preview that a person has open and that is not over, or None."""
    return Preview.objects.open().filter(actor=user, expires_at__gt=timezone.now()).first()


def put_ends_on_record():
    """Of views that are over by time: nobody ended them, so nothing says yet that they have ended."""
    User = get_user_model()
    over = Preview.objects.open().filter(expires_at__lte=timezone.now())
    for preview in over.select_related("actor")[:500]:
        actor = preview.actor or User(pk=preview.actor_id, email=preview.actor_name)
        end_preview(preview, actor=actor)
