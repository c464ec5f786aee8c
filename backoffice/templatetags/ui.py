"""What every page shows the same way: icons, times, amounts, statuses, and values that are not there.

The platform validates little, so a row may hold NULL, NaN, `infinity`, or a value of another type than its
column suggests. Every filter here takes anything and returns something readable; none of them raises.
"""

import html
import json
import logging
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from django import template
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe

from backoffice import icons, texts
from backoffice.addresses import fixed_address, row_address
from backoffice.zones import current_zone

register = template.Library()
logger = logging.getLogger(__name__)

NOT_SET = mark_safe('<span class="missing">not set</span>')
EMPTY = mark_safe('<span class="missing">empty</span>')
MINUS = "\N{MINUS SIGN}"
# Signs that force the direction of text, for str.translate.
TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])

# Tones of the values that we know. A value that is not listed is shown as it is, in the neutral tone.
TONES = {
    "good": "active completed succeeded success published approved verified enabled paid settled yes top_up",
    "bad": "failed error rejected declined blocked overdue outside denied delete no_answer no-answer mismatch",
    "warn": (
        "busy timeout stale pending warning draft correction reversal unverified expired aborting todo retry"
        " suspended"
    ),
    "info": (
        "in_progress in-progress doing running ringing queued pro enterprise info insert voice phone settlement invited"
    ),
    "neutral": (
        "released ended cancelled withdrawn aborted inactive archived free none no inbound outbound text update"
        " opening closing refund goodwill promotion user assistant model system app"
    ),
}  # fmt: skip
WORDS = {"top_up": "Top-up", "timeout": "Timed out"}  # where underscores and a capital do not make the word
TONE_OF = {value: tone for tone, values in TONES.items() for value in values.split()}


@lru_cache(maxsize=512)
def _icon(name: str, size: int, label: str) -> SafeString:
    attributes = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    attributes = {"class": "icon", **attributes}
    try:
        return icons.svg(name, size, attributes)
    except LookupError:
        logger.warning("There is no icon called %r; showing a circle.", name)
        return icons.svg("circle", size, attributes)


@register.simple_tag
def icon(name, size=18, label=""):
    """A lucide icon as inline SVG; hidden from screen readers unless it is given a label."""
    return _icon(str(name or "circle"), int(size), str(label))


icon.always_the_same = True  # of the same arguments (backoffice.quick_nodes)


@register.simple_tag
def nav_sections(sections):
    """The sections of the navigation: {label, items: [{label, url, icon, active, count}]}."""
    parts = []
    for number, section in enumerate(sections or (), 1):
        head, entries = "", "".join([_nav_entry(**entry) for entry in section["items"]])
        named = f' aria-labelledby="nav-{number}"' if section["label"] else ""
        if named:
            head = f'<div class="nav__section" id="nav-{number}">{html.escape(section["label"])}</div>'
        parts.append(f"<div>{head}<ul{named}>{entries}</ul></div>")
    return mark_safe("".join(parts))  # of escaped pieces


@lru_cache(maxsize=512)  # every page has forty of them, and few differ
def _nav_entry(label, url, icon, active, count):
    return format_html(
        '<li><a class="nav__item" href="{}"{}>{}<span>{}</span>{}</a></li>',
        url,
        mark_safe(' aria-current="page"') if active else "",
        _icon(icon, 18, ""),
        label,
        format_html('<span class="badge">{}</span>', count) if count else "",
    )


@register.simple_tag
def url_or_none(name, *args):
    """The address of a URL name, or "" where this installation has no such page."""
    try:
        return row_address(name, *args) if args else fixed_address(name)
    except NoReverseMatch:
        return ""


# Values that may be missing


@register.filter
def missing(value, text="not set"):
    """The value, or a muted "not set" for None and "empty" for an empty text, list or object."""
    if value is None:
        return NOT_SET if text == "not set" else _muted(text)
    if value == "" or value == [] or value == {}:
        return EMPTY if text == "not set" else _muted(text)
    if value is True:
        return "Yes"
    if value is False:
        return "No"
    return value


@lru_cache(maxsize=100, typed=True)  # a text that is safe is not another that reads the same
def _muted(text) -> SafeString:
    return format_html('<span class="missing">{}</span>', text)


def _number(value) -> Decimal | None:
    """The value as a finite Decimal, or None if it is not one."""
    if isinstance(value, bool):
        return Decimal(int(value))
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except (InvalidOperation, ValueError, TypeError):
        return None
    return number if number.is_finite() else None


def _odd_number(value):
    """What to show for what should have been a number: NaN and Infinity by name, the rest as it is."""
    if value is None or value == "":
        return NOT_SET
    return format_html('<span class="missing">{}</span>', str(value))


