"""What the staff writes about a tenant (table `backoffice.tenants_note`)."""

import uuid
from urllib.parse import quote

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel

LONGEST_NOTE = 5000


class Words(models.Func):
    """The words of a note and its ticket, exactly as the index note_search has them.

    audit.search_text reads 2,000 characters, so a note is three pieces, which overlap by more than a word.
    """

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = models.TextField()
    pieces = (
        ("text", "{}"),
        ("text", "substr({}, 1901, 2000)"),
        ("text", "substr({}, 3801)"),
        ("ticket", "{}"),
    )

    def __init__(self):
        vector = "audit.search_vector(audit.search_text({}))"
        super().__init__(
            *(
                models.Func(models.F(name), template=vector.format(piece.format("%(expressions)s")))
                for name, piece in self.pieces
            )
        )


class Matches(models.Func):
    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = models.BooleanField()
    conditional = True


class NoteQuerySet(models.QuerySet):
    def of(self, organization):
        return self.filter(organization=organization.pk)

    def pinned(self):
        return self.filter(pinned_at__isnull=False)

    def matching(self, text):
        """Notes in which every word of `text` is the beginning of a word, as the search for everything reads words."""
        query = models.Func(
            models.Value(text.replace("\0", " ")),
            template="audit.search_query(audit.search_text(%(expressions)s))",
            output_field=models.TextField(),
        )
        return self.filter(Matches(Words(), query))


class Note(PageModel):
    """A note on a tenant, plain text. The names beside the ids stay when account or tenant are gone.

    `ticket` is the address of a ticket, or its number where settings.TICKET_URL makes addresses of numbers.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="notes", db_index=False)
    organization_name = models.CharField("tenant's name", max_length=255, editable=False)
    text = models.TextField("note", max_length=LONGEST_NOTE)
    ticket = models.CharField(max_length=500, blank=True, default="")
    author = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False, editable=False)
    author_name = models.CharField("written by", max_length=310, editable=False)
    created_at = models.DateTimeField("written", db_default=Now(), editable=False)
    edited_at = models.DateTimeField("edited", null=True, editable=False)
    pinned_at = models.DateTimeField("pinned", null=True, editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ["view", "add", "change"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="note_newest"),
            models.Index(fields=["organization", "-created_at", "-id"], name="note_of_tenant"),
            models.Index(fields=["author", "-created_at", "-id"], name="note_of_author"),
        ]

    def __str__(self):
        first = self.text.strip().partition("\n")[0]
        return first if len(first) <= 60 else first[:59] + "…"

    @property
    def ticket_url(self):
        """Where the ticket is, "" if it is a number that no setting makes an address of."""
        if self.ticket.startswith(("https://", "http://")):
            return self.ticket
        return settings.TICKET_URL.replace("{}", quote(self.ticket, safe="")) if self.ticket else ""

    @property
    def ticket_label(self):
        """The ticket as a link's text: a number as it is, an address without its scheme, both short."""
        text = self.ticket.partition("://")[2] or self.ticket
        return text if len(text) <= 40 else text[:39] + "…"

    def may_be_changed_by(self, user):
        """One's own, or anybody's for admins."""
        return user.has_perm("tenants.change_note") and (user.is_superuser or self.author_id == user.pk)
