"""Marks in a text what a search found in it. Everything comes back escaped."""

import re
import unicodedata
from functools import lru_cache
from html import escape

from django.utils.safestring import mark_safe

# As in audit.search_text (db/backoffice.sql); a difference only costs a mark.
ALIKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "t", "ı": "i", "ħ": "h", "ŧ": "t", "ς": "σ", "ß": "ss"}
    | {"æ": "ae", "œ": "oe"}
)
ACCENTS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]"
)
LONGEST = 300


def folded(text):
    """(the text as it is compared, for each of its characters the place in `text` that it comes from)."""
    if text.isascii():
        return text.lower(), range(len(text))
    letters, places = [], []
    for place, sign in enumerate(text):
        plain = ACCENTS.sub("", unicodedata.normalize("NFKD", sign))
        for letter in unicodedata.normalize("NFC", plain).lower().translate(ALIKE):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def highlight(text, words):
    """`text` with the beginnings of words marked that are among `words` (already as they are compared)."""
    text = str(text)[:LONGEST]
    plain, places = folded(text)
    found = [match.span() for beginning in beginnings(words) for match in beginning.finditer(plain)]
    if not found:
        return mark_safe(escape(text))
    return mark(text, {place for start, end in found for place in places[start:end]})


@lru_cache(maxsize=100)
def beginnings(words):
    """The patterns of words that begin with one of these; signs of scripts without spaces may stand anywhere."""
    return [
        re.compile(("" if UNSPACED.search(word) else r"(?<![^\W_])") + re.escape(word))
        for word in words.split()
    ]


def highlight_digits(text, ending):
    """`text` with its last digits marked, if they are these."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    digits = "".join(text[place] for place in places)
    if not ending or not digits.endswith(ending):
        return mark(text, set())
    first = places[-len(ending)]
    return mark(text, set(range(first, places[-1] + 1)))


def mark(text, marked):
    """`text` with the characters at these places inside <mark>."""
    pieces, at = [], 0
    for start, end in runs(sorted(marked)):
        pieces += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = max(at, end)
    return mark_safe("".join([*pieces, escape(text[at:])]))  # escaped piece by piece


def runs(places):
    """[(start, end)] of places in order that follow on one another."""
    found = []
    for place in places:
        if found and found[-1][1] == place:
            found[-1][1] += 1
        else:
            found.append([place, place + 1])
    return found
