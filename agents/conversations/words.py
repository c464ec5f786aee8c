"""The words of a text as the search index holds them, and what is asked of it: one reading of text for both sides.

Words are compared without case and accents; runs of scripts that put no space between words (Chinese, Japanese, Thai …)
count as their pairs of neighbours, so that any part of a run is found. What the pages mask (mail addresses, numbers) is
no word: it is found whole only, by a fingerprint.
"""

import hashlib
import operator
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from backoffice.masking import identifiers, pieces
from backoffice.search.highlight import ACCENTS, ALIKE, mark

# Raise it with every change of what words() or the masks make of a text: all turns are then read again.
READING = 1
LONGEST_WORD = 60
LONGEST_QUERY = 500
MOST_TERMS = 12
# Of a longer run nothing more is compared: putting the marks of one in order takes the square of its length.
LONGEST_RUN = 240
MOST_BYTES = 900_000  # PostgreSQL keeps 1 MB of words for a text
LAST_POSITION = 16_383
MOST_POSITIONS = 255
SHORT = 2_000  # characters
# What nobody sees, and what belongs to a word without being a letter: marks of all scripts.
UNSEEN = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
SIGNS = [chr(code) for code in range(0x20000)]  # beyond are rare Chinese characters only
# Digits of all scripts; letters of Arabic script that are written either way, or otherwise in Persian and Urdu.
ALSO_ALIKE = {
    **{ord(sign): str(unicodedata.decimal(sign)) for sign in SIGNS if unicodedata.category(sign) == "Nd"},
    **str.maketrans("ىةیک", "يهيك"),
}


def ranges(signs):
    """The inside of a character class for characters in the order of their codes."""
    found = []
    for sign in signs:
        if found and ord(sign) == ord(found[-1][1]) + 1:
            found[-1][1] = sign
        else:
            found.append([sign, sign])
    return "".join(first if first == last else f"{first}-{last}" for first, last in found)


MARKS = ranges([sign for sign in SIGNS if unicodedata.category(sign)[0] == "M" and sign > "\u02ff"])
del SIGNS
WORD = re.compile(rf"(?:[^\W_]|[{MARKS}{UNSEEN}])+")
PLAIN_WORD = re.compile(r"[^\W_]+")
HIDDEN = re.compile(rf"[{UNSEEN}\u0640]")
# Thai and Lao, Burmese, Khmer, Chinese, Japanese (also of half width), Bopomofo, rare Chinese.
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    r"\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
# Japanese marks of voice, which may stand as signs of their own behind the one that they change.
VOICED = frozenset("\u3099\u309a\uff9e\uff9f")


@lru_cache(maxsize=50_000)
def plain(word):
    """A word of at most LONGEST_RUN characters as it is compared."""
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
            yield found[0][:LONGEST_WORD].lower(), found.start(), found.end()
        return
    for found in WORD.finditer(text):
        word = found[0]
        if word.isascii():
            yield word[:LONGEST_WORD].lower(), found.start(), found.end()
        elif UNSPACED.search(word):
            yield from parts(word, found.start())
        elif compared := plain(word[:LONGEST_RUN]):
            yield compared[:LONGEST_WORD], found.start(), found.end()


def parts(run, start):
    """The words of a run that holds characters of a script without spaces: pairs of these, and what stands between."""
    signs = compared_signs(run, start)
    last = len(signs) - 1
    at = 0
    while at <= last:
        sign, is_unspaced, begin, end = signs[at]
        if is_unspaced:
            if at < last and signs[at + 1][1]:
                yield sign + signs[at + 1][0], begin, signs[at + 1][3]
            else:
                yield sign, begin, end
            at += 1
        else:
            first = at
            while at <= last and not signs[at][1]:
                at += 1
            letters = "".join(sign for sign, *_ in signs[first : min(at, first + LONGEST_WORD)])
            yield letters[:LONGEST_WORD], begin, signs[at - 1][3]


def compared_signs(run, start):
    """[(a character as it is compared, whether its script is unspaced, start, end)].

    A mark of voice is one with the character before it.
    """
    signs = []
    for at, character in enumerate(run, start):
        sign, is_unspaced = compared_sign(character)
        if character in VOICED and signs and signs[-1][3] == at:
            before, was_unspaced, begin, _ = signs[-1]
            signs[-1] = (voiced(before, character), was_unspaced, begin, at + 1)
        elif sign:
            signs.append((sign, is_unspaced, at, at + 1))
    return signs


@lru_cache(maxsize=1_000)
def voiced(sign, mark_of_voice):
    together = unicodedata.normalize("NFKC", sign + mark_of_voice)
    return together if len(together) == 1 else sign


