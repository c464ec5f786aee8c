"""The words of a text as the search index holds them, and what is asked of it: one reading of text for both sides.

Words are compared without case and accents; runs of scripts that put no space between words (Chinese, Japanese, Thai …)
count as their pairs of neighbours, so that any part of a run is found. What the pages mask (mail addresses, numbers) is
no word: it is found whole only, by a fingerprint.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from backoffice.masking import identifiers, pieces
from backoffice.search.highlight import ACCENTS, ALIKE, UNSPACED, mark

LONGEST_WORD = 60
MOST_TERMS = 12
MOST_BYTES = 900_000  # PostgreSQL keeps 1 MB of words for a text
LAST_POSITION = 16_383
# Characters that belong to a word without being letters: marks of many scripts, and what nobody sees.
UNSEEN = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u0711\u0730-\u074a\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983"
    "\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b4d\u0b82\u0bbe-\u0bcd"
    "\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc-\u0ccd\u0d00-\u0d03\u0d3b-\u0d4d\u0dca-\u0ddf\u0e31-\u0e4e"
    "\u0eb1-\u0ecd\u0f18-\u0fbc\u102b-\u109d\u135d-\u135f\u17b4-\u17d3\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u302a-\u302f\u3099\u309a\ufe20-\ufe2f"
)
WORD = re.compile(rf"(?:[^\W_]|[{MARKS}{UNSEEN}])+")
PLAIN_WORD = re.compile(r"[^\W_]+")
HIDDEN = re.compile(rf"[{UNSEEN}\u0640]")
# Arabic letters that are written either way.
ALSO_ALIKE = str.maketrans({"ى": "ي", "ة": "ه"})


@lru_cache(maxsize=50_000)
def plain(word):
    """A word as it is compared."""
    if word.isascii():
        return word.lower()
    word = ACCENTS.sub("", unicodedata.normalize("NFKD", HIDDEN.sub("", word)))
    word = unicodedata.normalize("NFC", word).lower().translate(ALIKE).translate(ALSO_ALIKE)
    if not word.isalnum():
        word = "".join(sign for sign in word if sign.isalnum() or unicodedata.category(sign)[0] == "M")
    return word


def words(text):
    """(word as it is compared, start, end) of each word of a text, in order."""
    if text.isascii():
        for found in PLAIN_WORD.finditer(text):
            yield found[0].lower()[:LONGEST_WORD], found.start(), found.end()
        return
    for found in WORD.finditer(text):
        word = found[0]
        if UNSPACED.search(word):
            yield from parts(word, found.start())
        elif compared := plain(word):
            yield compared[:LONGEST_WORD], found.start(), found.end()


def parts(run, start):
    """The words of a run that holds characters of a script without spaces: pairs of these, and what stands between."""
    signs = [(piece, start + at) for at, sign in enumerate(run) if (piece := plain(sign))]
    at = 0
    while at < len(signs):
        if UNSPACED.match(signs[at][0]):
            pair = at + 1 < len(signs) and UNSPACED.match(signs[at + 1][0])
            yield (
                signs[at][0] + (signs[at + 1][0] if pair else ""),
                signs[at][1],
                signs[at + bool(pair)][1] + 1,
            )
            at += 1
        else:
            begin = at
            while at < len(signs) and not UNSPACED.match(signs[at][0]):
                at += 1
            letters = "".join(sign for sign, _ in signs[begin:at])
            yield letters[:LONGEST_WORD], signs[begin][1], signs[at - 1][1] + 1


def fingerprint(identifier):
    """What stands in the index for a number or mail address, which itself does not."""
    return "#" + hashlib.blake2s(identifier.encode(), digest_size=8).hexdigest()


def vector(text):
    """The text of a tsvector with the words of `text`, their places, and the fingerprints of what is masked in it."""
    hidden = pieces(text)
    places, size, number = {}, 0, 0
    ahead = iter([*((start, end) for start, end, _ in hidden), (len(text) + 1, 0)])
    start, end = next(ahead)
    for word, begin, finish in words(text):
        while begin >= end > 0:
            start, end = next(ahead)
        number += 1
        if finish > start and begin < end:
            continue
        known = places.get(word)
        if known is None:
            size += len(word) * 4 + 8
            if size > MOST_BYTES:
                break
            places[word] = [number]
        elif len(known) < 255:
            known.append(number)
    stored = [
        f"'{word}':{','.join(map(str, at))}" if at[0] < LAST_POSITION else f"'{word}'"
        for word, at in places.items()
    ]
    if hidden:
        stored += [f"'{fingerprint(each)}'" for each in set(identifiers(text))]
    return " ".join(stored)


@dataclass
class Term:
    """Words that stand one after the other; the last is a beginning where `prefix`. `negative`: must not be there."""

    words: list
    prefix: bool = False
    negative: bool = False
    secret: bool = False  # a mail address or number: nothing of it is marked

    def as_tsquery(self):
        asked = [f"'{word}'" for word in self.words]
        if self.prefix:
            asked[-1] += ":*"
        joined = " <-> ".join(asked)
        return f"{'!' if self.negative else ''}({joined})"


@dataclass
class Asked:
    """What somebody searches for. `identifiers` are the mail addresses and numbers in it."""

    terms: list = field(default_factory=list)
    identifiers: list = field(default_factory=list)

    def __bool__(self):
        return bool(self.terms)

    @property
    def only_excludes(self):
        return all(term.negative for term in self.terms)

    def as_tsquery(self):
        """The text of a tsquery."""
        return " & ".join(term.as_tsquery() for term in self.terms)

    def marks(self, text):
        """The places of `text` (masked already) that a search for this found, as sorted [(start, end)]."""
        found = list(words(text))
        spans = set()
        for term in self.terms:
            if term.negative or term.secret:
                continue
            for at in range(len(found) - len(term.words) + 1):
                if self.stands_at(term, found, at):
                    spans.add((found[at][1], found[at + len(term.words) - 1][2]))
        return sorted(span for span in spans if text[span[0] - 1 : span[0]] != "[" or text[span[1]] != "]")

    @staticmethod
    def stands_at(term, found, at):
        *whole, last = term.words
        if any(found[at + step][0] != word for step, word in enumerate(whole)):
            return False
        word = found[at + len(whole)][0]
        return word.startswith(last) if term.prefix else word == last


def asked(text):
    """Reads what was typed: words, "phrases", beginnings*, -excluded ones, whole mail addresses and numbers."""
    query = Asked()
    text = text.replace("\0", " ")[:500]
    for start, end, _ in reversed(pieces(text)):
        negative = text[:start].endswith("-") and not text[: start - 1].strip()[-1:].isalnum()
        for each in identifiers(text[start:end]):
            query.identifiers.append(each)
            query.terms.append(Term([fingerprint(each)], negative=negative, secret=True))
        text = f"{text[: start - negative]} {text[end:]}"
    for found in re.finditer(r'(-?)(?:"([^"]*)"?|([^\s"]+))', text):
        lexemes = [word for word, *_ in words(found[2] if found[3] is None else found[3])]
        lexemes = without_tail(lexemes)
        if lexemes:
            lone = len(lexemes[-1]) == 1 and UNSPACED.match(lexemes[-1])
            prefix = found[0].endswith("*") or bool(lone)
            query.terms.append(Term(lexemes, prefix=prefix, negative=bool(found[1])))
    query.terms = query.terms[:MOST_TERMS]
    return query


def without_tail(lexemes):
    """The last character of a run stands alone in the index, too; where the run may go on it is not asked for."""
    if len(lexemes) > 1 and len(lexemes[-1]) == 1 and len(lexemes[-2]) == 2 and UNSPACED.match(lexemes[-1]):
        return lexemes[:-1]
    return lexemes


def snippet(text, query, before=80, length=260):
    """A part of a masked text around the first mark, marked and escaped, with … where it goes on."""
    marks = query.marks(text)
    begin = max(0, marks[0][0] - before) if marks else 0
    if begin and (space := text.find(" ", begin, begin + 20)) > 0:
        begin = space + 1
    part = text[begin : begin + length]
    places = {
        at - begin
        for start, end in marks
        if start < begin + length
        for at in range(max(start, begin), min(end, begin + length))
    }
    head, tail = "… " if begin else "", " …" if begin + length < len(text) else ""
    if head:
        places = {at + len(head) for at in places}
    return mark(f"{head}{part}{tail}", places)
