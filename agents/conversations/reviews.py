"""What reviewers say about a conversation: its outcome, labels and notes, written and read.

Each write also brings the conversation's row of the list in step, in the same transaction. Reviewers write one after
the other, and not while the index writes: what it read before would replace what they said.
"""

import json
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from agents.conversations.index import LOCK, REVIEWED, TURNS
from agents.conversations.transcript import PIECE
from agents.models import Label, LabelUse, Outcome, Review, ReviewNote, SampleItem, Store
from backoffice import services
from backoffice.masking import mask

LONGEST_NOTE = 2000
FOLLOW_REVIEW = f"""
update agents_conversation c set {", ".join(f"{name} = {value}" for name, value in REVIEWED.items())}
from (select %(id)s::uuid as id) s
left join agents_review r on r.store = %(store)s and r.source_id = s.id
where c.store = %(store)s and c.source_id = s.id
"""
SAID = " from {} where store = %(store)s and source_id = %(id)s"
WHAT_IS_SAID = f"""
select {", ".join(f"exists (select{SAID.format(model._meta.db_table)})" for model in (Review, LabelUse, ReviewNote))},
  array(select array[name, meaning] from agents_label where not is_retired order by name, id)
"""
OUTCOMES = [(outcome.value, outcome.label) for outcome in Outcome]
ANY = object()  # instead of the outcome that was seen: whatever is stored is replaced


class Changed(ValidationError):
    """Somebody else said something else meanwhile; nothing was written."""


@contextmanager
def reviewing(conversation, *, actor, reason=""):
    """services.acting() for writes about one conversation.

    Raises ValidationError if the conversation is not in the list any more.
    """
    with services.acting(actor, reason):
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        yield
        if not index_review(conversation.store, conversation.source_id):
            raise ValidationError("This conversation is not there any more.")


