"""The HTML of what a picker's search found: Python and not a template, for it is asked for while one types."""

from html import escape

from django.utils.safestring import mark_safe


def options(name, rows, *, more=False, chosen=None):
    """A radio button called `name` for each row, but for the one that is chosen and shown above them; then whether
    there are more.
    """
    found = [option_html(escape(name), row) for row in rows if row != chosen]
    if not rows:
        found.append('\n<div class="picker__note">Nothing matches.</div>')
    if more:
        found.append('\n<div class="picker__note">There are more; type on to narrow them down.</div>')
    return mark_safe("".join([*found, "\n"]))  # escaped piece by piece


def option_html(name, row):
    hint = getattr(row, "picker_hint", "")
    hint = f'<span class="picker__hint">{escape(str(hint))}</span>' if hint else ""
    return (
        f'\n<label class="picker__option"><input type="radio" name="{name}" value="{escape(str(row.pk))}">'
        f'<span class="picker__label">{escape(str(row))}</span>{hint}</label>'
    )
