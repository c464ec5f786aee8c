"""Personal data in stored text, masked by default: the one place that decides what is personal.

Recognised are mail addresses, bank accounts (IBAN), card numbers, US social security numbers, telephone numbers, and
id numbers: those of LETTERED_ID and NUMERIC_ID, or after a word such as "passport". Text is read as it looks: without
what is invisible, and with digits, dashes, spaces and @ of any script as the plain ones. "anna (at) example dot com"
and "anna%40example.com" are mail addresses too.

A number of seven digits or more is a telephone number unless its form says otherwise: dates, times, prices, versions
and ids made by machines stay readable.

Not recognised: names, street addresses, user names; numbers in words ("oh two oh"), with letters for digits ("O2O") or
of fewer than seven digits.

The time grows with the length only, whatever is written: a pattern begins where a run of characters begins, or gives
up after a bounded distance.
"""

import re
import unicodedata
from collections import Counter
from itertools import compress, count, pairwise
from urllib.parse import unquote

BEYOND_CUT = 400  # characters that are read to recognise a piece with spaces that a cut goes through


def mask(text):
    """The text with each piece replaced by its kind in brackets: "Call [phone]". Takes any value."""
    text = str(text)
    found = pieces(text)
    return masked(text, found, len(text)) if found else text


def mask_beginning(text, length):
    """At most `length` characters of the masked text; of a piece that the cut goes through, nothing is left."""
    shown = length * 12
    start = text[: shown + BEYOND_CUT]
    if len(start) < len(text) and not text[len(start)].isspace():
        last = start.split()[-1:]
        start = start.removesuffix(*last) if last else start
    return masked(start, pieces(start), shown)[:length]


def masked_counts(text):
    """Counter of kinds: how many pieces of each the text has."""
    return Counter(kind for _, _, kind in pieces(text))


def identifiers(text):
    """A key for each piece, in order, the same however it is written: "mail:anna@example.com"; "number:" and the last
    nine digits; "id:" and the letters and digits of an account, or of an id that has letters.
    """
    text = str(text)
    return [identifier(text[start:end], kind) for start, end, kind in pieces(text)]


def pieces(text):
    """[(start, end, kind)] of what is masked, in order, apart from each other. Kinds: "email", "account", "card",
    "ssn", "phone", "id".
    """
    text = str(text)
    if not may_hold(text):
        return []
    folded, found = fold(text), []
    rest = without_mails(folded, found)
    if FEWEST_DIGITS.search(rest):
        rest = without_ids(rest, found)
    if SHORTEST_NUMBER.search(rest):
        find_numbers(rest, found)
    return in_original(text, len(folded), sorted(found))


def masked(text, found, end):
    """The text up to `end`, masked; a piece that begins before it is replaced as a whole."""
    parts, shown = [], 0
    for start, stop, kind in found:
        if start >= end:
            break
        parts += [text[shown:start], f"[{kind}]"]
        shown = stop
    return "".join([*parts, text[shown:end]])


# Text as it looks

PLAIN = re.compile(r"[\t-\r -~]*")


class Folding(dict):
    """What each character is read as: nothing, or one character. Filled as characters are met."""

    def __missing__(self, code):
        if code >= 0x20000:  # ideographs and invisible tags: too many to keep
            return "" if 0xE0000 <= code < 0xE1000 else chr(code)
        self[code] = folded = fold_character(chr(code))
        return folded


LOOKALIKES = {
    char: plain
    for plain, chars in {
        "-": "˗⁃−─━ー",
        ".": "·•‧∙⋅・。۔٫",
        ",": "،٬、",
        "/": "⁄∕",
        ":": "∶꞉",
        "'": "’ʼ",
        "+": "➕",
    }.items()
    for char in chars
}
FILLERS = "\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8"
BY_CATEGORY = {"Pd": "-", "Ps": "(", "Pe": ")", "Cf": "", "Cc": "", "Mn": "", "Mc": "", "Me": ""}


def fold_character(char):
    if PLAIN.fullmatch(char):
        return char
    if char.isspace():
        return " " if unicodedata.category(char) == "Zs" else "\n"
    if char in FILLERS:
        return ""
    category = unicodedata.category(char)
    if category in BY_CATEGORY:
        return BY_CATEGORY[category]
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    normal = unicodedata.normalize("NFKC", char)
    normal = LOOKALIKES.get(normal, normal)
    return (normal if len(normal) == 1 else char).lower()[0]