@lru_cache(maxsize=20_000)
def compared_sign(character):
    sign = plain(character)
    return sign, bool(UNSPACED.match(sign))


def fingerprint(identifier):
    """What stands in the index for a number or mail address, which itself does not; no word begins like it."""
    return "#" + hashlib.blake2s(identifier.encode(), digest_size=8).hexdigest()


def vector(text):
    """The text of a tsvector with the words of `text`, their places, and the fingerprints of what is masked in it."""
    hidden = pieces(text)
    if not hidden and len(text) < SHORT and len(found := compared(text)) <= MOST_POSITIONS:
        return short_vector(found)
    stored = [
        f"'{word}':{','.join(map(str, at))}" if at[0] < LAST_POSITION else f"'{word}'"
        for word, at in places(text, hidden).items()
    ]
    if hidden:
        stored += [f"'{fingerprint(each)}'" for each in sorted(set(identifiers(text)))]
    return " ".join(stored)


def short_vector(found):
    """The same of few words in a text in which nothing is hidden, as most are: no limit is reached."""
    stored = {}
    for place, word in enumerate(found, 1):
        before = stored.get(word)
        stored[word] = f"'{word}':{place}" if before is None else f"{before},{place}"
    return " ".join(stored.values())


def compared(text):
    """The words alone that words() finds."""
    if text.isascii():
        return [word[:LONGEST_WORD] for word in PLAIN_WORD.findall(text.lower())]
    if not UNSPACED.search(text):
        found = (plain(word[:LONGEST_RUN]) for word in WORD.findall(text))
        return [word[:LONGEST_WORD] for word in found if word]
    found = []
    for word in WORD.findall(text):
        if UNSPACED.search(word):
            found += compared_parts(word)
        elif known := plain(word[:LONGEST_RUN]):
            found.append(known[:LONGEST_WORD])
    return found


def compared_parts(run):
    """The words alone that parts() finds."""
    signs = [sign for sign, is_unspaced in map(compared_sign, run) if is_unspaced and sign]
    if len(signs) < len(run) or not VOICED.isdisjoint(run):
        return [word for word, _, _ in parts(run, 0)]
    return [*map(operator.add, signs, signs[1:]), signs[-1]]


def places(text, hidden):
    """{word: [its places, counted from 1]}; words that touch a piece of `hidden` only count.

    Of a text with too many different words the last are left out.
    """
    found, size = {}, 0
    ahead = iter([*((start, end) for start, end, _ in hidden), (len(text) + 1, len(text) + 1)])
    start, end = next(ahead)
    for number, (word, begin, finish) in enumerate(words(text), 1):
        while begin >= end:
            start, end = next(ahead)
        if finish > start:
            continue
        if (known := found.get(word)) is None:
            size += len(word) * 4 + 8
            if size > MOST_BYTES:
                break
            found[word] = [number]
        elif len(known) < MOST_POSITIONS and number < LAST_POSITION:
            known.append(number)
    return found


@dataclass
class Term:
    """Words that stand one after the other; the last is a beginning where `prefix`. `negative`: must not be there.

    `typed` is what it was read from; `secret` the kind of a mail address or number, of which nothing is marked.
    """

    words: list
    typed: str = ""
    prefix: bool = False
    negative: bool = False
    secret: str = ""

    def told(self):
        """(how a message has it, what was typed), for people."""
        with_it = "without" if self.negative else "with"
        if self.secret:
            return f"{with_it} what is masked as [{self.secret}]:", self.typed
        if self.prefix and not UNSPACED.search(self.typed):
            return f"{with_it} a word that begins with", self.typed
        if len(self.words) > 1 and not UNSPACED.search(self.typed):
            return f"{with_it} the phrase", self.typed
        return with_it, self.typed

    def parts(self):
        asked = [f"'{word}'" for word in self.words]
        if self.prefix:
            asked[-1] += ":*"
        return asked

    def as_tsquery(self):
        joined = " <-> ".join(self.parts())
        return f"{'!' if self.negative else ''}({joined})"

    def stands_at(self, found, at):
        """Whether the words found in a text, as words() gives them, have this term at a place."""
        *whole, last = self.words
        if at + len(whole) >= len(found):
            return False
        if any(found[at + step][0] != word for step, word in enumerate(whole)):
            return False
        word = found[at + len(whole)][0]
        return word.startswith(last) if self.prefix else word == last


