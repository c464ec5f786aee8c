"""A whole conversation as a file or for the clipboard: JSON, text, Markdown, HTML. Always masked, turn by turn."""

import json
import re
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import escape

from agents.conversations.bubbles import ROLES, is_finite, offset
from agents.conversations.shown import stretches, text_of
from agents.conversations.transcript import every
from backoffice.masking import mask

PERMISSION = "agents.export_transcript"
SCHEMA = 1
FENCES = re.compile(r"`{3,}")


@dataclass(frozen=True)
class Head:
    """What stands above the turns: `facts` are [(label, text)], `start` is when it began; times are told in `zone`."""

    title: str
    facts: list
    start: object
    zone: object


def as_json(record, head):
    """{"schema", "conversation": {…}, "turns": [{…}]}; texts are masked, times are ISO 8601 in UTC, or null."""
    facts = {label.lower().replace(" ", "_"): text for label, text in head.facts}
    about = json.dumps({"name": head.title, "is_masked": True, **facts}, ensure_ascii=False, indent=2)
    yield f'{{"schema": {SCHEMA}, "conversation": {about},\n"turns": ['
    comma = "\n"
    for turn in every(record):
        text, _ = text_of(turn.content)
        entry = {
            "number": turn.number,
            "key": turn.key,
            "source": turn.source,
            "role": mask(turn.role),
            "at": turn.at.isoformat() if is_finite(turn.at) else None,
            "text": text,
            "tokens": turn.tokens,
            "latency_ms": turn.latency_ms,
            "model": turn.model and mask(turn.model),
            "has_recording": bool(turn.audio_url),
        }
        yield comma + json.dumps(entry, ensure_ascii=False)
        comma = ",\n"
    yield "\n]}\n"


def as_text(record, head):
    yield f"{head.title}\n{'=' * min(len(head.title), 80)}\n"
    yield "".join(f"{label}: {text}\n" for label, text in head.facts)
    for turn in every(record):
        text, _ = text_of(turn.content)
        yield f"\n#{turn.number} {line(turn, head)}\n{text}\n"


def as_markdown(record, head):
    yield f"# {plain(head.title)}\n\n"
    yield "".join(f"- {label}: {plain(text)}\n" for label, text in head.facts)
    for turn in every(record):
        text, is_json = text_of(turn.content)
        yield f"\n## {turn.number}. {plain(line(turn, head))}\n\n"
        yield fenced(text, "json") if is_json else quoted(text)


def as_html(record, head):
    """A page that needs nothing else: no script, nothing loaded."""
    before, after = render_to_string("agents/conversation_file.html", {"head": head}).split("<!-- turns -->")
    yield before
    for turn in every(record):
        text, is_json = text_of(turn.content)
        side = turn.role if turn.role in ("user", "assistant") else "system"
        parts = [("code", 0, len(text), "")] if is_json else stretches(text)
        said = "".join(
            f'<pre dir="ltr">{escape(text[start:end])}</pre>'
            if kind == "code"
            else f'<div class="text" dir="auto">{escape(text[start:end])}</div>'
            for kind, start, end, _ in parts
        )
        yield f'<li class="{side}" id="t-{turn.number}"><p>{escape(line(turn, head))}</p>{said}</li>\n'
    yield after


# {name in the address: (ending, content type, writer, in words)}
FORMATS = {
    "json": ("json", "application/json", as_json, "JSON"),
    "text": ("txt", "text/plain; charset=utf-8", as_text, "text"),
    "markdown": ("md", "text/markdown; charset=utf-8", as_markdown, "Markdown"),
    "html": ("html", "text/html; charset=utf-8", as_html, "HTML"),
}
COPIES = {name: FORMATS[name] for name in ("text", "markdown")}


def line(turn, head):
    """Who spoke and when, and what was measured."""
    who = "Visitor" if turn.role == "user" else ROLES.get(turn.role) or mask(turn.role)
    parts = [who, clock(turn.at, head.zone), offset(turn.at, head.start)]
    if turn.latency_ms is not None:
        parts.append(f"{turn.latency_ms:,} ms")
    if turn.tokens is not None:
        parts.append(f"{turn.tokens:,} tokens")
    return " · ".join(part for part in (*parts, turn.model and mask(turn.model)) if part)


def clock(at, zone):
    if not is_finite(at):
        return "time not known"
    return f"{timezone.localtime(at, zone):%Y-%m-%d %H:%M:%S %Z}"


def plain(text):
    """Without what Markdown reads as its own signs."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(str(text).split()))


def fenced(text, language=""):
    """A code block whose fence is longer than any in the text."""
    fence = "`" * max([3, *(len(found[0]) + 1 for found in FENCES.finditer(text))])
    return f"{fence}{language}\n{text}\n{fence}\n"


def quoted(text):
    """What somebody said, so that no sign in it counts as Markdown or HTML: code blocks stay what they are."""
    return "\n".join(
        fenced(text[start:end].strip("\n"), language)
        if kind == "code"
        else "".join(f"> {plain_line(each)}  \n" for each in text[start:end].strip("\n").split("\n"))
        for kind, start, end, language in stretches(text)
    )


def plain_line(text):
    text = re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", text.strip("\r"))
    return re.sub(r"^(\s*)([-+=~]|\d+[.)])", r"\1\\\2", text)


def file_name(record, ending):
    """A name of letters and digits that every system takes."""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", str(record)).strip("-")[:60].strip("-")
    return f"conversation-{safe or 'unnamed'}.{ending}"
