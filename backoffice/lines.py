"""Two long texts line by line: what went, what came, and a little of what stands around it."""

import difflib
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import mark_safe

from backoffice.display import WORDS
from backoffice.templatetags.ui import pretty_json

CONTEXT = 2  # unchanged lines shown on either side
MOST_LINES = 1000  # that are compared with one another
MOST_IN_LINE = 4000  # characters of a pair of lines that are compared word by word
MOST_BY_WORDS = 60_000  # characters of all such pairs
LONGEST_LINE = 1000  # characters of a line that are shown
LONG = 120  # characters from which on a text is compared by lines


@dataclass(frozen=True)
class Line:
    """`kind` is same, gone, new, or skip (`count` lines are left out). `html` is escaped, what differs is marked."""

    kind: str
    html: str = ""
    count: int = 0


def lines_between(old, new, most=400):
    """[Line] of two values of which one is a long text, or JSON; [] of short ones, which are told side by side."""
    texts = [as_text(value) for value in (old, new)]
    if not any(len(text) > LONG or "\n" in text for text in texts):
        return []
    return differing_lines(*texts, most)


def as_text(value):
    if value is None or isinstance(value, str):
        return value or ""
    return pretty_json(value) if isinstance(value, dict | list) else str(value)


def differing_lines(old, new, most=400):
    """[Line], at most that many; what is equal at both ends is not compared at all."""
    before, after = old.splitlines(), new.splitlines()
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    found = [Line("same", shown(text)) for text in before[max(head - CONTEXT, 0) : head]]
    if head > CONTEXT:
        found.insert(0, Line("skip", count=head - CONTEXT))
    found += compared(*middle, most)
    rest = before[len(before) - tail :]
    found += [Line("same", shown(text)) for text in rest[:CONTEXT]]
    if tail > CONTEXT:
        found.append(Line("skip", count=tail - CONTEXT))
    if len(found) > most:
        return [*found[:most], Line("skip", count=len(found) - most)]
    return found


def compared(before, after, most):
    if len(before) + len(after) > MOST_LINES:
        return [*whole(before, "gone", most // 2), *whole(after, "new", most // 2)]
    found, left = [], MOST_BY_WORDS
    matcher = difflib.SequenceMatcher(None, before, after)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found += unchanged(before[a:b])
        elif kind == "replace" and b - a == d - c and (left := left - size(before[a:b], after[c:d])) > 0:
            pairs = [by_words(one, other) for one, other in zip(before[a:b], after[c:d], strict=True)]
            found += [gone for gone, _ in pairs] + [new for _, new in pairs]
        else:
            found += whole(before[a:b], "gone", most)
            found += whole(after[c:d], "new", most)
    return found


def whole(texts, kind, most):
    found = [Line(kind, shown(text)) for text in texts[:most]]
    return [*found, Line("skip", count=len(texts) - most)] if len(texts) > most else found


def size(*lists):
    return sum(len(text) for texts in lists for text in texts)


def unchanged(texts):
    """Lines between two changes, their middle left out."""
    lines = [Line("same", shown(text)) for text in texts]
    if len(lines) <= 2 * CONTEXT + 1:
        return lines
    return [*lines[:CONTEXT], Line("skip", count=len(lines) - 2 * CONTEXT), *lines[-CONTEXT:]]


def by_words(one, other):
    """(Line gone, Line new) of a line that was changed, the words that differ marked."""
    if len(one) + len(other) > MOST_IN_LINE:
        return Line("gone", shown(one)), Line("new", shown(other))
    before, after = WORDS.findall(one), WORDS.findall(other)
    matcher = difflib.SequenceMatcher(None, before, after)
    if matcher.quick_ratio() < 0.3:  # another line rather than a changed one
        return Line("gone", shown(one)), Line("new", shown(other))
    gone, new = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        left, right = escape("".join(before[a:b])), escape("".join(after[c:d]))
        gone.append(left if kind == "equal" or not left else f"<strong>{left}</strong>")
        new.append(right if kind == "equal" or not right else f"<strong>{right}</strong>")
    # Each part was escaped above.
    return Line("gone", mark_safe("".join(gone))), Line("new", mark_safe("".join(new)))


def shown(text):
    """A line, cut where it is endless."""
    if len(text) <= LONGEST_LINE:
        return escape(text)
    return escape(f"{text[:LONGEST_LINE]} … ({len(text):,} characters)")
