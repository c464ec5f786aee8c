"""How the text of a turn is shown: masked, cut, JSON and code as such, and what a search found in it marked.

Content is written by strangers. All that leaves here is text: escaped in HTML, never a link, and masked unless whoever
reads has revealed the conversation.
"""

import json
import re
from html import escape
from typing import NamedTuple

from agents.conversations.transcript import SHOWN
from backoffice.display import parse_json
from backoffice.masking import mask, mask_beginning

LONGEST_JSON = 100_000  # characters; longer ones are shown as they are
DEEPEST_INDENT = 12
LONGEST_FENCE = 100
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]{0,20})[ \t\r]*$")


class Part(NamedTuple):
    """A stretch of a turn. `kind` is text, code or json; `html` is escaped."""

    kind: str
    html: str
    language: str = ""


class Shown(NamedTuple):
    """What is shown of a turn's text."""

    text: str
    is_json: bool = False
    is_cut: bool = False

    def parts(self, marks=(), current=None):
        """[Part]; `marks` are [(start, end)] in `text`, in order, `current` the index of the one that is looked at."""
        if self.is_json:
            return [Part("json", self.html(0, len(self.text), marks, current))]
        return [
            Part(kind, self.html(start, end, marks, current), language)
            for kind, start, end, language in stretches(self.text)
        ]

    def html(self, start, end, marks, current):
        if not marks:
            return escape(self.text[start:end])
        pieces, at = [], start
        for index, (first, last) in enumerate(marks):
            if last <= start or first >= end:
                continue
            first, last = max(first, start), min(last, end)
            here = ' id="hit" aria-current="true"' if index == current else ""
            pieces += [escape(self.text[at:first]), f"<mark{here}>", escape(self.text[first:last]), "</mark>"]
            at = last
        return "".join([*pieces, escape(self.text[at:end])])


def text_of(content, *, revealed=False):
    """(a whole text as it may leave, whether it is JSON, laid out)."""
    laid_out = pretty(content)
    text = content if laid_out is None else laid_out
    return text if revealed else mask(text), laid_out is not None


def shown(turn, *, revealed=False, whole=False):
    """The Shown of a Turn: its beginning, or with `whole` all that was read of it."""
    if not turn.is_whole:
        text = turn.content[:SHOWN] if revealed else mask_beginning(turn.content, SHOWN)
        return Shown(text, is_cut=True)
    text, is_json = text_of(turn.content, revealed=revealed)
    if whole or len(text) <= SHOWN:
        return Shown(text, is_json)
    return Shown(text[:SHOWN], is_json, is_cut=True)


def pretty(text):
    """A JSON object or list on several lines, token by token as it was written; None for what is none.

    Nothing in it gets lost: numbers keep their digits, keys that stand twice stay. Escaped characters are spelled out,
    so that what is personal in them is seen and masked.
    """
    if len(text) > LONGEST_JSON or parse_json(text) is None:
        return None
    lines, depth, fresh = [], 0, True
    for found in TOKEN.finditer(text):
        token = found[0]
        if token in "]}":
            depth -= 1
            if not fresh:
                lines.append(line_break(depth))
            lines.append(token)
            fresh = False
            continue
        if fresh and depth:
            lines.append(line_break(depth))
        fresh = False
        if token in "{[":
            depth += 1
            fresh = True
            lines.append(token)
        elif token == ",":
            lines += [",", line_break(depth)]
        elif token == ":":
            lines.append(": ")
        else:
            lines.append(spelled_out(token))
    return "".join(lines)


def line_break(depth):
    """What is nested deeper than DEEPEST_INDENT goes on in its line: 5,000 levels would be 5,000 spaces wide."""
    return "\n" + "  " * depth if depth <= DEEPEST_INDENT else " "


def spelled_out(token):
    if "\\u" not in token:
        return token
    plain = json.dumps(json.loads(token), ensure_ascii=False)
    # Half of a pair is no character, and cannot be sent.
    return token if re.search(r"[\ud800-\udfff]", plain) else plain


def stretches(text):
    """[(kind, start, end, language)] of a text with fenced code in it; an open fence goes on to the end."""
    if "```" not in text and "~~~" not in text:
        return [("text", 0, len(text), "")] if text.strip("\r\n") else []
    found, begin, fence, language, at = [], 0, "", "", 0
    for line in text.split("\n"):
        after = min(len(text), at + len(line) + 1)
        match = FENCE.match(line) if len(line) < LONGEST_FENCE else None
        if match and not fence:
            found.append(("text", begin, at, ""))
            fence, language, begin = match[1], match[2], after
        elif match and not match[2] and match[1].startswith(fence):
            found.append(("code", begin, at, language))
            fence, begin = "", after
        at = after
    found.append(("code" if fence else "text", begin, len(text), language if fence else ""))
    return [
        (kind, start, end, language)
        for kind, start, end, language in found
        if kind == "code" or text[start:end].strip("\r\n")
    ]
