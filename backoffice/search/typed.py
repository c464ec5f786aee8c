"""What a person put into the search box, taken apart: ids, mail, number, address of a page, words."""

import re
import unicodedata
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import phonenumbers
from django.urls import Resolver404, resolve

LONGEST_TEXT = 5000  # an embed snippet, a log line
LONGEST_WORDS = 200  # of it, what is looked for in names
MOST_IDS = 20
FEWEST_DIGITS = 5
LONGEST_NUMBER = 60
UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.I)
MAIL = re.compile(r"[^\s<>()\[\],;:\"'@]+@[^\s<>()\[\],;:\"'@]+\.[^\s<>()\[\],;:\"'@]+")
# Everything that people put between and around the digits of a telephone number.
PHONE = re.compile(r"(?:tel:|sip:|☎|📞)?\s*[+＋]?[\d\s()./\u2010-\u2015\u2212\u00a0-]+(?:;.*)?", re.I)
# What people write in front of one.
CALLED = re.compile(
    r"\s*(?:tele?(?:phone|fon)?|phone|mobile|mobil|fax|number|call(?:er)?)\b\s*[.:]*\s*(?=[+＋(\d])", re.I
)
SHORT_NUMBER = re.compile(r"\s*[+＋(]?[\d\s()./-]*\d[\d\s()./-]*")
NUMBER = re.compile(r"#\s*(\d{1,18})")
# Spaces of all kinds, and the marks around what is copied from an address book or a page written from right to left.
AROUND = "".join(
    map(
        chr,
        (
            *range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x200E, 0x200F,
            *range(0x2028, 0x2030), *range(0x205F, 0x206A), 0x3000, 0xFEFF,
        ),
    )
)  # fmt: skip


@dataclass
class Typed:
    """`text` is what was typed, without NUL, outer spaces and what nobody sees. What it cannot be is empty or None."""

    text: str
    uuids: list = field(default_factory=list)
    mail: str = ""
    token: str = ""  # the whole, if it has no spaces: an id of somebody else's, a domain
    digits: list = field(default_factory=list)  # endings that a telephone number may have, likeliest first
    too_few_digits: bool = False  # it looks like a part of a telephone number, too short to be looked for
    number: int | None = None
    page: object = None  # ResolverMatch of one of our own addresses
    address: str = ""  # that address, path and query
    names: str = ""

    @property
    def is_empty(self):
        return not self.text

    @property
    def is_page(self):
        """Whether it is the address of one of our pages that is about no record, such as a list."""
        return bool(self.page) and "pk" not in self.page.kwargs


def trimmed(text):
    """Without spaces and marks of direction around it."""
    return text.strip(AROUND)


def read(text):
    """A Typed of any text; never raises."""
    text = trimmed(text[:LONGEST_TEXT].replace("\0", " "))
    typed = Typed(text)
    if not text:
        return typed
    typed.page, typed.address = our_page(text)
    if typed.page:
        pk = typed.page.kwargs.get("pk")
        typed.uuids = [pk] if isinstance(pk, uuid.UUID) else []
        return typed
    typed.uuids = list(dict.fromkeys(uuid.UUID(found) for found in UUID.findall(text)))[:MOST_IDS]
    if mails := set(MAIL.findall(text.removeprefix("mailto:"))):
        typed.mail = mails.pop().strip(".") if len(mails) == 1 else ""
    if not re.search(r"\s", text) and len(text) <= 255:
        typed.token = text
    if found := NUMBER.fullmatch(text):
        typed.number = int(found[1])
    else:
        typed.digits = endings(text)
        is_short = len(text) <= LONGEST_NUMBER and bool(SHORT_NUMBER.fullmatch(text))
        typed.too_few_digits = is_short and not typed.digits
    if not typed.uuids:
        typed.names = text[:LONGEST_WORDS]
    return typed


def our_page(text):
    """(ResolverMatch, path and query) of an address of ours, of whatever host; (None, "") for other texts."""
    if re.search(r"\s", text) or not text.startswith(("/", "http://", "https://")):
        return None, ""
    try:
        parts = urlsplit(text)
        path = "/" + parts.path.lstrip("/")
        match = resolve(path)
    except (ValueError, Resolver404):
        return None, ""
    return match, f"{path}?{parts.query}" if parts.query else path


def endings(text):
    """The digits in which a number that was meant may end, for any way of writing it; [] for what is no number.

    "+44 (0)20 7946 0000" is looked for as 442079460000, then as what the country's own people dial.
    """
    text = CALLED.sub("", text, count=1) if len(text) <= LONGEST_NUMBER else text
    if len(text) > LONGEST_NUMBER or not PHONE.fullmatch(text):
        return []
    text = unicodedata.normalize("NFKC", text).partition(";")[0]
    text = re.sub(r"\(\s*0\s*\)", "", text)
    digits = "".join(
        str(unicodedata.digit(sign)) for sign in text if unicodedata.digit(sign, None) is not None
    )
    whole = digits.lstrip("0")
    if len(whole) < FEWEST_DIGITS or len(digits) > 20:
        return []
    found = [whole]
    if "+" in text or digits.startswith("00"):
        try:
            national = str(phonenumbers.parse(f"+{whole}").national_number)
        except phonenumbers.NumberParseException:
            national = ""
        if len(national) >= 7 and national != whole:
            found.append(national)
    return found
