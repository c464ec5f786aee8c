"""Personal data shown unmasked: to one person, of one conversation, for ten minutes, and what that was."""

import datetime
import time
from collections import Counter

from django.utils import timezone

from agents.conversations.shown import text_of
from agents.conversations.transcript import every, store_of
from backoffice.masking import masked_counts
from backoffice.services import log_read

LASTS = datetime.timedelta(minutes=10)
PERMISSION = "agents.reveal_transcript"
SESSION_KEY = "revealed"
SECONDS = 10  # for counting what is revealed
WORDS = {
    "email": "mail address",
    "account": "account number",
    "card": "card number",
    "ssn": "social security number",
    "phone": "phone number",
    "id": "id number",
}
PLURAL = {"email": "mail addresses"}


def name_of(record):
    return f"{store_of(record)}:{record.pk}"


def until(request, record):
    """Until when this person sees the conversation unmasked; None where it is masked."""
    ends = request.session.get(SESSION_KEY, {}).get(name_of(record))
    if not ends or not request.user.has_perm(PERMISSION):
        return None
    moment = datetime.datetime.fromtimestamp(ends, datetime.UTC)
    return moment if moment > timezone.now() else None


def begin(request, record):
    """From now on it is unmasked, for LASTS."""
    now = timezone.now()
    kept = {
        name: ends for name, ends in request.session.get(SESSION_KEY, {}).items() if ends > now.timestamp()
    }
    request.session[SESSION_KEY] = {**kept, name_of(record): (now + LASTS).timestamp()}


def end(request, record):
    """Masked again, from now on."""
    kept = request.session.get(SESSION_KEY, {})
    if kept.pop(name_of(record), None):
        request.session[SESSION_KEY] = kept


def reveal(record, *, actor, reason):
    """Log that a conversation is revealed, and what there is in it."""
    log_read(
        "reveal",
        record,
        actor=actor,
        organization_id=record.agent.organization_id,
        reason=reason,
        detail=told(record),
    )
    return record


def told(record):
    """ "3 phone numbers, 1 mail address in 2 of 14 turns"; "at least …" where there is too much to count it all."""
    found, having, turns, until_when, least = Counter(), 0, 0, time.monotonic() + SECONDS, ""
    for turn in every(record):
        text, _ = text_of(turn.content, revealed=True)
        counts = masked_counts(text)
        found += counts
        having += bool(counts)
        turns += 1
        if time.monotonic() > until_when:
            least = "at least "
            break
    of_all = f"{turns:,} turn{'' if turns == 1 else 's'}"
    if not found:
        return f"{least and 'so far '}nothing personal found in {of_all}"
    parts = [words(kind, count) for kind, count in found.most_common()]
    return f"{least}{', '.join(parts)} in {having:,} of {of_all}"


def words(kind, count):
    one = WORDS.get(kind, f"{kind} number")
    return f"{count:,} {one if count == 1 else PLURAL.get(kind, f'{one}s')}"
