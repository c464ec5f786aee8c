from django.conf import settings
from django.db import models


class Recent(models.Model):
    """A record whose page a person opened lately. One's own bookkeeping: not audited, and without a name of the record,
    which is read when it is shown.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    model = models.CharField(max_length=100)  # tenants.organization
    record = models.CharField(max_length=36)
    opened_at = models.DateTimeField()

    class Meta:
        default_permissions = []
        constraints = [
            models.UniqueConstraint(fields=["user", "model", "record"], name="recent_once"),
        ]

    def __str__(self):
        return f"{self.model} {self.record}"