FOLDED = Folding()


def fold(text):
    """The text as it looks, in small letters."""
    return (text if PLAIN.fullmatch(text) else text.translate(FOLDED)).lower()


def in_original(text, folded_length, found):
    """The pieces of the folded text as places of the text. Marks on a piece's last character belong to it."""
    if not found or folded_length == len(text):
        return found
    places = list(compress(count(), map(FOLDED.__getitem__, map(ord, text))))
    pieces = []
    for start, end, kind in found:
        end = places[end - 1] + 1
        while end < len(text) and unicodedata.category(text[end])[0] == "M":
            end += 1
        pieces.append((places[start], end, kind))
    return pieces


# Whether there is anything to find: of most texts told in a microsecond or two

MAIL_WORDS = (
    *("(at", "[at", "{at", "<at", "( at", "[ at", "&commat"),
    *("arroba", "arobase", "chiocciola", "klammeraffe", "собака"),
)
ZEROS = "0٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰０"
MAY_HOLD_ASCII = re.compile(r"[0-9@\x00-\x08\x0e-\x1f\x7f]")
# Digits, @, and what could hide a letter of those words.
MAY_HOLD = re.compile(
    "[@＠﹫"
    + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in ZEROS)
    + "²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒"
    r"\x00-\x08\x0e-\x1f\x7f\xad\u0300-\u036f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeffＡ-Ｚａ-ｚ"
    r"\U00010000-\U0001efff\U0001f100-\U0001f10a\U0001fbf0-\U0001fbf9\U000e0000-\U000e0fff]"
)


def may_hold(text):
    if text.isascii():
        return MAY_HOLD_ASCII.search(text) or may_hold_words(text.lower())
    text = text.replace("\ufe0f", "").replace("\u200d", "")  # of which emoji are made
    return MAY_HOLD.search(text) or may_hold_words(text.lower())


def may_hold_words(lower):
    for word in MAIL_WORDS:  # a loop takes half the time of any()
        if word in lower:
            return True
    return (" at " in lower or " ät " in lower) and BARE_AT.search(lower)


# Mail addresses

# Scripts written without spaces: a word of theirs beside an address is not a part of it.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
SPACED = rf"[^\W{UNSPACED}]"
SIGNS = r".!#$%*+^{|}~'-"  # in an address before the @, besides letters and digits
BEGIN = rf"(?<![{SIGNS}])[{SIGNS}]*+"  # a run is tried once, from where it begins
DOT_WORD = r"(?:dot|punkt|punto|point|ponto|точка)"
DOT = (
    rf"(?:(?=[\s(\[{{<])(?:\s{{1,3}}{DOT_WORD}\s{{1,3}}"
    rf"|\s{{0,3}}[(\[{{<]\s{{0,2}}(?:{DOT_WORD}|\.)\s{{0,2}}[)\]}}>]\s{{0,3}}))"
)
AT = r"""(?:(?=[\s@%&(\[{<])(?:
    \s{0,3}(?:@|%(?:25){0,3}40|&\#0{0,5}64;|&\#x0{0,5}40;|&commat;|[(\[{<]\s{0,2}(?:at|ät|@|arroba)\s{0,2}[)\]}>])\s{0,3}
    |\s{1,3}(?:arroba|arobase|chiocciola|klammeraffe|собака)\s{1,3}))"""
NAME = r"[\w-]{1,63}"
LAST = r"[^\W\d_][\w-]*\w"
PROVIDER = r"(?:gmail|googlemail|yahoo|hotmail|outlook|icloud|gmx|web)\.[a-z]{2,3}(?:\.[a-z]{2})?\b"
BARE_AT = re.compile(rf"\s(?:at|ät)\s{{1,3}}(?:(?:{NAME}(?:\.|{DOT})){{0,8}}{NAME}{DOT}{LAST}|{PROVIDER})")

PLAIN_MAIL = re.compile(
    rf"(?<!{SPACED}){BEGIN}([a-z\d_][a-z\d_{SIGNS}]*"
    rf"@[a-z\d_-][a-z\d_.-]*\.[a-z][a-z\d-]*[a-z\d])(?!{SPACED})"
)
MAIL = re.compile(
    rf"""(?<!\w){BEGIN}(\w[\w{SIGNS}]*(?:{DOT}[\w{SIGNS}]+){{0,4}}
        (?:{AT}(?:{NAME}(?:\.|{DOT}|\s?\.\s(?=(?:com|net|org)\b))){{1,8}}{LAST} | \s{{0,2}}{BARE_AT.pattern}))""",
    re.VERBOSE,
)


