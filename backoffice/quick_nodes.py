"""The pieces of a template that is rendered hundreds of times on one page, with less ado than Django's own nodes.

    content = quick(nodes)      # of a compiled template
    content(context)            # what nodes.render(context) gives

Django looks each name up in four ways, and asks of each value its language and time zone before it is escaped. A cell
of a list mostly shows attributes of a row, by a filter of ours that gives safe text: that is done here, the rest is
left to Django. Templates stay what they are, with autoescape on.
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
from django.template.defaulttags import IfNode
from django.utils.safestring import SafeString


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
        return value_of(node.filter_expression)
    if type(node) is IfNode:
        return choice_of(node)
    return node.render_annotated


def value_of(expression):
    if type(expression.var) is Variable:
        expression.var = Attributes(expression.var)
    resolve = expression.resolve

    def shown(context):
        value = resolve(context)
        if type(value) is SafeString:
            return value
        if type(value) is str or isinstance(value, Model):
            return escape(str(value))
        return render_value_in_context(value, context)

    return shown


def choice_of(node):
    branches = []
    for condition, nodes in node.conditions_nodelists:
        for operand in operands(condition):
            if type(operand.var) is Variable:
                operand.var = Attributes(operand.var)
        branches.append((condition, quick(nodes)))

    def chosen(context):
        for condition, content in branches:
            try:
                holds = condition is None or condition.eval(context)
            except VariableDoesNotExist:
                holds = False
            if holds:
                return content(context)
        return ""

    return chosen


def operands(condition):
    """The filter expressions in the condition of an {% if %}."""
    if condition is None:
        return
    if (value := getattr(condition, "value", None)) is not None and hasattr(value, "resolve"):
        yield value
    for side in ("first", "second"):
        yield from operands(getattr(condition, side, None))


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
