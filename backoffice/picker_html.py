"""The HTML of pickers and of what their searches find: Python and not templates, as forms.PickerWidget is on every list
and asked while one types.
"""

import json
from collections import Counter
from html import escape

from django.templatetags.static import static
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

from backoffice.search.typed import LONGEST_WORDS
from backoffice.templatetags.ui import icon


def picker(widget):
    """Chooses one row of a large table by searching. Of the `widget` of forms.PickerWidget's context:

    - name, value, required, attrs: as in any widget
    - url: `GET url?name=<name>&<name>_search=text` answers with options(), for htmx
    - chosen: the row chosen so far, or None
    - search: the text typed without JavaScript, and found, the HTML of what it found; "" where nothing was searched
    - beside: name of a picker of the same form whose choice narrows the search, or ""
    - noun: what the rows are, in words; nothing, the choice of no row ("None", or "Any" in a filter)

    A row may have `picker_hint`, shown beside its name; rows that look alike show how their id begins, and so does the
    one that is chosen, if it has no hint. The choice is a radio button, with or without JavaScript. Without, "Find"
    submits the form with _pick=<name> and <name>_search=text; the view saves nothing and shows the form again, as
    filled in, with the rows found. With it, htmx replaces what was found while one types, and pickers.js keeps the
    choice above it.
    """
    name, chosen, noun = escape(widget["name"]), widget["chosen"], escape(str(widget["noun"] or ""))
    attrs, html_id = widget["attrs"], escape(widget["attrs"]["id"])
    opened = " data-open" if widget["search"] else ""
    invalid = ' aria-invalid="true"' if attrs.get("aria-invalid") else ""
    return (
        f'\n<div class="picker" data-picker{opened}{invalid}>'
        f'\n  <div class="picker__bar">{icon("search", 16)}\n    {search_field(widget, name, html_id, noun)}'
        f'\n    <button class="button button--quiet button--small" name="_pick" value="{name}" formnovalidate>Find'
        f'</button>\n  </div>\n  <div class="picker__options" role="radiogroup" '
        f'aria-label="{capfirst(noun) or "Choice"}">\n    <div class="picker__chosen">'
        f"{option_html(name, chosen, ' checked', says_which=not looks(chosen)[1]) if chosen else ''}"
        f"{'' if widget['required'] else no_row(widget, name)}\n    </div>"
        f'\n    <div id="{html_id}_found">{widget["found"]}</div>\n  </div>\n</div>'
        f'<script type="module" src="{static("backoffice/pickers.js")}"></script>'
    )


# Those below take texts that are escaped.


def search_field(widget, name, html_id, noun):
    described, beside = widget["attrs"].get("aria-describedby"), escape(widget["beside"])
    described = f' aria-describedby="{escape(described)}"' if described else ""
    values = escape(json.dumps({"name": widget["name"]}))
    also_sent, include = (f",{beside}", f" hx-include=\"[name='{beside}']\"") if beside else ("", "")
    return (
        f'<input type="search" id="{html_id}" name="{name}_search" value="{escape(widget["search"] or "")}" '
        f'placeholder="Search {"other " if widget["chosen"] else ""}{noun}" maxlength="{LONGEST_WORDS}" '
        f'autocomplete="off" spellcheck="false" '
        f'aria-controls="{html_id}_found"{described} hx-get="{escape(widget["url"])}" '
        f'hx-trigger="input changed delay:200ms, focus once" hx-target="#{html_id}_found" hx-push-url="false" '
        f'hx-params="{name}_search,name{also_sent}"{include} hx-vals="{values}" hx-sync="this:replace">'
    )


def no_row(widget, name):
    checked = "" if widget["chosen"] else " checked"
    return (
        f'\n<label class="picker__option"><input type="radio" name="{name}" value=""{checked}>'
        f'<span class="picker__label muted">{escape(widget["nothing"] or "None")}</span></label>'
    )


def options(name, rows, *, more=False, chosen=None):
    """A radio button called `name` for each row, but for the one that is chosen and shown above them; then whether
    there are more.
    """
    alike = Counter(map(looks, rows))
    found = [
        option_html(escape(name), row, says_which=alike[looks(row)] > 1) for row in rows if row != chosen
    ]
    if not rows:
        found.append('\n<div class="picker__note">Nothing matches.</div>')
    if more:
        found.append('\n<div class="picker__note">There are more; type on to narrow them down.</div>')
    return mark_safe("".join([*found, "\n"]))  # escaped piece by piece


def looks(row):
    """Its name, and what is shown beside it."""
    return str(row), str(getattr(row, "picker_hint", "") or "")


def option_html(name, row, checked="", *, says_which=False):
    label, hint = looks(row)
    if says_which:
        hint = " · ".join(filter(None, [hint, str(row.pk)[:8]]))
    hint = f'<span class="picker__hint">{escape(hint)}</span>' if hint else ""
    return (
        f'\n<label class="picker__option"><input type="radio" name="{name}" value="{escape(str(row.pk))}"{checked}>'
        f'<span class="picker__label">{escape(label)}</span>{hint}</label>'
    )