def without_mails(folded, found):
    if "@" in folded:
        folded = taken(PLAIN_MAIL, "email", folded, found)
    if any(sign in folded for sign in ("@", "%40", "%25", "&#")) or may_hold_words(folded):
        folded = taken(MAIL, "email", folded, found)
    return folded


def taken(pattern, kind, folded, found):
    """The text with what the pattern's first group takes added to `found` and blanked out, each place where it was."""

    def take(match):
        start, end = match.span(1)
        found.append((start, end, kind))
        return folded[match.start() : start] + "\0" * (end - start) + folded[end : match.end()]

    return pattern.sub(take, folded)


# Ids, and what machines write

FEWEST_DIGITS = re.compile(r"\d(?:\D*+\d){3}")  # of an id
NAMED_IDS = (
    *("passp", "pasap", "passeport", "reisepass", "paspoort", "ausweis", "führerschein", "licen", "identit"),
    *("паспорт", "护照", "護照", "旅券", "パスポ", "여권", "جواز"),
)
NAMED_ID = re.compile(
    rf"(?:{'|'.join(NAMED_IDS)})[^\d\0]{{0,30}}?(?<![a-z\d])"
    r"((?=(?:[a-z -]{0,3}\d){5})(?:[a-z]{1,3}-?|[a-z] )?\d[a-z\d]{4,12})(?![a-z\d])"
)
IBAN_COUNTRIES = {
    15: "no", 16: "be", 18: "dk|fi|fk|fo|gl|nl|sd", 19: "mk|si", 20: "at|ba|ee|kz|lt|lu|mn|xk", 21: "ch|hr|li|lv",
    22: "bg|bh|cr|de|gb|ge|ie|me|rs|va", 23: "ae|gi|il|iq|om|so|tl", 24: "ad|cz|dz|es|md|pk|ro|sa|se|sk|tn|vg",
    25: "ly|pt|st", 26: "is|tr", 27: "bi|dj|fr|gr|it|mc|mr|sm", 28: "al|az|by|cy|do|gt|hn|hu|lb|ni|pl|sv",
    29: "br|eg|ps|qa|ua", 30: "jo|kw|mu|ye", 31: "mt|sc", 32: "lc", 33: "ru",
}  # fmt: skip
IBAN = "|".join(
    rf"(?:{countries})[ -]?\d[ -]?\d(?:[ .-]{{0,2}}[a-z\d]){{{length - 4}}}"
    for length, countries in IBAN_COUNTRIES.items()
)
LETTERED_ID = r"""
    (?:[a-ceghj-pr-tw-z][a-np-tw-z]|qq)(?:[ .-]?\d\d){3}[ .-]?[a-d]  # UK national insurance
    | [xyz][ .-]?\d{7}[ .-]?[a-z]  # Spanish NIE
    | [a-z]{3}[abcfghljpt][a-z]\d{4}[a-z]  # Indian PAN
    | [a-z]{6}\d\d[a-ehlmprst]\d\d[a-z]\d{3}[a-z]  # Italian codice fiscale
    | [a-z]{4}\d{6}[hmx][a-z]{5}[a-z\d]\d  # Mexican CURP
"""
NO_MORE = r"(?![\s().,/-]{0,4}\d)"
MONEY = r"(?:[1-9]\d?(?:[., ']\d{3}){2}|[1-9]\d{0,2}[., ']\d{3}|[1-9]\d{0,4}|0)(?:[.,]\d\d?)?"
LETTERED = re.compile(
    rf"""
    (?<![a-z\d])(?:(?=[a-z]{{1,6}}+[ .-]{{0,2}}+\d)(?:
        (?=[a-z]{{2}}[ -]?\d[ -]?\d)(?P<account>{IBAN})(?![a-z\d])
        | (?P<id>{LETTERED_ID})(?![a-z\d])
        | v\d{{1,4}}(?:\.\d{{1,6}}){{1,4}}(?!\.?\d)  # a version
        | (?:usd|eur|gbp|chf|inr|rs\.?)\s?{MONEY}(?:\s?-\s?{MONEY})?{NO_MORE}
        | [a-z]{{1,6}}-(?:19|20)\d\d-\d{{1,6}}{NO_MORE})  # ORD-2025-001234
    | (?=[\da-f]{{8}})(?:
        [\da-f]{{8}}(?:-[\da-f]{{4}}){{3}}-[\da-f]{{12}}  # a uuid
        | (?=\d*+[a-f]++\d++[a-f])[\da-f]{{16,}}  # hexadecimal
        )(?![a-z\d]))
    """,
    re.VERBOSE,
)


