"""Samples: conversations drawn at random from a filtered list, and the queue in which they are reviewed."""

from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import DatabaseError, connection
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from agents.conversations.reviews import Changed, reviewing, said_about, set_outcome, what_changed, with_rate
from agents.models import Conversation, Outcome, Review, SampleItem
from backoffice import services
from backoffice.faults import QUERY_CANCELED

LIST = "agents:conversation_list"
MOST = 500
DRAWING_SECONDS = 10
NOTHING = "No conversation matches this filter."
TOO_LONG = f"Drawing took more than {DRAWING_SECONDS} seconds and was stopped. Narrow the filter, to a month perhaps."

# Whoever draws with the same seed from the same conversations gets the same ones in the same order: no place in a table
# has a part in it. It only reads, so that PostgreSQL uses more than one process.
DRAW = """
select p.store, p.source_id, p.organization_id, (select count(*) from ({0}) every) from ({0}) p
order by md5(%s || p.store || p.source_id::text) collate "C", p.id limit %s
"""


# Drawing


def draw_sample(sample, *, actor, conversations, reason=""):
    """Insert a sample, of which name, query, seed and size are set, with conversations drawn from that queryset.

    Raises ValidationError where nothing matches, or drawing takes too long.
    """
    try:
        with services.acting(actor, reason):
            sample.of = draw(sample, conversations)
            if not sample.of:
                raise ValidationError({"query": NOTHING})
            sample.owner_id, sample.owner_name = actor.pk, str(actor)
            # After its items, whose key is checked at the end of the transaction: so the audit has one entry.
            sample.save(force_insert=True)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED:
            raise ValidationError({"query": TOO_LONG}) from error
        raise
    return sample


def draw(sample, conversations):
    """Insert the items of a sample; returns from how many they were drawn."""
    columns = (
        conversations.select_related(None).order_by().values("id", "store", "source_id", "organization_id")
    )
    try:
        sql, params = columns.query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("select set_config('statement_timeout', %s, true)", [f"{DRAWING_SECONDS}s"])
        cursor.execute(DRAW.format(sql), [*params, *params, sample.seed, sample.size])
        rows = cursor.fetchall()
    SampleItem.objects.bulk_create(
        SampleItem(
            sample_id=sample.pk,
            position=position,
            store=store,
            source_id=source_id,
            organization_id=organization,
        )
        for position, (store, source_id, organization, _) in enumerate(rows, start=1)
    )
    return rows[0][3] if rows else 0


def delete_sample(sample, *, actor, reason=""):
    """Delete a sample. The outcomes that it led to stay."""
    with services.acting(actor, reason):
        sample.delete()


def may_delete(sample, user):
    """One's own, or anybody's for admins."""
    return user.has_perm("agents.review_conversation") and (user.is_superuser or sample.owner_id == user.pk)


# The queue

REVIEW = ("outcome", "reviewer_id", "reviewer_name", "reviewed_at")


def is_there():
    """Whether the conversation of an item is stored still."""
    return Exists(Conversation.objects.filter(store=OuterRef("store"), source_id=OuterRef("source_id")))


def next_item(sample):
    """The item to be reviewed now: in order, what was skipped last; None when there is none left."""
    waiting = sample.items.filter(is_there(), reviewed_at=None)
    return waiting.order_by(F("skipped_at").asc(nulls_first=True), "position").first()


@dataclass(frozen=True)
class Decision:
    """What a reviewer did last with an item of a sample, to be undone: an outcome, or SKIPPED.

    `before` is the review that stood before: None, or {outcome, reviewer_id, reviewer_name, reviewed_at (text)}.
    """

    SKIPPED = "skipped"

    position: int
    made: str
    before: dict | None = None


def decide(item, conversation, *, actor, outcome, seen):
    """Give the conversation of an item its outcome, and count the item as reviewed. Returns the Decision.

    `seen` is the outcome that the actor saw, None for none; raises Changed where another one was given since.
    """
    with reviewing(conversation, actor=actor):
        before = said_about(Review, conversation).values(*REVIEW).first()
        set_outcome(conversation, actor=actor, outcome=outcome, seen=seen)
        SampleItem.objects.filter(pk=item.pk).update(reviewed_at=timezone.now())
    if before:
        before["reviewed_at"] = before["reviewed_at"].isoformat()
    return Decision(item.position, outcome, before)