@register.filter
def number(value, places=0):
    """Digits in groups of three: 1234567 is "1,234,567"; with places, that many behind the point."""
    if type(value) is int and not places and 0 <= value < 10**30:  # most of them, and ten times faster
        return f"{value:,}"
    amount = _number(value)
    if amount is None:
        return _odd_number(value)
    if amount.adjusted() > 30:
        return f"{amount:.3e}".replace("-", MINUS)
    return f"{amount:,.{places}f}".replace("-", MINUS)


@register.filter
def money(value, places=2):
    """An amount with two decimals, or four for costs: {{ cost|money:4 }}. The unit belongs to the label."""
    return number(value, places)


@register.filter
def cost(value):
    """A cost with all places that it has, four at the least: 0.5 is "0.5000", an estimate may be "0.000015"."""
    amount = _number(value)
    return number(value, 4 if amount is None else max(4, -amount.normalize().as_tuple().exponent))


@register.filter
def signed(value, places=2):
    """A change of a balance, always with its sign, as in "+120.00"."""
    amount = _number(value)
    text = number(value, places)
    return f"+{text}" if amount is not None and amount > 0 else text


@register.filter
def approx(value):
    """A row count as an estimate: 1234567 is "~1.2 M", 4321 is "~4.3 k". Small ones are shown as they are."""
    amount = _number(value)
    if amount is None:
        return _odd_number(value)
    if amount < 0:
        return "unknown"
    for limit, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if amount >= limit:
            scaled = amount / limit
            return f"~{scaled:.0f} {unit}" if scaled >= 100 else f"~{scaled:.1f} {unit}".replace(".0 ", " ")
    return f"~{amount:.0f}"


@register.filter
def duration(value):
    """Seconds, or a timedelta, as "0:34", "7:26" or "1:02:03"."""
    seconds = _number(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds is None:
        return _odd_number(value)
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if seconds.adjusted() > 15:
        return f"{sign}{number(seconds)} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours:,}:{minutes:02}:{seconds:02}" if hours else f"{sign}{minutes}:{seconds:02}"


@register.filter
def milliseconds(value):
    """A latency: "640 ms" below a second, then "1.3 s"."""
    amount = _number(value)
    if amount is None:
        return _odd_number(value)
    return f"{number(amount)} ms" if abs(amount) < 1000 else f"{number(amount / 1000, 1)} s"


@register.filter
def short(value, length):
    """A text of at most `length` characters."""
    return texts.short(str(value), length)


@register.filter
def pretty_json(value):
    """A JSON value on several lines; anything else as text."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(value)


# Statuses


@register.filter
def tone(value):
    """good, bad, warn, info or neutral."""
    if value is True:
        return "good"
    return TONE_OF.get(str(value).lower(), "neutral")


@register.filter
def status_pill(value, force=""):
    """A status as a coloured pill. Known values get words ("In progress"), unknown ones are shown raw.

    {{ value|status_pill:"bad" }} chooses the tone; the look never carries the meaning alone.
    """
    if value is None or value == "":
        return missing(value)
    raw = "yes" if value is True else "no" if value is False else str(getattr(value, "value", value))
    return _pill(raw, str(getattr(value, "label", "")), force)


@lru_cache(maxsize=512)  # a page shows the same few a hundred times
def _pill(raw, label, force):
    known = TONE_OF.get(raw.lower())
    text = label or (
        WORDS.get(raw.lower()) or raw.replace("_", " ").replace("-", " ").capitalize() if known else raw
    )
    text = texts.short(text, 60)
    return format_html('<span class="status status--{}">{}</span>', force or known or "neutral", text)


# Times


def _edge(value) -> str:
    """ "infinity" or "-infinity" if the time stands for one of PostgreSQL's, else ""."""
    if value.year >= 9999:
        return "infinity"
    return "-infinity" if value.year <= 1 else ""


def _local(value: datetime) -> datetime:
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value.astimezone(current_zone())


@lru_cache(maxsize=100)
def _zone_name(zone) -> str:
    return escape(zone.tzname(None) or str(zone))


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _ago(moment: datetime, now: datetime) -> str:
    """The distance in words for a week around now, else the date. shell.js says the same; change both."""
    seconds = int((now - moment).total_seconds())
    distance = abs(seconds)
    if distance < 45:
        return "just now"
    if distance < 3600:
        words = f"{max(1, distance // 60)} min"
    elif distance < 86400:
        words = f"{distance // 3600} h"
    elif distance < 7 * 86400:
        words = f"{distance // 86400} d"
    else:
        date = f"{moment.day} {MONTHS[moment.month - 1]}"
        return date if moment.year == now.astimezone(moment.tzinfo).year else f"{date} {moment.year}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _time_tag(value, words):
    """<time> around words(local time), with the exact time and its zone in the title."""
    if value is None or value == "":
        return NOT_SET
    try:
        if not isinstance(value, datetime):
            if isinstance(value, date):
                return _edge(value) or format_html('<time datetime="{0}">{0}</time>', value.isoformat())
            return format_html('<span class="missing">{}</span>', str(value))
        if edge := _edge(value):
            return format_html('<span class="missing" title="PostgreSQL {0}">{0}</span>', edge)
        local = _local(value)
        text, relative = words(local)
        exact = local.isoformat(timespec="seconds")
        return SafeString(
            f'<time datetime="{exact}" title="{exact[:10]} {exact[11:19]} {_zone_name(local.tzinfo)}"'
            f"{' data-relative' if relative else ''}>{text}</time>"
        )
    except (OverflowError, ValueError):  # a year at the edge of the calendar, moved over it by the time zone
        return format_html('<span class="missing">{}</span>', value.isoformat())


@register.filter
def timeago_tag(value):
    """ "3 h ago", with the exact time, in the reader's named zone, on hover. None is "not set"."""

    def words(local):
        now = datetime.now(UTC)
        return _ago(local, now), abs((now - local).total_seconds()) < 7 * 86400

    return _time_tag(value, words)


@register.filter
def time_tag(value):
    """The exact time, "2026-11-22 12:33", in the reader's zone, which the title names."""
    return _time_tag(value, lambda local: (f"{local:%Y-%m-%d %H:%M}", False))


@register.filter
def clock_minutes(value):
    """The time of day without seconds, "14:05", for what ends within the hour."""
    return _time_tag(value, lambda local: (f"{local:%H:%M}", False))


@register.filter
def clock_tag(value):
    """Only the time of day, "12:33:04", for lines under one date."""
    return _time_tag(value, lambda local: (f"{local:%H:%M:%S}", False))


@register.filter
def get(mapping, key):
    """mapping[key] for keys that a template cannot spell, such as "aria-describedby"; None where there is none."""
    try:
        return mapping.get(key)
    except AttributeError:
        return None


# Small things in rows


@register.simple_tag
def copy_button(value, label="Copy"):
    """A button that puts the value on the clipboard; hidden where there is no JavaScript."""
    if value is None or value == "":
        return ""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" title="{}" aria-label="{}">{}{}</button>',
        value,
        label,
        f"{label}: {value}",
        _icon("copy", 14, ""),
        _icon("check", 14, ""),
    )


WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.I)


@register.filter
def linked(text):
    """A text as it is, its web addresses as links; a line break stays one where the style says so (.prose)."""
    pieces, end = [], 0
    for match in WEB_ADDRESS.finditer(text := str(text or "")):
        address = match[0].rstrip(".,;:!?…*_")
        while address.endswith((")", "]", "}")) and address.count(address[-1]) > address.count(
            {")": "(", "]": "[", "}": "{"}[address[-1]]
        ):
            address = address[:-1]
        pieces.append(escape(text[end : match.start()]))
        pieces.append(web_link(address, address))
        end = match.start() + len(address)
    pieces.append(escape(text[end:]))
    return mark_safe("".join(pieces))


@register.simple_tag
def web_link(address, text):
    """A link away from here, which learns nothing about where it was; only text if it is no web address."""
    if not str(address).lower().startswith(("https://", "http://")):
        return conditional_escape(text)
    return format_html(
        '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>', address, text
    )


@register.filter
def short_id(value):
    """The first eight characters of a uuid, whole on hover."""
    text = "" if value is None else str(value)
    if len(text) <= 12:
        return text or missing(value)
    return format_html('<span class="mono" title="{}">{}…</span>', text, text[:8])


@register.filter
def initials(value):
    """One or two letters for a person or an organization."""
    words = re.findall(r"\w+", str(value or "").split("@")[0])
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


@register.filter
def undo_url(message):
    """The address in a message's extra tag "undo:/path/"; only paths on this site count."""
    for tag in str(getattr(message, "extra_tags", "") or "").split():
        if tag.startswith("undo:/") and not tag.startswith("undo://") and "\\" not in tag:
            return tag.removeprefix("undo:")
    return ""


@register.filter
def one_direction(message):
    """A message of django.contrib.messages without the signs by which a name in it would turn the words around it."""
    return str(message).translate(TURNING)


@register.filter
def message_tone(message):
    """The tone of a message of django.contrib.messages."""
    return {"success": "good", "error": "bad", "warning": "warn"}.get(
        getattr(message, "level_tag", ""), "info"
    )


@register.filter
def diff_value(value):
    """One side of a change: texts as they are, None as "not set", lists and objects as JSON."""
    if value is None or value == "" or isinstance(value, bool):
        return missing(value)
    if isinstance(value, dict | list):
        return pretty_json(value)
    return conditional_escape(value)


@register.filter
def scrolls(value):
    """For the box around a diff_value: reachable by keyboard where the value may be longer than the box is high."""
    text = pretty_json(value) if isinstance(value, dict | list) else str(value or "")
    return mark_safe(' tabindex="0"') if len(text) > 200 or text.count("\n") > 5 else ""
