"""Whose record an entry of the audit is about, and whether somebody may see that record."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, resolve

from backoffice.audit_models import models_by_table
from backoffice.generic.page import ObjectPage
from backoffice.page_model import PageModel


def record_for(user, table, row_id):
    """The record of a table's name in the audit, as its own page would show it to this person; None where the page
    would not: there is no such page, no such record (any more), or it is not theirs to see.
    """
    model = models_by_table().get(table)
    if model is None or not issubclass(model, PageModel):
        return None
    try:
        pk = model._meta.pk.to_python(row_id)
        match = resolve(model(pk=pk).get_absolute_url())
    except (NoReverseMatch, Http404, ValueError, ValidationError):
        return None
    view_class = getattr(match.func, "view_class", None)
    if view_class is None or not issubclass(view_class, ObjectPage):
        return None
    request = HttpRequest()
    request.method, request.user, request.resolver_match = "GET", user, match
    view = view_class(**match.func.view_initkwargs)
    view.setup(request, **match.kwargs)
    try:
        view.require(user)
        return view.object
    except (Http404, PermissionDenied):
        return None
