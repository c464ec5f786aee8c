"""The pieces of a template that is rendered hundreds of times on one page, with less ado than Django's own nodes.

    content = quick(nodes)      # of a compiled template
    content(context)            # what nodes.render(context) gives

Django looks each name up in four ways, asks each filter what it expects, and each value for its language and time zone
before it is escaped. A cell of a list mostly shows attributes of a row, by a filter of ours that gives safe text: that
is done here, the rest is left to Django. Templates stay what they are, with autoescape on.
"""

from html import escape

from django.db.models import Model
from django.template.base import (
    TextNode,
    Variable,
    VariableDoesNotExist,
    VariableNode,
    render_value_in_context,
)
from django.template.defaulttags import IfNode, TemplateLiteral, WithNode
from django.utils.safestring import SafeString

# What a filter can ask of Django; one that does is left to it.
DEMANDS = ("expects_localtime", "needs_autoescape", "is_safe")


def quick(nodes):
    """A function of the context, which gives the text of a compiled node list."""
    pieces = [piece_of(node) for node in nodes]
    if len(pieces) == 1:
        return pieces[0]
    return lambda context: "".join([piece(context) for piece in pieces])


def piece_of(node):
    if type(node) is TextNode:
        text = node.s
        return lambda context: text
    if type(node) is VariableNode:
        return text_of(node.filter_expression)
    if type(node) is IfNode:
        return choice_of(node)
    if type(node) is WithNode:
        return named_in(node)
    return node.render_annotated


def text_of(expression):
    """What {{ expression }} shows."""
    read = value_of(expression)

    def text(context):
        value = read(context)
        if type(value) is SafeString:
            return value
        if type(value) is str or isinstance(value, Model):
            return escape(str(value))
        return render_value_in_context(value, context)

    return text


def choice_of(node):
    branches = [(condition_of(condition), quick(nodes)) for condition, nodes in node.conditions_nodelists]

    def chosen(context):
        for holds, content in branches:
            if holds(context):
                return content(context)
        return ""

    return chosen


def named_in(node):
    """What {% with name=value %} shows."""
    values = {name: value_of(expression) for name, expression in node.extra_context.items()}
    content = quick(node.nodelist)

    def shown(context):
        with context.push(**{name: value(context) for name, value in values.items()}):
            return content(context)

    return shown


def condition_of(condition):
    if condition is None:  # {% else %}
        return lambda context: True
    if type(condition) is TemplateLiteral:
        return value_of(condition.value, may_fail=True)
    for expression in operands(condition):
        if type(expression.var) is Variable:
            expression.var = Attributes(expression.var)

    def holds(context):
        try:
            return condition.eval(context)
        except VariableDoesNotExist:
            return False

    return holds


def operands(condition):
    """The filter expressions in a condition such as `a == b or not c`."""
    if isinstance(condition, TemplateLiteral):
        yield condition.value
    elif condition is not None:
        yield from operands(getattr(condition, "first", None))
        yield from operands(getattr(condition, "second", None))


def value_of(expression, *, may_fail=False):
    """A function of the context that gives the value of `variable|filter:argument`. Where there is no such variable
    that is None if it `may_fail`, as in a condition, else the engine's text for it.
    """
    filters = [(function, constants(given)) for function, given in expression.filters]
    demanding = any(getattr(function, demand, False) for function, _ in filters for demand in DEMANDS)
    if type(expression.var) is not Variable or demanding or any(given is None for _, given in filters):
        return lambda context: expression.resolve(context, ignore_failures=may_fail)
    source = Attributes(expression.var)

    def value(context):
        try:
            found = source.resolve(context)
        except VariableDoesNotExist:
            return expression.resolve(context, ignore_failures=may_fail)
        for function, arguments in filters:
            found = function(found, *arguments)
        return found

    return value


def constants(arguments):
    """The values of a filter's arguments; None if one of them is a variable."""
    values = []
    for is_variable, argument in arguments:
        if not is_variable:
            values.append(SafeString(argument))
        elif argument.lookups is None and not argument.translate:
            values.append(argument.literal)
        else:
            return None
    return values


class Attributes:
    """A variable whose path leads along rows of the database, such as `row.agent.organization`."""

    def __init__(self, variable):
        self.variable = variable
        self.name, *self.path = variable.lookups or [""]

    def resolve(self, context):
        value = context.get(self.name) if self.path else None
        for name in self.path:
            if not isinstance(value, Model):
                return self.variable.resolve(context)
            try:
                value = getattr(value, name)
                if callable(value) and not getattr(value, "alters_data", False):
                    value = value()
            except Exception:
                # Django says which of them are silent, and which the page fails by.
                return self.variable.resolve(context)
        return value if self.path else self.variable.resolve(context)
