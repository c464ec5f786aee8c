"""Requests to erase a person, their findings and certificates (table `backoffice.tenants_erasure`)."""

import uuid

from django.conf import settings
from django.db import models

from backoffice.page_model import PageModel


class Erasure(PageModel):
    """One search for a person and, after it, the erasure.

    `subject` is who, masked; `fingerprints` are keyed hashes of the addresses, by which a later search finds earlier
    ones. What has to be kept in clear until the erasure is in `subject_secret` (the person) and `samples_secret` (what
    stands around the findings); both are emptied by it. The audit shows columns of such names as "[secret]".
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        SEARCHING = "searching"
        FOUND = "found", "Searched"
        ERASING = "erasing"
        ERASED = "erased"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.SEARCHING)
    subject = models.CharField("person", max_length=200)
    fingerprints = models.JSONField(default=list)
    subject_secret = models.JSONField(null=True)
    samples_secret = models.JSONField(null=True)
    reason = models.CharField(max_length=500)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="asked by"
    )
    findings = models.JSONField(default=dict)
    certificate = models.JSONField(null=True)
    job = models.ForeignKey("backoffice.Job", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField("asked for", auto_now_add=True)
    searched_at = models.DateTimeField("searched", null=True)
    erased_at = models.DateTimeField("erased", null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = []
        permissions = [("erase_person", "Can search and erase persons")]
        indexes = [models.Index(fields=["-created_at", "-id"], name="erasure_newest")]

    def __str__(self):
        return f"Erasure of {self.subject}"

    @property
    def is_open(self):
        """Whether the person is still known in clear here."""
        return self.subject_secret is not None
