"""The HTML of the palette's hits: Python and not a template, for it is asked for with every letter that is typed."""

from html import escape

from django.utils.safestring import mark_safe

from backoffice.templatetags.ui import icon


def groups_html(groups):
    """What was found, under the names of the kinds."""
    # Escaped piece by piece.
    return mark_safe(
        "".join([group_html(group.kind.label, [(hit, "") for hit in group.hits]) for group in groups])
    )


def recent_html(hits):
    """The records that were opened lately, each with what kind it is of."""
    return mark_safe(group_html("Opened lately", [(hit, hit.kind.label) for hit in hits]) if hits else "")


def group_html(label, hits):
    label = escape(label)
    return (
        f'<div class="palette__group" role="group" aria-label="{label}"><div class="palette__head"'
        f' role="presentation">{label}</div>{"".join([hit_html(hit, hint) for hit, hint in hits])}</div>'
    )


def hit_html(hit, hint):
    """One hit (find.Hit). Beside it its tenant, or else `hint`, or else by what it was found."""
    details = "".join(
        [f'<span class="palette__detail" dir="auto">{safe(text)}</span>' for text in hit.details]
    )
    beside = safe(str(hit.tenant) if hit.tenant else hint or (f"by {hit.matched}" if hit.matched else ""))
    return (
        f'\n<a class="menu__item" role="option" href="{escape(hit.url)}">{icon(hit.kind.icon, 16)}'
        f'<span class="palette__name" dir="auto">{safe(hit.title)}</span>{details}'
        f'<span class="palette__hint" dir="auto">{beside}</span></a>\n'
    )


def safe(text):
    """Escaped, but for what is HTML already: texts with what was found marked."""
    return text if hasattr(text, "__html__") else escape(text)
