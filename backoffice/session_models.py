import uuid

from django.conf import settings
from django.db import models

from backoffice.sessions import limits


class StaffSessionQuerySet(models.QuerySet):
    def going_on(self):
        """Those that let somebody in now: neither ended nor too old nor idle for too long."""
        started_after, seen_after = limits.oldest()
        return self.filter(
            account__isnull=False, ended_at=None, started_at__gt=started_after, seen_at__gt=seen_after
        )


class StaffSession(models.Model):
    """One browser's session. `account` is who is signed in; without one it holds a sign-in under way.

    The cookie's key is stored as its hash alone. `seen_at` is when the person last did something, to the minute.
    Triggers end all sessions of an account whose password, role or state changes (migration 0011).
    """

    class Ended(models.TextChoices):
        """Why it was ended; idle and too long follow from the times and are not written."""

        BY_HAND = "by_hand", "ended by somebody"
        PASSWORD = "password", "the password was changed"
        ROLE = "role", "the role was changed"
        SUSPENDED = "suspended", "the account was suspended"
        FACTORS = "factors", "the second factor was reset"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key_hash = models.CharField(max_length=64, unique=True)
    session_data = models.TextField()
    expire_date = models.DateTimeField(db_index=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="staff_sessions"
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45)
    browser = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=20, choices=Ended)

    objects = StaffSessionQuerySet.as_manager()

    class Meta:
        default_permissions = []
        verbose_name = "session"

    def __str__(self):
        return f"session from {self.address or 'an unknown address'}"