def without_ids(folded, found):
    for word in NAMED_IDS:
        if word in folded:
            folded = taken(NAMED_ID, "id", folded, found)
            break

    def take(match):
        kind = match.lastgroup
        if kind == "account" and not is_iban(match[0]):
            return match[0]
        if kind:
            found.append((*match.span(), kind))
        return "\0" * len(match[0])

    return LETTERED.sub(take, folded)


# Numbers

SHORTEST_NUMBER = re.compile(r"\d(?:[\s().,/_*|~':-]{0,4}\d){6}")
NUMERIC_ID = r"""
    \d{8}-?[a-z] | \d\d\.\d{3}\.\d{3}-?[a-z]  # Spanish DNI
    | \d{6}(?:19|20)\d\d[01]\d[0-3]\d{4}[\dx]  # Chinese resident identity card
    | \d{3}\.\d{3}\.\d{3}-\d\d  # Brazilian CPF
    | [2-9]\d{3}[ -]\d{4}[ -]\d{4}(?![ -]?\d)  # Indian Aadhaar
"""
MONTH, DAY, TIME = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]?\d|2[0-3])[:.][0-5]\d"
SIGN_OF_MONEY = "[$€£¥₹₽₺₩]"
CURRENCY = rf"(?:{SIGN_OF_MONEY}|(?:usd|eur|gbp|chf|inr)\b)"
READABLE = rf"""
    (?<![a-z])(?<!\d[./-])(?:
        (?:19|20)\d\d(?P<dash>[-./]){MONTH}(?P=dash){DAY}(?![./-]?\d)  # 2025-11-26T12:30:05.123Z
            (?:[t_ ]{TIME}(?:[:.]\d\d(?:[.,]\d{{1,6}})?)?(?:z|\s?[+-]\d\d:?\d\d)?(?!\.?\d))?
        | (?:19|20)\d\d{MONTH}{DAY}[t_-](?:[01]\d|2[0-3])(?:[0-5]\d){{2}}(?!\d)  # 20251126T123005
        | (?=\d\d?[./-])(?:{DAY}|\d)(?P<dot>[-./])\s?(?:{DAY}|\d)(?P=dot)\s?  # 26.11.2025
            (?:(?:19|20)\d\d|\d\d(?=\s{{1,3}}{TIME}))(?![./-]?\d)
        | (?=\d\d?[:.]\d\d)(?:
            {TIME}\s?-\s?{TIME}(?:[\s,/]{{1,3}}{TIME}\s?-\s?{TIME}){{0,6}}{NO_MORE}  # 9.00-12.00 13.30-18.00
            | (?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{{1,6}})?)?(?!:?\d))
        | 0\.\d{{1,17}}{NO_MORE}
        | [1-9]\d{{0,2}}(?:,\d{{3}}){{1,4}}(?:\.\d\d(?![\d-])|{NO_MORE})
        | (?=[\d\s.,'-]{{1,30}}+{CURRENCY})(?<!\d\s)(?:{MONEY}\s?-\s?)?{MONEY}\s?{CURRENCY}(?!\s?\d))
    | {SIGN_OF_MONEY}\s?{MONEY}(?:\s?-\s?{SIGN_OF_MONEY}?\s?{MONEY})?{NO_MORE}
    | (?<![a-z.+])\d{{1,3}}\.0\.\d{{4,5}}\.\d{{1,5}}(?!\.?\d)  # Chrome/120.0.6099.109
    | (?<=_)1[5-9]\d{{11}}(?:_[a-z\d]{{9}})?(?![a-z\d])  # session_1765000000000_k3j9x2m1q
"""
NUMBERS = re.compile(
    rf"""
    (?=[+($€£¥₹₽₺₩]|(?<!\d)\d)(?=\D{{0,4}}{SHORTEST_NUMBER.pattern})(?:
    (?<![a-z])(?P<id>{NUMERIC_ID})(?![a-z\d])
    | (?P<readable>{READABLE})
    | (?P<card>(?<!\+)\d{{4}}(?:[ .-]{{1,3}}\d{{4}}){{3}}(?!\d))
    | (?P<ssn>(?<!\+)(?<!\d[ .-])\d{{3}}[ .-]\d\d[ .-]\d{{4}}(?![ .-]?\d))
    | (?P<number>
        (?:\+[\s(]{{0,3}}|(?<![a-z\d_])\({{0,2}}(?=0))\d(?:[\s().,/_*|~'-]{{0,4}}\d){{6,23}}
        | (?<![a-z\d_])\({{0,2}}\d(?:[\s()./-]{{0,4}}\d){{6,23}}
        | (?<=[a-z_])\d(?:[\s()./-]{{0,4}}\d){{8,23}}))  # glued to a word: not the end of an id
    """,
    re.VERBOSE,
)
MOST_DIGITS = 24  # that NUMBERS takes at once
REST_OF_NUMBER = re.compile(r"[\d\s()./-]*\d")
DIGITS = re.compile(r"\d+")
WHEN = re.compile(rf"\d{{4}}-{MONTH}-{DAY}(?!\d)|\d\d?([./-])\d\d?\1\d{{4}}(?!\d)|\d\d?:\d\d")


