"""Draws the widgets that every page has many of: as Django's templates do, in a tenth of their time.

A select of 100 options would be 200 templates inside each other. All other widgets, our own included, have their
templates.
"""

from html import escape

from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString, mark_safe


class FormRenderer(TemplatesSetting):
    """settings.FORM_RENDERER."""

    def render(self, template_name, context, request=None):
        if draw := DRAWN.get(template_name):
            return mark_safe(draw(context["widget"]))  # the functions below escape everything
        return super().render(template_name, context, request)


def text(value):
    return value if isinstance(value, SafeString) else escape(str(value))


def attributes(attrs):
    """` name="value"` of each: True stands for the name alone, False for nothing."""
    return "".join(
        f" {name}" if value is True else f' {name}="{text(value)}"'
        for name, value in attrs.items()
        if value is not False
    )


def input_tag(widget):
    value = widget["value"]
    said = "" if value is None else f' value="{text(value)}"'
    return f'<input type="{widget["type"]}" name="{text(widget["name"])}"{said}{attributes(widget["attrs"])}>'


def textarea(widget):
    content = text(widget["value"] or "")
    return f'<textarea name="{text(widget["name"])}"{attributes(widget["attrs"])}>\n{content}</textarea>'


def select(widget):
    parts = [f'<select name="{text(widget["name"])}"{attributes(widget["attrs"])}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f'<optgroup label="{text(group)}">')
        parts.extend(option(each) for each in options)
        if group:
            parts.append("</optgroup>")
    return "\n".join([*parts, "</select>"])


def option(widget):
    return (
        f'<option value="{text(widget["value"])}"{attributes(widget["attrs"])}>'
        f"{text(widget['label'])}</option>"
    )


INPUTS = "input text number email url search password hidden date datetime time checkbox"
DRAWN = {f"django/forms/widgets/{name}.html": input_tag for name in INPUTS.split()} | {
    "django/forms/widgets/textarea.html": textarea,
    "django/forms/widgets/select.html": select,
}
