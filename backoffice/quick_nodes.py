"""Templates as they are, rendered with less ado than Django's own nodes make.

Django looks each name up in four ways, asks each filter what it expects, and each value for its language and time zone
before it is escaped: twenty-five calls of functions for a `{{ name }}`, and a page has hundreds. Here a template that
is loaded gets quick ways for what is ordinary: names in the context, attributes of rows and objects, keys of dicts,
filters that ask for nothing, texts and whole numbers, `{% if %}`, tags that always show the same. All else stays
Django's, which also decides whenever something is missing, fails, or may not be called.
"""

import operator
from html import escape
from uuid import UUID

from django.contrib.staticfiles.storage import staticfiles_storage
from django.db.models import Model
from django.template.base import (
    TextNode,
    Variable,
    VariableDoesNotExist,
    VariableNode,
    render_value_in_context,
)
from django.template.defaulttags import CsrfTokenNode, ForNode, IfNode, TemplateLiteral, URLNode, WithNode
from django.template.library import InclusionNode, SimpleNode
from django.template.loader_tags import IncludeNode
from django.template.loaders import cached
from django.templatetags.static import StaticNode
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from backoffice.addresses import fixed_address, row_address

# What a filter can ask of Django; one that does is left to it.
DEMANDS = ("expects_localtime", "needs_autoescape", "is_safe")
MISSING = object()
COMPARISONS = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "is": operator.is_, "is not": operator.is_not,
    "in": lambda one, many: one in many, "not in": lambda one, many: one not in many,
}  # fmt: skip
SEQUENCES = (list, tuple)


class Loader(cached.Loader):
    """Django's cached loader, of quick templates (settings.TEMPLATES)."""

    def get_template(self, template_name, skip=None):
        template = super().get_template(template_name, skip)
        if not getattr(template, "is_quick", False):
            quicken(template.nodelist)
            template.is_quick = True
        return template


def quick(nodes):
    """A function of the context, which gives the text of a compiled node list."""
    quicken(nodes)
    pieces = [node.render_annotated for node in nodes]
    if len(pieces) == 1:
        return pieces[0]
    return lambda context: "".join([piece(context) for piece in pieces])


def quicken(nodes):
    """Gives the nodes of a compiled template, and those inside, quick ways to render; once."""
    for node in nodes:
        if type(node) is TextNode or "render_annotated" in vars(node):
            continue
        for inner in lists_in(node):
            quicken(inner)
        quicken_values(node)
        if content := piece_of(node):
            node.render_annotated = content


def lists_in(node):
    if type(node) is IfNode:
        return [nodes for _, nodes in node.conditions_nodelists]
    found = [getattr(node, name, None) for name in node.child_nodelists]
    return [nodes for nodes in found if nodes]


class Quick:
    """Stands for a FilterExpression that a node asks for its value; `resolve` is as its own."""

    def __init__(self, expression):
        self.expression = expression
        self.resolve = value_of(expression)

    def __getattr__(self, name):
        return getattr(self.expression, name)


def quicken_values(node):
    """Puts quick ways in the place of the expressions that a node of Django's own asks."""
    if type(node) is VariableNode:
        node.filter_expression = Quick(node.filter_expression)
    elif type(node) is ForNode:
        node.sequence = Quick(node.sequence)
    elif type(node) is WithNode:
        node.extra_context = quick_values(node.extra_context)
    elif type(node) is IncludeNode:
        node.template, node.extra_context = Quick(node.template), quick_values(node.extra_context)
    elif type(node) in (SimpleNode, InclusionNode, URLNode):
        node.args, node.kwargs = [Quick(value) for value in node.args], quick_values(node.kwargs)


def quick_values(named):
    return {name: Quick(value) for name, value in named.items()}


def piece_of(node):
    """The quick way of a node, None where Django's stays."""
    if type(node) is VariableNode:
        return text_of(node.filter_expression.resolve)
    if type(node) is IfNode:
        return choice_of(node)
    if type(node) is SimpleNode and getattr(node.func, "always_the_same", False):
        return text_of_tag(node)
    if type(node) is URLNode and node.asvar is None and not node.kwargs:
        return address_of_page(node)
    if type(node) is StaticNode and node.varname is None:
        return address_of_file(node)
    if type(node) is CsrfTokenNode:
        return token_of_form(node)
    return None


def text_of(value):
    """What {{ value }} shows."""

    def text(context):
        found = value(context)
        kind = type(found)
        if kind is SafeString:
            return found
        if kind is str or isinstance(found, Model):
            return escape(str(found)) if context.autoescape else str(found)
        if kind is int or kind is UUID:
            return str(found)
        return render_value_in_context(found, context)

    return text


def text_of_tag(node):
    """What a tag shows whose text depends on nothing but its arguments (its function says `always_the_same`), if these
    are known; None otherwise.
    """
    if node.takes_context or node.target_var is not None or node.kwargs:
        return None
    values = [constant_of(expression) for expression in node.args]
    if MISSING in values:
        return None
    text = conditional_escape(node.func(*values))
    return lambda context: text


def address_of_page(node):
    """What {% url "name" %} and {% url "name" key %} show."""
    name = constant_of(node.view_name)
    if name is MISSING or len(node.args) > 1:
        return None
    if not node.args:
        return lambda context: escape(fixed_address(name)) if context.autoescape else fixed_address(name)
    key = node.args[0].resolve

    def address(context):
        url = row_address(name, key(context))
        return escape(url) if context.autoescape else url

    return address