def find_numbers(folded, found):
    place = 0
    while match := NUMBERS.search(folded, place):
        kind, (start, place) = match.lastgroup, match.span()
        if kind == "number":
            start, place = number_in(folded, start, place)
            kind = kind_of_number(folded[start:place])
        if kind != "readable":
            found.append((start, place, kind))


def number_in(folded, start, end):
    """Where the first number of a run of digits begins and ends: of several side by side, each is one."""
    groups = [match.span() for match in DIGITS.finditer(folded, start, end)]
    left = sum(stop - begin for begin, stop in groups)
    is_cut = left == MOST_DIGITS
    left += 9 * is_cut  # may follow
    seen = 0
    for (begin, stop), (following, _) in pairwise(groups):
        seen += stop - begin
        left -= stop - begin
        if seen >= 7 and another_begins(folded, begin, stop, following, seen, left):
            end = stop
            break
    else:
        if is_cut and (rest := REST_OF_NUMBER.match(folded, end)):
            end = rest.end()
    if folded[start] == "(" and ")" not in folded[start:end]:
        start += 1
    return start, end


def another_begins(folded, begin, stop, following, seen, left):
    """Whether a number ends with the digits at begin:stop, and those at `following` are another's. Of this one `seen`
    digits were seen; `left` follow.
    """
    gap = folded[stop:following]
    are_two = left >= 7 and stop - begin > 1  # single digits are spelled out
    if "\n" in gap or "," in gap:
        return are_two or seen >= 10
    if gap in (" ", "\t"):
        is_next = seen >= 9 <= left and folded[following] == "0"
        return is_next or stop - begin >= 14 or WHEN.match(folded, following)
    return are_two and (gap.isspace() or " - " in gap or any(sign in gap for sign in "/|*~"))


def kind_of_number(number):
    if number.startswith(("+", "00")):
        return "phone"
    if len(number) < 13:
        return "phone"
    digits = compact(number)
    return "card" if 16 <= len(digits) <= 19 or (13 <= len(digits) <= 15 and is_card(digits)) else "phone"


def is_card(digits):
    """By its check digit (Luhn)."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def is_iban(text):
    """By its check digits; what is mostly digits is taken with a mistake in them."""
    code = compact(text)
    if 3 * sum(map(str.isdigit, code)) >= 2 * len(code):
        return True
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


# Keys for the search of what is masked


def identifier(piece, kind):
    if kind == "email":
        return "mail:" + mail_address(piece)
    code = compact(fold(piece))
    return "number:" + code[-9:] if kind != "account" and code.isdigit() else "id:" + code


def compact(text):
    return "".join(filter(str.isalnum, text)).upper()


SIGN = re.compile(rf"{AT}|\s+(?:at|ät)\s+", re.VERBOSE)
OVERLAYS = re.compile(r"[\u0300-\u036f\u0488\u0489\u20d0-\u20ff]+")


def mail_address(piece):
    # Marks stay as far as they are letters with them: ü is another letter than u, struck out or not.
    seen = "".join(c for c in piece if FOLDED[ord(c)] or (c < "\ufe00" and unicodedata.category(c)[0] == "M"))
    seen = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    seen = OVERLAYS.sub("", seen).replace("。", ".").replace("’", "'")
    local, domain = re.split(SIGN, seen, maxsplit=1)
    return "".join(unquote(re.sub(DOT, ".", f"{local}@{domain}")).split())
