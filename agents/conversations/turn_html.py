"""The HTML of turns: the one way in which pages show what was said.

Python and not a template: a page has 150 turns of twenty values each, for which a template takes twenty times as long.
Whatever comes from the database is escaped where it is put in; the parts of a text come escaped from `shown`.
"""

from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.utils.dateformat import format as date_format
from django.utils.safestring import mark_safe

from backoffice.templatetags.ui import clock_tag, milliseconds


@dataclass(frozen=True)
class Around:
    """The page around turns; without an address they have no links.

    `page_url` is the address of the conversation's page, `absolute_url` the same with its host; `kept` are the
    parameters that links hand on, encoded. `can_seek`: a call's recording is on the page. `review` (reviews.panel()),
    `request` and `back` (back_here(request)) are given where turns are reviewed.
    """

    page_url: str = ""
    absolute_url: str = ""
    kept: str = ""
    can_seek: bool = False
    review: dict | None = None
    request: object = None
    back: str = ""


NOWHERE = Around()


def turns_html(bubbles, around=NOWHERE, *, with_days=True):
    """The <li> of consecutive turns, as bubbles.bubbles() gives them; a new day has a line of its own."""
    pieces = []
    for turn in bubbles:
        if turn["day"] and with_days:
            pieces.append(f'<li class="transcript__day">{date_format(turn["day"], "j F Y")}</li>')
        pieces.append(turn_html(turn, around))
    return mark_safe("".join(pieces))  # escaped piece by piece


def turn_html(turn, around):
    key, side = escape(turn["key"]), turn["side"]
    said = text_html(turn, key, around)
    if side == "system":
        said = f"<details{' open' if turn['is_open'] else ''}><summary>{folded_words(turn)}</summary>{said}</details>"
    moment = f' data-at="{turn["moment"]}"' if turn["moment"] else ""
    target = " data-target" if turn["is_target"] else ""
    return (
        f'<li class="bubble bubble--{side}" id="t-{key}" data-turn="{key}" data-number="{turn["number"]}"'
        f"{moment}{target}>"
        f'<div class="bubble__meta">{meta_html(turn, key, around)}</div>{said}'
        f"{audio_html(turn['audio_url'])}{review_html(turn['key'], key, around)}</li>"
    )


def audio_html(url):
    return f'<audio controls preload="none" src="{escape(url)}" data-of-turn></audio>' if url else ""


def meta_html(turn, key, around):
    """Who, when, and the figures of a turn, with the link to it."""
    clock = clock_html(turn["local"]) if turn["local"] else clock_tag(turn["at"])
    if around.can_seek and turn["moment"]:
        clock = (
            '<button type="button" class="bubble__clock" data-seek title="Play the recording from here">'
            f"{clock}</button>"
        )
    pieces = ['<span id="target"></span>'] if turn["is_target"] else []
    pieces += [f"<strong><bdi>{escape(turn['who'])}</bdi></strong>", clock]
    if turn["offset"]:
        pieces.append(f'<span title="After the start">{turn["offset"]}</span>')
    if turn["latency_ms"] is not None:
        pieces.append(f'<span title="Latency">{latency_words(turn["latency_ms"])}</span>')
    if turn["tokens"] is not None:
        pieces.append(f"<span>{turn['tokens']:,} token{'' if turn['tokens'] == 1 else 's'}</span>")
    if turn["model"]:
        pieces.append(f"<bdi>{escape(turn['model'])}</bdi>")
    if turn["only_in_history"]:
        pieces.append(
            '<span class="status status--warn" title="It stands in the session&#x27;s JSON, and is missing in the'
            ' message table">only in JSON</span>'
        )
    if around.absolute_url:
        place = f"?turn={key}#t-{key}"
        pieces.append(
            f'<a class="bubble__number" href="{around.page_url}{place}" data-copy="{around.absolute_url}{place}"'
            f' title="The link to this turn; a click copies it">#{turn["number"]}</a>'
        )
    return "".join(pieces)


def clock_html(local):
    """What ui.clock_tag makes of a time of our calendar."""
    iso = local.isoformat(timespec="seconds")
    day, clock = iso[:10], iso[11:19]
    zone = local.tzinfo.tzname(None) or str(local.tzinfo)
    return f'<time datetime="{iso}" title="{day} {clock} {escape(zone)}">{clock}</time>'


def latency_words(latency_ms):
    return f"{latency_ms} ms" if 0 <= latency_ms < 1000 else milliseconds(latency_ms)


def folded_words(turn):
    """What stands on a turn of the system or a tool while it is folded."""
    size = turn["size"]
    role = turn["role"] or "Unknown role"
    length = f", {size:,} character{'' if size == 1 else 's'}" if size else ""
    return f"{escape(role[0].upper() + role[1:])} message{length}"


def text_html(turn, key, around):
    """What was said."""
    pieces = [part_html(part) for part in turn["parts"]] or [
        '<div class="bubble__text" dir="auto"><span class="missing">empty</span></div>'
    ]
    if turn["is_cut"] and around.page_url:
        kept, mixed = escape(around.kept), "&amp;mixed=1" if turn["only_in_history"] else ""
        pieces.append(
            f'<a class="bubble__whole" href="{around.page_url}?turn={key}&amp;whole={key}&amp;{kept}#t-{key}"'
            f' hx-get="{around.page_url}turn/{key}/?{kept}{mixed}" hx-target="closest .bubble" hx-swap="outerHTML">'
            f"… Show all {turn['size']:,} characters</a>"
        )
    return "".join(pieces)


def part_html(part):
    if part.kind == "text":
        return f'<div class="bubble__text" dir="auto">{part.html}</div>'
    label = "JSON" if part.kind == "json" else f"Code, {part.language}" if part.language else "Code"
    return (
        f'<pre class="code bubble__code" dir="ltr" tabindex="0" aria-label="{escape(label)}" role="group">'
        f"{part.html}</pre>"
    )


# Under a turn: what reviewers said of it, and the way to say something


def review_html(key, escaped_key, around):
    review, request = around.review, around.request
    if not review:
        return ""
    said = review["turns"].get(key)
    link = add_link(review, key, around.back) if review["may_review"] else ""
    if said is None:
        return (
            f'<div class="turn-review" id="review-{escaped_key}" data-review-part>{link}</div>'
            if link
            else ""
        )
    context = {"review": review, "key": key, "said": said, "add_link": link}
    context |= {"request": request, "user": request.user, "csrf_token": get_token(request)}
    return get_template("agents/turn_review.html").render(context)


def add_link(review, key, back):
    """The link that opens the form for a label or note on a turn; `back` is back_here()."""
    is_plain = key.isascii() and key.replace("-", "").isalnum()  # as the ids of messages are
    url = f"{review['turn_url']}?turn={key if is_plain else quote(key)}"
    return mark_safe(
        f'<a class="turn-review__add" href="{url}&amp;next={back}" hx-get="{url}"'
        ' hx-target="closest [data-review-part]" hx-swap="outerHTML" hx-push-url="false" data-turn-add>'
        "Label or note</a>"
    )


def back_here(request):
    """The address that the reader sees, for a parameter: where a form leads back to without JavaScript."""
    return quote(request.htmx.current_url_abs_path or request.get_full_path())
