"""From one record to the next of the list that it was opened from: two reads by key, wherever in the list it is.

A record that is opened from a list comes with that list's address in the Referer. The session keeps the last few of
them, and the links to the neighbours name theirs by a short key (`?in=…`), so several lists can be walked in several
tabs.
"""

import hashlib
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import F, Subquery, Value
from django.http import Http404, QueryDict
from django.urls import Resolver404, resolve

from backoffice import keyset
from backoffice.generic.lists import ListView, open_list

KEPT = 8
SESSION_KEY = "walks"


def walk(request, obj):
    """{list_url, previous, next} of a record in the list it was opened from, or None.

    The neighbours are {url, label}, None at an end of the list.
    """
    found = walked_list(request, obj)
    if found is None:
        return None
    key, address = found
    path, _, query = address.partition("?")
    try:
        page = open_list(resolve(path).view_name, request.user, query)
        before, after = neighbour(page, obj, -1), neighbour(page, obj, 1)
    except (Http404, PermissionDenied, DataError):
        return None
    return {
        "list_url": address,
        "previous": link(before, key),
        "next": link(after, key),
    }


def link(row, key):
    return row and {"url": f"{row.get_absolute_url()}?in={key}", "label": str(row)[:100]}


def walked_list(request, obj):
    """(key, address) of the list from which the record was reached, or None."""
    kept = dict(request.session.get(SESSION_KEY, []))
    if (key := request.GET.get("in", "")) in kept and address_of_list(urlsplit(kept[key]), type(obj)):
        return key, kept[key]
    try:
        came = urlsplit(request.META.get("HTTP_REFERER", ""))
    except ValueError:
        return None
    if came.netloc != request.get_host():
        return None
    if address := address_of_list(came, type(obj)):
        key = hashlib.sha256(address.encode()).hexdigest()[:8]
        if list(kept.items())[-1:] != [(key, address)]:
            kept.pop(key, None)
            request.session[SESSION_KEY] = [*list(kept.items())[-KEPT + 1 :], (key, address)]
        return key, address
    if came.path.startswith(obj.get_absolute_url()):  # back from an edit, or another tab of the record
        key = QueryDict(came.query).get("in", "")
        if key in kept and address_of_list(urlsplit(kept[key]), type(obj)):
            return key, kept[key]
        for key, address in reversed(kept.items()):
            if address_of_list(urlsplit(address), type(obj)):
                return key, address
    return None


def address_of_list(came, model):
    """The address without its place, if it is that of a list of the model; else ""."""
    try:
        match = resolve(came.path)
    except Resolver404:
        return ""
    view = getattr(match.func, "view_class", None)
    if view is None or not issubclass(view, ListView) or view.model is not model or match.kwargs:
        return ""
    params = QueryDict(came.query, mutable=True)
    for name in ("after", "before", "last"):
        params.pop(name, None)
    query = params.urlencode()
    return came.path + (f"?{query}" if query else "")


def neighbour(page, obj, step):
    """The row before (-1) or after (1) a record in a list, or None; the record need not be in the list any more."""
    _, order, falling = page.current_order()
    forward = falling == (step < 0)
    here = page.model._base_manager.filter(pk=obj.pk).values(page_key=order.key)
    place = keyset.RowCompare(
        order.key,
        F("pk"),
        Subquery(here),
        Value(obj.pk, output_field=page.model._meta.pk),
        operator=">" if forward else "<",
    )
    keys = [order.key.asc(), F("pk").asc()] if forward else [order.key.desc(), F("pk").desc()]
    return page.filterset.qs.filter(place).order_by(*keys).first()
