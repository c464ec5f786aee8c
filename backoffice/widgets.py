"""The usual controls of forms, and what is around them, written by plain functions instead of templates.

A template per control, with one per option and one for the attributes inside, is most of what a form of forty fields
costs. The markup of the controls is that of Django's templates; pickers are in picker_html.py. Every other widget goes
by its template.
"""

from html import escape

from django.forms import CheckboxInput
from django.forms.renderers import TemplatesSetting
from django.utils.functional import Promise
from django.utils.safestring import mark_safe

from backoffice.picker_html import picker
from backoffice.templatetags.ui import icon


class Renderer(TemplatesSetting):
    """The FORM_RENDERER: Django's, but for what `WRITTEN` names."""

    def render(self, template_name, context, request=None):
        if write := WRITTEN.get(template_name):
            return mark_safe(write(context["widget"]))
        return super().render(template_name, context, request)


def control(widget):
    """One of the usual controls, from the `widget` of its context; safe to print."""
    return mark_safe(WRITTEN[widget["template_name"]](widget))


def whole_field(field, css="", plain=False):
    """A BoundField with its label, help and errors; `css` and `plain` as in templatetags/fields.py.

    Django ties help and errors to the control (aria-describedby) by the ids used here.
    """
    errors = field.errors
    if field.is_hidden:
        return f"{field}{notes(field, errors) if errors else ''}"
    label = escaped(field.label)
    around = f"field {css}".strip()
    if isinstance(field.field.widget, CheckboxInput):
        inner = f'<div class="check">{field}<label for="{field.id_for_label}">{label}</label></div>'
        return f'\n<div class="{around}">\n  {inner}\n  {notes(field, errors)}\n</div>'
    if not plain and not field.field.required:
        label += ' <span class="field__optional">optional</span>'
    inner = f"\n  {field}\n  {notes(field, errors)}\n"
    if field.use_fieldset:
        described = field.aria_describedby
        about = f' aria-describedby="{described}"' if described else ""
        return f'\n<fieldset class="{around}"{about}>\n  <legend>{label}</legend>{inner}</fieldset>'
    return f'\n<div class="{around}">\n  <label for="{field.id_for_label}">{label}</label>{inner}</div>'


def notes(field, errors):
    parts = []
    if errors:
        mark = icon("circle-alert", 14)
        listed = "".join(f"<li>{mark}{escaped(error)}</li>" for error in errors)
        parts.append(f'<ul class="field__error" id="{field.auto_id}_error">{listed}</ul>')
    if field.help_text:  # our own words, which may hold markup
        parts.append(f'<div class="field__help" id="{field.auto_id}_helptext">{field.help_text}</div>')
    return "".join(parts)


def escaped(value):
    """As Django's conditional_escape, which costs three times as much, as it takes texts that are lazy."""
    if type(value) is str:
        return escape(value)
    if isinstance(value, Promise):
        value = str(value)
    return value.__html__() if hasattr(value, "__html__") else escape(str(value))


def attributes(attrs):
    """As in an opening tag, with a space before each; True stands for one without value, False for none."""
    if not attrs:
        return ""
    return "".join(
        f" {name}" if value is True else f' {name}="{escaped(value)}"'
        for name, value in attrs.items()
        if value is not False
    )


def input_control(widget):
    value = widget["value"]
    shown = "" if value is None else f' value="{escaped(value)}"'
    name = escaped(widget["name"])
    return f'<input type="{widget["type"]}" name="{name}"{shown}{attributes(widget["attrs"])}>'


def textarea(widget):
    shown = escaped(widget["value"]) if widget["value"] else ""
    name = escaped(widget["name"])
    return f'<textarea name="{name}"{attributes(widget["attrs"])}>\n{shown}</textarea>'


def select(widget):
    parts = [f'<select name="{escaped(widget["name"])}"{attributes(widget["attrs"])}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f'\n  <optgroup label="{escaped(group)}">')
        parts.extend(f"\n  {option_of(option)}" for option in options)
        if group:
            parts.append("\n  </optgroup>")
    return "".join([*parts, "\n</select>"])


def option_of(option):
    value, label = escaped(option["value"]), escaped(option["label"])
    return f'<option value="{value}"{attributes(option["attrs"])}>{label}</option>'


def choices(widget):
    """Boxes to tick, or radio buttons."""
    attrs = widget["attrs"]
    shown = {name: attrs[name] for name in ("id", "class") if attrs.get(name)}
    parts = [f"<div{attributes(shown)}>"]
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f"\n  <div><label>{escaped(group)}</label>")
        parts.extend(f"<div>\n    {choice(option)}</div>" for option in options)
        if group:
            parts.append("\n  </div>")
    return "".join([*parts, "\n</div>"])


def choice(option):
    if not option["wrap_label"]:
        return input_control(option)
    shown = attributes({"for": option["attrs"]["id"]}) if option["attrs"].get("id") else ""
    return f"<label{shown}>{input_control(option)} {escaped(option['label'])}</label>"


PLACE = "django/forms/widgets/"
INPUTS = "text number email url password hidden date datetime time checkbox"
WRITTEN = {
    **{f"{PLACE}{kind}.html": input_control for kind in INPUTS.split()},
    f"{PLACE}textarea.html": textarea,
    f"{PLACE}select.html": select,
    f"{PLACE}checkbox_select.html": choices,
    f"{PLACE}radio.html": choices,
    "picker": picker,
}