def index_review(store, source_id):
    """Bring outcome, labels and reviewer of a row of the list in step; returns how many rows that were (0 or 1)."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW_REVIEW, {"store": store, "id": source_id})
        return cursor.rowcount


def about(conversation):
    """The fields by which rows name their conversation."""
    return {"store": conversation.store, "source_id": conversation.source_id}


def said_about(model, conversation):
    return model.objects.filter(**about(conversation))


# Writing


def set_outcome(conversation, *, actor, outcome, reason="", seen=ANY):
    """Give a conversation an outcome; None takes it back, and samples ask about it again. Returns whether it changed.

    `seen` is the outcome that the actor saw, None for none: where somebody gave another one since, Changed is raised.
    """
    with reviewing(conversation, actor=actor, reason=reason):
        review = said_about(Review, conversation).first()
        stored = review.outcome if review else None
        if stored == outcome:
            return False
        if seen is not ANY and stored != seen:
            raise Changed(what_changed(review))
        if outcome is None:
            review.delete()
            said_about(SampleItem, conversation).update(reviewed_at=None)
            return True
        review = review or Review(**about(conversation), organization_id=conversation.organization_id)
        review.outcome, review.reviewed_at = Outcome(outcome).value, timezone.now()
        review.reviewer_id, review.reviewer_name = actor.pk, str(actor)
        review.save()
        return True


def what_changed(review):
    """Who came before, in a sentence."""
    if review is None:
        said = "Somebody took the outcome back"
    else:
        said = f"{review.reviewer_name} set this to {review.get_outcome_display()}"
    return f"{said} after you opened it. Nothing of yours was saved: choose again if you still want to."


def add_label(conversation, *, actor, label, turn="", reason=""):
    """Put a label on a conversation or a turn of it; one that is there already stays as it is. Returns the LabelUse."""
    with reviewing(conversation, actor=actor, reason=reason):
        require_turn(conversation, turn)
        # Locked, so that it is not retired or deleted meanwhile.
        current = Label.objects.select_for_update(no_key=True).filter(pk=label.pk).first()
        if current is None or current.is_retired:
            raise ValidationError({"label": f"“{label}” is retired, and not offered any more."})
        use, _ = LabelUse.objects.get_or_create(
            **about(conversation),
            turn=turn,
            label=current,
            defaults={"organization_id": conversation.organization_id, "by_name": str(actor)},
        )
        return use


def remove_label(conversation, *, actor, label, turn="", reason=""):
    """Take a label off, whoever put it there; nothing happens where it is gone already."""
    with reviewing(conversation, actor=actor, reason=reason):
        for use in said_about(LabelUse, conversation).filter(turn=turn, label=label):
            use.delete()


def add_note(conversation, *, actor, text, turn="", reason=""):
    """Write a note about a conversation or a turn of it. Returns the ReviewNote."""
    with reviewing(conversation, actor=actor, reason=reason):
        require_turn(conversation, turn)
        return ReviewNote.objects.create(
            **about(conversation),
            organization_id=conversation.organization_id,
            turn=turn,
            text=text,
            author_id=actor.pk,
            author_name=str(actor),
        )


def remark_on_turn(conversation, *, actor, turn, label=None, text="", reason=""):
    """A label, a note, or both on a turn, together."""
    with services.acting(actor, reason):
        if label:
            add_label(conversation, actor=actor, label=label, turn=turn, reason=reason)
        if text:
            add_note(conversation, actor=actor, text=text, turn=turn, reason=reason)


def edit_note(note, *, actor, text, seen, reason=""):
    """Change a note. Raises Changed if it does not say any more what the actor saw."""
    note.text = text
    try:
        return services.save(note, actor=actor, reason=reason, opened={"text": json.dumps(seen)})
    except services.Conflict as conflict:
        raise Changed(
            {"text": f"It was changed meanwhile. It now says: {conflict.stored.text}"}
        ) from conflict


def delete_note(note, *, actor, reason=""):
    """Delete a note. What it said stays in the audit."""
    with services.acting(actor, reason):
        note.delete()


def require_turn(conversation, turn):
    """Raises ValidationError unless the conversation has a turn of that key; "" stands for all of it."""
    if turn and not has_turn(conversation, turn):
        raise ValidationError({"turn": "The conversation has no such turn (any more). Reload the page."})


def has_turn(conversation, turn):
    with connection.cursor() as cursor:
        cursor.execute(
            f"select exists (select from {TURNS[Store(conversation.store)]}(array[%s::uuid]) t where t.key = %s)",
            [conversation.source_id, turn],
        )
        return cursor.fetchone()[0]


# Reading


def panel(conversation, user):
    """What templates/agents/review_panel.html shows: {conversation, may_review, sees_notes, review (a Review or None),
    seen, outcomes ([(value, label)]), labels ([LabelUse]), notes ([ReviewNote], masked), turns (as turn_reviews()),
    offered, turn_url, page_url}.

    Notes are for those who may read transcripts, for they may quote; `offered` are labels for reviewers to choose from,
    [(name, meaning)]. One query where nothing was said, four at the most.
    """
    may_review = user.has_perm("agents.review_conversation")
    sees_notes = user.has_perm("agents.read_transcript")
    has_review, has_labels, has_notes, offered = what_is_said(conversation)
    review = said_about(Review, conversation).first() if has_review else None
    turns = said_by_turn(conversation, with_labels=has_labels, with_notes=has_notes and sees_notes)
    whole = turns.pop("", {"labels": [], "notes": []})
    return {
        "conversation": conversation,
        "may_review": may_review,
        "sees_notes": sees_notes,
        "review": review,
        "seen": review.outcome if review else "",
        "outcomes": OUTCOMES,
        **whole,
        "turns": turns,
        "offered": offered if may_review else [],
        "turn_url": reverse("agents:review_turn", args=[conversation.pk]),
        # Of a long one only a piece is on the page.
        "page_url": conversation.get_absolute_url() if conversation.stored > PIECE else "",
    }


def what_is_said(conversation):
    """(whether it has an outcome, labels, notes; [(name, meaning)] of the labels that are offered).

    Most conversations have none of the three: one question says so.
    """
    with connection.cursor() as cursor:
        cursor.execute(WHAT_IS_SAID, {"store": conversation.store, "id": conversation.source_id})
        return cursor.fetchone()


def turn_reviews(conversation):
    """{key of a turn: {labels: [LabelUse], notes: [ReviewNote], masked}}, for those who may read. Two queries."""
    turns = said_by_turn(conversation)
    turns.pop("", None)
    return turns


def said_by_turn(conversation, with_labels=True, with_notes=True):
    """What is said about each turn, by its key; "" for the conversation as a whole."""
    found = {}
    labels = said_about(LabelUse, conversation).select_related("label").order_by("label__name", "id")
    for use in labels if with_labels else ():
        found.setdefault(use.turn, {"labels": [], "notes": []})["labels"].append(use)
    for note in said_about(ReviewNote, conversation) if with_notes else ():
        note.shown = mask(note.text)
        found.setdefault(note.turn, {"labels": [], "notes": []})["notes"].append(note)
    return found


def rate(conversations):
    """{success, failed, unknown, rate} of a queryset of Conversation, by one query.

    `rate` is success in whole percent of success and failed, None where there is neither. Only 100 is all, only 0 none.
    """
    counts = (
        conversations.order_by()
        .filter(outcome__isnull=False)
        .aggregate(**{each.value: Count("pk", filter=Q(outcome=each)) for each in Outcome})
    )
    return with_rate(counts)


def with_rate(counts):
    """Counts by outcome, and the rate of them."""
    success, judged = counts["success"], counts["success"] + counts["failed"]
    percent = None
    if judged:
        percent = (
            100
            if success == judged
            else 0
            if success == 0
            else min(99, max(1, round(100 * success / judged)))
        )
    return {**counts, "rate": percent}


def rate_sentence(counts):
    """ "82 %: 41 of 50; 6 unknown left out"."""
    if counts["rate"] is None:
        words = "no rate yet"
    else:
        words = f"{counts['rate']} %: {counts['success']:,} of {counts['success'] + counts['failed']:,}"
    return f"{words}; {counts['unknown']:,} unknown left out" if counts["unknown"] else words


def label_names():
    """{id: Label}, by one query."""
    return Label.objects.in_bulk()
