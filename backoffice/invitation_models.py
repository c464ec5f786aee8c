import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Invitation(models.Model):
    """A link by which a person sets the first password of an account: once, until `expires_at`.

    The link's secret is stored as its hash alone. An account has one open invitation at the most.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail")  # names the entry in the audit
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = []
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(used_at=None, withdrawn_at=None),
                name="invitation_one_open",
            ),
        ]

    def __str__(self):
        return f"invitation of {self.email}"

    @property
    def state(self):
        """open, expired, used or withdrawn."""
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if self.expires_at > timezone.now() else "expired"
