"""Turns as they are read: masked, cut, marked, with times in the reader's zone. turn_html.py makes HTML of them."""

import datetime
from dataclasses import dataclass, field
from functools import lru_cache

from django.utils import timezone

from agents.conversations.shown import shown
from backoffice.masking import mask

SIDES = {"user": "user", "assistant": "assistant"}
ROLES = {
    "assistant": "Agent",
    "system": "System",
    "tool": "Tool",
    "function": "Tool",
    "unknown": "Unknown role",
}


@dataclass(frozen=True)
class Reading:
    """How a conversation is read: from when on it counts, whether unmasked, what is marked, which turn was asked for.

    `marks(text)` gives [(start, end)]; `current` is (key, index of the mark) that is looked at; `whole` the key of a
    turn that is shown in full length.
    """

    start: object = None
    revealed: bool = False
    marks: object = None
    current: tuple = ("", None)
    target: str = ""
    whole: str = ""
    visitor: str = "Visitor"
    is_mixed: bool = False  # turns of the table and of the JSON alone
    zone: datetime.tzinfo = field(default_factory=timezone.get_current_timezone)


def bubble(turn, reading, shown_day=None):
    """A Turn as a dict; `shown_day` is the day under which it stands already.

    `local` is its time in the reader's zone, None for what is no time of our calendar; `moment` the seconds since 1970.
    """
    whole = turn.key == reading.whole
    text = shown(turn, revealed=reading.revealed, whole=whole)
    marks = reading.marks(text.text) if reading.marks else []
    current = reading.current[1] if reading.current[0] == turn.key else None
    side = SIDES.get(turn.role, "system")
    local = local_time(turn.at, reading)
    day = local and local.date()
    return {
        "key": turn.key,
        "number": turn.number,
        "role": turn.role if turn.role in ROLES or side == "user" else masked_name(turn.role),
        "side": side,
        "who": reading.visitor if side == "user" else ROLES.get(turn.role) or masked_name(turn.role),
        "at": turn.at,
        "local": local,
        "moment": f"{turn.at.timestamp():.3f}" if local else "",
        "offset": offset(turn.at, reading.start),
        "day": day if day != shown_day else None,
        "latency_ms": turn.latency_ms,
        "tokens": turn.tokens,
        "model": turn.model and masked_name(turn.model),
        "audio_url": turn.recording,
        "only_in_history": reading.is_mixed and turn.source == "history",
        "parts": text.parts(marks, current),
        "size": turn.size,
        "is_cut": text.is_cut,
        "is_target": turn.key == reading.target,
        "is_open": bool(marks) or turn.key == reading.target or whole,
    }


@lru_cache(maxsize=500)
def masked_name(text):
    """The name of a model or role, which anybody may have written; there are few."""
    return mask(text)


def bubbles(piece, reading):
    """The turns of a Piece; where a day begins, its first turn has it."""
    shown_day = day_of(piece.before.at, reading) if piece.before else None
    found = []
    for turn in piece.turns:
        found.append(bubble(turn, reading, shown_day))
        shown_day = found[-1]["day"] or shown_day
    return found


def is_finite(at):
    """Whether it is a time of our calendar: the first and last days stand for what lies beyond."""
    return at is not None and 1 < at.year < 9999


def local_time(at, reading):
    return at.astimezone(reading.zone) if is_finite(at) else None


def day_of(at, reading):
    local = local_time(at, reading)
    return local and local.date()


def offset(at, start):
    """How long after the start something was said: "+00:42", "+1:02:03"; "" where that is not known."""
    if not is_finite(at) or not is_finite(start):
        return ""
    seconds = round((at - start).total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "+" if seconds >= 0 else "\N{MINUS SIGN}"
    return f"{sign}{hours:,}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes:02}:{rest:02}"