def skip(item, *, actor):
    """Put an item at the end of the queue. Returns the Decision."""
    with services.acting(actor):
        SampleItem.objects.filter(pk=item.pk).update(skipped_at=timezone.now())
    return Decision(item.position, Decision.SKIPPED)


def undo(sample, decision, *, actor):
    """Take back a decision: the item waits again, the conversation has the outcome of before, by whom it was.

    Raises Changed where somebody gave the conversation another outcome since, ValidationError where it is gone.
    """
    item = sample.items.filter(position=decision.position).first()
    conversation = item and said_about(Conversation, item).first()
    if conversation is None:
        raise ValidationError("This conversation is not there any more.")
    if decision.made == Decision.SKIPPED:
        with services.acting(actor):
            SampleItem.objects.filter(pk=item.pk).update(skipped_at=None)
        return
    with reviewing(conversation, actor=actor, reason="Undone"):
        review = said_about(Review, conversation).first()
        if review is None or review.outcome != decision.made:
            raise Changed(what_changed(review))
        put_back(review, decision.before)
        SampleItem.objects.filter(pk=item.pk).update(reviewed_at=None)


def put_back(review, before):
    if before is None:
        review.delete()
        return
    for name, value in before.items():
        setattr(review, name, parse_datetime(value) if name == "reviewed_at" else value)
    review.save()


# Results

RESULTS = """
select i.sample_id, count(*), count(i.reviewed_at), count(*) filter (where i.reviewed_at is null and c.id is null),
  count(*) filter (where i.reviewed_at is not null and r.outcome = 'success'),
  count(*) filter (where i.reviewed_at is not null and r.outcome = 'failed'),
  count(*) filter (where i.reviewed_at is not null and r.outcome = 'unknown')
from agents_sampleitem i
left join agents_conversation c on c.store = i.store and c.source_id = i.source_id
left join agents_review r on r.store = i.store and r.source_id = i.source_id
where i.sample_id = any (%s) group by i.sample_id
"""
FIGURES = ("total", "reviewed", "gone", "success", "failed", "unknown")


def results(samples):
    """{id of a sample: {total, reviewed, waiting, gone, success, failed, unknown, rate}}, by one query.

    Outcomes are those of now, and count where the item was reviewed in the sample; `gone` were erased before that.
    """
    with connection.cursor() as cursor:
        cursor.execute(RESULTS, [[sample.pk for sample in samples]])
        found = {pk: figures for pk, *figures in cursor.fetchall()}
    return {sample.pk: figures_of(found.get(sample.pk, [0] * len(FIGURES))) for sample in samples}


def figures_of(values):
    figures = dict(zip(FIGURES, values, strict=True))
    figures["waiting"] = figures["total"] - figures["reviewed"] - figures["gone"]
    return with_rate(figures)


# What the results are narrowed to; "" is all.
PARTS = {
    "": "All",
    Outcome.SUCCESS: "Success",
    Outcome.FAILED: "Failed",
    Outcome.UNKNOWN: "Unknown",
    "waiting": "Not reviewed yet",
}


def items_of(sample, part="", after=0, limit=100):
    """Items of a sample after a position, each with `outcome`, `reviewer_name` and `conversation` (None: gone)."""
    review = Review.objects.filter(store=OuterRef("store"), source_id=OuterRef("source_id"))
    items = sample.items.filter(position__gt=after).annotate(
        outcome=Subquery(review.values("outcome")[:1]),
        reviewer_name=Subquery(review.values("reviewer_name")[:1]),
    )
    if part == "waiting":
        items = items.filter(reviewed_at=None)
    elif part:
        items = items.filter(reviewed_at__isnull=False, outcome=part)
    items = list(items[:limit])
    rows = Conversation.objects.select_related("organization", "agent").filter(
        source_id__in=[item.source_id for item in items]
    )
    stored = {(row.store, row.source_id): row for row in rows}
    for item in items:
        item.conversation = stored.get((item.store, item.source_id))
    return items
