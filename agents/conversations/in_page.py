"""Find in one conversation: any part of a text, without regard to case, accents and what is invisible.

What is searched is what is shown: masked text, unless whoever reads has revealed it.
"""

import re
import time
import unicodedata
from dataclasses import dataclass, field

from agents.conversations.shown import text_of
from agents.conversations.transcript import every
from agents.conversations.words import ALSO_ALIKE, HIDDEN
from backoffice.search.highlight import ACCENTS, ALIKE

LONGEST = 200
MOST = 2000
SECONDS = 10
KEPT = 50_000


class Folding(dict):
    """What a character is compared as: none, one or several. Filled as characters are met."""

    def __missing__(self, sign):
        if HIDDEN.match(sign):
            plain = ""
        else:
            plain = ACCENTS.sub("", unicodedata.normalize("NFKD", sign))
            plain = unicodedata.normalize("NFC", plain).lower().translate(ALIKE).translate(ALSO_ALIKE)
        if len(self) < KEPT:
            self[sign] = plain
        return plain


FOLDED = Folding()


class Needle:
    """What somebody looks for; false where nothing of it is left to compare."""

    def __init__(self, typed):
        self.typed = typed.replace("\0", "")[:LONGEST].strip()
        words = "".join(FOLDED[sign] for sign in self.typed).split()
        self.pattern = re.compile(r"\s+".join(map(re.escape, words))) if words else None

    def __bool__(self):
        return self.pattern is not None

    def spans(self, text):
        """[(start, end)] of each place in a text where it stands, in order and apart from each other."""
        if text.isascii():
            return [found.span() for found in self.pattern.finditer(text.lower())]
        letters = [FOLDED[sign] for sign in text]
        found = list(self.pattern.finditer("".join(letters)))
        if not found:
            return []
        places = [place for place, letter in enumerate(letters) for _ in letter]
        return [(places[each.start()], after(letters, places[each.end() - 1])) for each in found]


def after(letters, place):
    """Where a character ends: with the accents that follow it."""
    place += 1
    while place < len(letters) and not letters[place]:
        place += 1
    return place


@dataclass
class Hits:
    """Where it stands: for each place the key of its turn, and which of the turn's places it is.

    `is_part`: there are more than MOST, or time was up before the end.
    """

    places: list = field(default_factory=list)
    is_part: bool = False

    def __len__(self):
        return len(self.places)


def hits(record, needle, *, revealed=False):
    """The Hits in a whole conversation."""
    found, until = Hits(), time.monotonic() + SECONDS
    for turn in every(record):
        text, _ = text_of(turn.content, revealed=revealed)
        found.places += [(turn.key, index) for index, _ in enumerate(needle.spans(text))]
        if len(found) > MOST or time.monotonic() > until:
            return Hits(found.places[:MOST], is_part=True)
    return found
