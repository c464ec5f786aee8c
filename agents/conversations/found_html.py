"""The HTML of what a search in conversations found: Python and not a template, for the reason told in turn_html.py."""

from html import escape

from django.utils.safestring import mark_safe

from backoffice.templatetags.ui import missing, time_tag

TOO_LONG = '<p class="muted">A very long message; only its beginning is looked through for this view.</p>'


def groups_html(groups):
    """A card for each [(conversation, its hits.Hits)] with the turns that were found."""
    cards = [group_html(number, *group) for number, group in enumerate(groups, start=1)]
    return mark_safe("".join(cards))  # escaped piece by piece


def group_html(number, conversation, hits):
    channel = conversation.get_channel_display()
    return (
        f'<section class="card said" aria-labelledby="said-{number}"><div class="said__head">'
        f'<h2 id="said-{number}"><a href="{escape(hits[0].url)}"><span class="sr-only">Conversation of </span>'
        f"{time_tag(conversation.started_at)}</a></h2>"
        f"{name_html(conversation.organization, 'tenant gone')}{name_html(conversation.agent, 'agent gone')}"
        f'<span class="muted">{escape(channel) if channel else missing(channel)}</span></div>'
        f'<ul class="said__hits">{"".join(map(hit_html, hits))}</ul></section>'
    )


def name_html(row, words_if_gone):
    if row is None:
        return f'<span class="missing">{words_if_gone}</span>'
    return f'<a href="{row.get_absolute_url()}" dir="auto">{escape(str(row))}</a>'


def hit_html(hit):
    return (
        f'<li class="said__hit"><a class="said__when" href="{escape(hit.url)}">{escape(hit.role_label)}'
        f' <span class="muted">{time_tag(hit.at)}</span></a>'
        f'<p class="said__text" dir="auto">{hit.snippet}</p>{TOO_LONG if hit.is_cut else ""}</li>'
    )
