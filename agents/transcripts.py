"""What was said in a conversation, whichever store holds it: the message table, the session's JSON, or the
legacy chat.
"""

import datetime
from dataclasses import dataclass, replace

from agents.models import AgentMessage, ChatMessage
from backoffice import keyset
from backoffice.masking import mask
from backoffice.recordings import is_playable

TURNS_PER_PAGE = 500


@dataclass(frozen=True)
class Turn:
    """One line. `at` is aware UTC or None; `latency_ms`, `tokens`, `model` are None where they are not recorded."""

    role: str
    text: str
    at: datetime.datetime | None = None
    pk: str = ""
    latency_ms: int | None = None
    tokens: int | None = None
    model: str | None = None
    audio_url: str = ""


@dataclass(frozen=True)
class Transcript:
    """Turns in the order they were said, and where they come from: "messages", "history", "legacy" or "nothing"."""

    turns: list
    source: str
    next: str = ""
    previous: str = ""

    def masked(self):
        return replace(self, turns=[replace(turn, text=mask(turn.text)) for turn in self.turns])


def of_session(session, params):
    """The Transcript of an AgentSession; a page of it where it is long. `params` (request.GET) names the page.

    The message table comes first; without rows there, the session's JSON, of which the platform usually keeps only the
    first entry.
    """
    page = keyset.read_page(
        AgentMessage.objects.filter(session=session),
        keyset.newest(),
        descending=False,
        size=TURNS_PER_PAGE,
        params=params,
    )
    if page.rows:
        return Transcript([of_message(row) for row in page.rows], "messages", page.next, page.previous)
    turns = of_history(session.conversation_history)
    return Transcript(turns, "history" if turns else "nothing")


def of_chat(chat, params):
    """The Transcript of a legacy ChatSession."""
    page = keyset.read_page(
        ChatMessage.objects.filter(session=chat),
        keyset.newest("timestamp"),
        descending=False,
        size=TURNS_PER_PAGE,
        params=params,
    )
    turns = [
        Turn(
            role="assistant" if row.role == "model" else row.role,
            text=row.text,
            at=row.timestamp,
            pk=str(row.pk),
        )
        for row in page.rows
    ]
    return Transcript(turns, "legacy" if turns else "nothing", page.next, page.previous)


def of_message(row):
    return Turn(
        role=row.role,
        text=row.content,
        at=row.created_at,
        pk=str(row.pk),
        latency_ms=row.latency_ms,
        tokens=row.tokens_used,
        model=row.model_used,
        audio_url=row.get_absolute_url() + "recording/" if is_playable(row.audio_url) else "",
    )


def of_history(history):
    """Turns of `agent_sessions.conversation_history`: [{role, content, timestamp}]. Other shapes are shown
    as they are.
    """
    if not isinstance(history, list):
        return [Turn(role="unknown", text=str(history))] if history else []
    return [
        Turn(
            role=str(entry.get("role") or ""),
            text=as_text(entry.get("content")),
            at=naive_utc(entry.get("timestamp")),
        )
        if isinstance(entry, dict)
        else Turn(role="unknown", text=as_text(entry))
        for entry in history
    ]


def as_text(value):
    return "" if value is None else str(value)


def naive_utc(text):
    """The platform writes UTC without an offset; None for what is no time."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        moment = moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    # The first and last days of the calendar leave it in some time zones.
    return moment if 1 < moment.year < 9999 else None