def address_of_file(node):
    """What {% static "name" %} shows."""
    name = constant_of(node.path)
    return None if name is MISSING else lambda context: escape(staticfiles_storage.url(name))


def token_of_form(node):
    """What {% csrf_token %} shows."""

    def hidden(context):
        given = context.get("csrf_token")
        if not given or given == "NOTPROVIDED":
            return node.render(context)
        return f'<input type="hidden" name="csrfmiddlewaretoken" value="{escape(str(given))}">'

    return hidden


def constant_of(expression):
    if expression.filters:
        return MISSING
    if type(expression.var) is not Variable:
        return expression.var
    return expression.var.literal if expression.var.lookups is None else MISSING


def choice_of(node):
    branches = [(condition_of(condition), quick(nodes)) for condition, nodes in node.conditions_nodelists]

    def chosen(context):
        for holds, content in branches:
            if holds(context):
                return content(context)
        return ""

    return chosen


def condition_of(condition):
    """A function of the context that says whether a condition such as `a == b or not c` holds."""
    if condition is None:  # {% else %}
        return lambda context: True
    if not isinstance(condition, TemplateLiteral):
        return term_of(condition)
    value = value_of(condition.value)

    def holds(context):
        try:
            return value(context, True)
        except VariableDoesNotExist:  # an argument of a filter
            return False

    return holds


def term_of(condition):
    """As `condition.eval`. What fails inside an operator makes it False."""
    if isinstance(condition, TemplateLiteral):
        value = value_of(condition.value)
        return lambda context: value(context, True)
    first = term_of(condition.first)
    second = condition.second and term_of(condition.second)
    if condition.id == "not":
        operation = lambda context: not first(context)  # noqa: E731
    elif condition.id == "and":
        operation = lambda context: first(context) and second(context)  # noqa: E731
    elif condition.id == "or":
        operation = lambda context: first(context) or second(context)  # noqa: E731
    else:
        compare = COMPARISONS[condition.id]
        operation = lambda context: compare(first(context), second(context))  # noqa: E731

    def term(context):
        try:
            return operation(context)
        except Exception:
            return False

    return term


def value_of(expression):
    """A function as `expression.resolve`, which gives the value of `variable|filter:argument`."""
    filters = [(function, argument_of(*given)) for function, given in expression.filters]
    if any(getattr(function, demand, False) for function, _ in filters for demand in DEMANDS):
        return expression.resolve
    variable = expression.var
    if type(variable) is not Variable:
        read = constantly(variable)
    elif variable.lookups is None or variable.translate:
        read = variable.resolve
    else:
        read = reader_of(variable)

    def value(context, ignore_failures=False):
        try:
            found = read(context)
        except VariableDoesNotExist:
            found = MISSING
        if found is MISSING:
            found = None if ignore_failures else context.template.engine.string_if_invalid
        for function, argument in filters:
            found = function(found, argument(context)) if argument else function(found)
        return found

    return value


def argument_of(given=None):
    """A function of the context that gives a filter's argument, of which there is one at the most."""
    if given is None:
        return None
    is_variable, variable = given
    if not is_variable:
        return constantly(SafeString(variable))
    if variable.lookups is None or variable.translate:
        return variable.resolve
    read = reader_of(variable)

    def value(context):
        found = read(context)
        return variable.resolve(context) if found is MISSING else found  # which raises VariableDoesNotExist

    return value


def constantly(value):
    return lambda context: value


class Kinds(dict):
    """{type: how Django looks a name up in what is of that type}; found out when it is first asked for."""

    def __missing__(self, kind):
        own = kind is dict or kind in SEQUENCES
        self[kind] = kind if own else OTHER if hasattr(kind, "__getitem__") else ATTRIBUTES
        return self[kind]


ATTRIBUTES, OTHER = object(), object()
KINDS = Kinds()


def reader_of(variable):
    """A function of the context that gives what a name, or a path such as `row.agent.name`, leads to; or MISSING."""
    name, *path = variable.lookups

    def read(context):
        for names in reversed(context.dicts):
            if name in names:
                value = names[name]
                break
        else:
            return MISSING
        if callable(value):
            return variable.resolve(context)
        for step in path:
            way = KINDS[type(value)]
            if way is ATTRIBUTES:
                try:
                    value = getattr(value, step)
                except Exception as error:
                    if type(error) is AttributeError and not hasattr(type(value), step):
                        return MISSING  # and not a property that fails inside: Django would list all names to tell
                    # Django says which of them are silent, and which the page fails by.
                    return variable.resolve(context)
            elif way is dict:
                if step in value:
                    value = value[step]
                elif hasattr(dict, step) or step.isdigit():
                    return variable.resolve(context)
                else:
                    return MISSING
            elif way is not OTHER and step.isdigit():
                if int(step) >= len(value):
                    return MISSING
                value = value[int(step)]
            else:
                return variable.resolve(context)
            if callable(value):
                if getattr(value, "alters_data", False) or getattr(value, "do_not_call_in_templates", False):
                    return variable.resolve(context)
                try:
                    value = value()
                except Exception:
                    return variable.resolve(context)
        return value

    return read
