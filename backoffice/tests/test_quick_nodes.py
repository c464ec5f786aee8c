"""A quick template shows what Django's own nodes show, to the letter, or fails as they do."""

import datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template import Context, Engine, Template, engines
from django.utils.functional import SimpleLazyObject, lazystr
from django.utils.safestring import mark_safe

from backoffice.models import User
from backoffice.quick_nodes import Loader, quicken


class Row:
    title = "<b>Title</b>"
    nothing = None

    def method(self):
        return "of a <method>"

    def failing(self):
        raise ValueError("It fails.")

    def missing(self):
        raise KeyError("silent?")

    def deleting(self):
        raise AssertionError("A template must not call this.")

    deleting.alters_data = True

    @property
    def broken(self):
        raise AttributeError("inside")

    def with_argument(self, argument):
        return argument


class Silent(Exception):
    silent_variable_failure = True


class Kind:
    do_not_call_in_templates = True
    label = "a kind"

    def __call__(self):
        raise AssertionError("A template must not call this.")


def silent():
    raise Silent


VALUES = {
    "text": "a <b> & 'c'",
    "safe": mark_safe("<i>safe</i>"),
    "lazy": lazystr("<lazy>"),
    "later": SimpleLazyObject(lambda: "<later>"),
    "number": 1234567,
    "zero": 0,
    "yes": True,
    "id": UUID(int=5),
    "none": None,
    "empty": "",
    "float": 0.5,
    "amount": Decimal("1234.50"),
    "when": datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC),
    "row": Row(),
    "account": User(pk=7, email="<x>@example.test", first_name="A & B"),
    "names": {"key": "<value>", "items": "shadowed", "inner": {"deep": 3}, "call": lambda: "<called>"},
    "many": ["<one>", "two", {"key": "three"}],
    "pairs": [("a", 1), ("b", None)],
    "space": SimpleNamespace(name="<space>", inner=SimpleNamespace(value=[1, 2])),
    "function": lambda: "<function>",
    "silent": silent,
    "kind": Kind(),
}
PATHS = [
    *VALUES, "unknown", "unknown.more", "row.title", "row.nothing", "row.nothing.more", "row.method", "row.method.upper",
    "row.failing", "row.missing", "row.deleting", "row.broken", "row.with_argument", "row.absent", "account.email",
    "account.get_full_name", "account.pk", "account.delete", "account.absent.more", "names.key", "names.items",
    "names.keys", "names.inner.deep", "names.absent", "names.call", "many.0", "many.2.key", "many.9", "many.x", "pairs.0.1", "pairs.1.1", "names.0", "id", "text.0",
    "text.upper", "space.name", "space.inner.value.1", "space.absent", "kind.label", "number.real", "'constant <b>'",
    "3", "2.50", "_('translated')", "True", "None",
]  # fmt: skip
AROUND = [
    "{{ %s }}", "{%% if %s %%}yes{%% else %%}no{%% endif %%}", "{%% if not %s or none %%}a{%% endif %%}",
    "{%% if %s == 'x' %%}a{%% elif %s %%}b{%% endif %%}", "{%% with name=%s %%}{{ name }}{%% endwith %%}",
    "{%% for one in %s %%}[{{ one }}{{ forloop.counter }}]{%% empty %%}nothing{%% endfor %%}",
    "{{ %s|default:'<d>' }}", "{{ %s|default_if_none:text }}", "{{ %s|upper }}", "{{ %s|length }}", "{{ %s|safe }}",
    "{{ %s|add:number }}", "{{ %s|date:'Y-m-d' }}", "{{ %s|missing }}", "{{ %s|number }}", "{{ %s|yesno }}",
    "{{ %s|default:unknown }}", "{{ none|default:%s }}", "{{ empty|default:%s|upper }}", "{%% icon %s 16 %%}",
    "{%% url 'tenants:organization_detail' %s %%}", "{%% url 'backoffice:auditevent_detail' %s %%}", "{%% url %s %%}", "{%% url 'home' %%}{{ %s }}", "{%% autoescape off %%}{{ %s }}{%% endautoescape %%}",
    "{%% firstof %s 'f' %%}", "{%% if %s in many %%}in{%% endif %%}", "{%% if number|add:%s %%}y{%% else %%}n{%% endif %%}", "{{ number|add:%s }}", "{%% if %s > 1 and %s < 9 %%}<{%% endif %%}",
]  # fmt: skip


def shown(template):
    try:
        return template.render(Context(dict(VALUES)))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("around", AROUND)
def test_it_shows_what_django_shows(around):
    for path in PATHS:
        source = "{% load ui %}" + around % ((path,) * around.count("%s"))
        quick = Template(source)
        quicken(quick.nodelist)
        assert shown(quick) == shown(Template(source)), source


def test_pieces_of_other_templates_and_blocks():
    loaded = {
        "base": "<{% block head %}{{ text }}{% endblock %}|{% block main %}{% endblock %}>",
        "part": "({{ one }}{% if more %}{{ more }}{% endif %})",
        "page": "{% extends 'base' %}{% block head %}{{ block.super }}!{% endblock %}{% block main %}"
        "{% for one in many %}{% include 'part' with more=text %}{% include name only %}{% endfor %}"
        "{% cycle 'a' 'b' as c %}{% filter upper %}{{ text }}{% endfilter %}{% spaceless %}<p> {{ text }} </p>{% endspaceless %}"
        "{% endblock %}",
    }  # fmt: skip
    inner = [("django.template.loaders.locmem.Loader", loaded)]
    texts = [
        Engine(loaders=[(loader, inner)]).get_template("page").render(Context(VALUES | {"name": "part"}))
        for loader in ("django.template.loaders.cached.Loader", "backoffice.quick_nodes.Loader")
    ]
    assert texts[0] == texts[1]
    assert "&lt;one&gt;" in texts[1]


def test_rendering_twice_shows_the_values_of_that_time():
    template = Template(
        "{% load ui static %}{{ text }}{% if yes %}{% icon 'x' %}{% static 'backoffice/app.css' %}{% endif %}"
    )
    quicken(template.nodelist)
    first, second = (template.render(Context({"text": text, "yes": text})) for text in ("one", ""))
    assert first.startswith("one<svg") and first.endswith("app.css") and second == ""


@pytest.mark.parametrize("token", ["abc<", "", None, SimpleLazyObject(lambda: "late")])
def test_token_of_a_form(token):
    source = "{% csrf_token %}"
    quick = Template(source)
    quicken(quick.nodelist)
    assert quick.render(Context({"csrf_token": token})) == Template(source).render(
        Context({"csrf_token": token})
    )


def test_the_templates_of_the_site_are_quick():
    (loader,) = engines["django"].engine.template_loaders
    assert type(loader) is Loader
    assert engines["django"].get_template("base.html").template.is_quick
