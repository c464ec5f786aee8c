"""Personal data in stored text, masked by default. What is masked: mail addresses, card and bank account
numbers, US social security numbers, telephone numbers. Names and street addresses are not recognised.
"""

import re

# The order matters: a card number contains what looks like a telephone number.
PATTERNS = [
    # Begins where a word begins: tried at every letter, a long run of them would take the square of its length.
    ("email", re.compile(r"(?<![\w.+'-])[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")),
    ("account", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")),
    ("card", re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")),
    ("ssn", re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)")),
    ("phone", re.compile(r"(?<![\w.])(?:\+|00)?\(?\d(?:[\s().\u2010-\u2015/-]{0,2}\d){6,14}(?![\w])")),
]


def mask_beginning(text, length):
    """At most `length` characters of the masked text; of a piece that the cut goes through, nothing is left."""
    start = text[: length * 12]
    if len(start) < len(text) and not text[len(start)].isspace():
        start = start[: -len(start.split()[-1])] if start.split() else ""
    return mask(start)[:length]


def mask(text):
    """The text with each such piece replaced by its kind in brackets: "Call [phone]". Takes any
    value.
    """
    text = str(text)
    for kind, pattern in PATTERNS:
        text = pattern.sub(f"[{kind}]", text)
    return text


def pieces(text):
    """[(start, end, kind)]"""
    found = []
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end, _ in found):
                found.append((match.start(), match.end(), kind))
    return sorted(found)


def identifiers(text):
    """Keys of the pieces."""
    keys = []
    for start, end, kind in pieces(text):
        if kind == "email":
            keys.append("mail:" + text[start:end].casefold())
        else:
            keys.append("number:" + "".join(c for c in text[start:end] if c.isdigit())[-9:])
    return keys


def masked_counts(text):
    from collections import Counter

    return Counter(kind for *_, kind in pieces(text))