@dataclass
class Asked:
    """What somebody searches for: `terms`, and in `left_out` what holds no word or was too much."""

    text: str = ""
    terms: list = field(default_factory=list)
    left_out: list = field(default_factory=list)

    def __bool__(self):
        return bool(self.terms)

    def __str__(self):
        return self.text

    @property
    def secrets(self):
        """The kinds of mail addresses and numbers asked for, each as often as it is."""
        return [term.secret for term in self.terms if term.secret]

    @property
    def only_excludes(self):
        return all(term.negative for term in self.terms)

    @property
    def has_phrase(self):
        return any(len(term.words) > 1 for term in self.terms)

    def told(self):
        """[(how, what)] of each term, for people; [] where plain words say so themselves."""
        told = [term.told() for term in self.terms]
        return told if self.left_out or any(how != "with" for how, _ in told) else []

    def needed(self):
        """The words and beginnings that a text must have, each as the text of a tsquery, in order."""
        asked = [part for term in self.terms if not term.negative for part in term.parts()]
        return list(dict.fromkeys(asked))

    @property
    def is_one_word(self):
        return len(self.terms) == len(self.needed()) == 1

    def as_tsquery(self):
        """The text of a tsquery."""
        return " & ".join(term.as_tsquery() for term in self.terms)

    def found_in(self, text):
        """[(start, end, number of the term)] where a text (masked already) has what was asked for, in order."""
        found = list(words(text))
        spans = set()
        for number, term in enumerate(self.terms):
            if term.negative or term.secret:
                continue
            beginning = term.words[0]
            for at, (word, start, _) in enumerate(found):
                if word.startswith(beginning) and term.stands_at(found, at):
                    spans.add((start, found[at + len(term.words) - 1][2], number))
        # What stands for a masked piece, such as [phone], was not said.
        return sorted(
            span
            for span in spans
            if (text[max(0, span[0] - 1) : span[0]], text[span[1] : span[1] + 1]) != ("[", "]")
        )

    def marks(self, text):
        """The places of `text` (masked already) that a search for this found, as sorted [(start, end)]."""
        return sorted({(start, end) for start, end, _ in self.found_in(text)})


def asked(text):
    """Reads what was typed: words, "phrases", beginnings*, -excluded ones, whole mail addresses and numbers."""
    text = text.replace("\0", " ").translate(str.maketrans("“”„‟«»＂", '"' * 7))[:LONGEST_QUERY].strip()
    query = Asked(text)
    secrets = []
    for (start, end, kind), key in reversed(list(zip(pieces(text), identifiers(text), strict=True))):
        negative = text[:start].endswith("-") and not text[max(0, start - 2) : start - 1].strip()
        secrets.append(Term([fingerprint(key)], text[start:end], negative=negative, secret=kind))
        text = f"{text[: start - negative]} {text[end:]}"
    query.terms = secrets[::-1]
    for found in re.finditer(r'(-?)(?:"([^"]*)(?:"|$)|([^\s"]+))(\*?)', text):
        typed = found[2] if found[3] is None else found[3]
        lexemes = without_tail([word for word, *_ in words(typed)])
        if lexemes and len(query.terms) < MOST_TERMS:
            lone = len(lexemes[-1]) == 1 and UNSPACED.match(lexemes[-1])
            prefix = found[0].endswith("*") or bool(lone)
            query.terms.append(Term(lexemes, typed.rstrip("*"), prefix=prefix, negative=bool(found[1])))
        elif typed.strip("*- "):
            query.left_out.append(typed)
    return query


def without_tail(lexemes):
    """The last character of a run stands alone in the index, too; where the run may go on it is not asked for."""
    if len(lexemes) > 1 and len(lexemes[-1]) == 1 and UNSPACED.match(lexemes[-2]) and len(lexemes[-2]) > 1:
        return lexemes[:-1]
    return lexemes


def snippet(text, query, before=80, length=260):
    """A part of a masked text with as many terms as possible, marked and escaped, with … where it goes on."""
    spans = query.found_in(text)
    begin = max(0, best_start(spans, length - before) - before)
    if begin and (space := text.find(" ", begin, begin + 20)) > 0:
        begin = space + 1
    end = begin + length
    head, tail = "… " if begin else "", " …" if end < len(text) else ""
    shift = len(head) - begin
    marked = {
        at + shift
        for start, finish, _ in spans
        if start < end and finish > begin
        for at in range(max(start, begin), min(finish, end))
    }
    return mark(f"{head}{text[begin:end]}{tail}", marked)


def best_start(spans, width):
    """Where the first of the parts of `width` characters begins that have the most different terms; 0 for no spans."""
    best, most = 0, 0
    for number, (start, _, _) in enumerate(spans[:200]):
        terms = len({term for _, end, term in spans[number : number + 50] if end <= start + width})
        if terms > most:
            best, most = start, terms
    return best
