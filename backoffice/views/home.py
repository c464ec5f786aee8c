"""The dashboard: how much there is, what happened lately, what wants attention. Every figure opens the rows
that it counted.

`backoffice` imports from no app, so the figures come from the apps' own lists: each tile is a list view
with a query string.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import QueryDict
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils import timezone
from django.views import View

from backoffice import keyset

DAYS = 30


@dataclass(frozen=True)
class Tile:
    """A figure: rows of a list (by url name) under a query string. `{week}` becomes the day a week ago."""

    label: str
    icon: str
    list: str
    query: str = ""
    note: str = ""


TILES = [
    Tile("Organizations", "building-2", "tenants:organization_list"),
    Tile("New organizations", "sparkles", "tenants:organization_list", "since={week}", "last 7 days"),
    Tile("Assigned to you", "user-check", "tenants:organization_list", "desk=mine", "tenants"),
    Tile("Followed by you", "star", "tenants:organization_list", "desk=followed", "tenants"),
    Tile("Agents", "bot", "agents:agent_list"),
    Tile("Active numbers", "hash", "telephony:phonenumber_list", "status=active"),
    Tile("Conversations", "messages-square", "agents:agentsession_list", "since={week}", "last 7 days"),
    Tile("Calls", "phone", "telephony:calllog_list", "since={week}", "last 7 days"),
    Tile("Usage records", "chart-column", "billing:usagelog_list", "since={week}", "last 7 days"),
    Tile("Credit postings", "coins", "billing:credittransaction_list", "since={week}", "last 7 days"),
]
ATTENTION = [
    Tile("Needs attention", "bell-ring", "tenants:attentionitem_list", "", "signs that wait"),
    Tile(
        "Waiting, assigned to you",
        "user-check",
        "tenants:attentionitem_list",
        "assigned=me",
        "signs of your tenants",
    ),
    Tile("Waiting, followed by you", "star", "tenants:attentionitem_list", "followed=me", "signs of tenants"),
    Tile(
        "Balance at or below zero",
        "circle-dollar-sign",
        "tenants:organization_list",
        "balance=zero",
        "calls are refused",
    ),
    Tile(
        "Balance not set", "circle-question-mark", "tenants:organization_list", "balance=null", "calls fail"
    ),
    Tile(
        "Active numbers without agent",
        "phone-missed",
        "telephony:phonenumber_list",
        "status=active&problem=unassigned",
        "calls get 404",
    ),
    Tile(
        "Active numbers with another tenant's agent",
        "shuffle",
        "telephony:phonenumber_list",
        "status=active&problem=mismatched",
    ),
    Tile(
        "Changes of credit from outside",
        "triangle-alert",
        "billing:credittransaction_list",
        "outside=unexplained",
        "nobody stands for them",
    ),
    Tile("Usage without cost", "receipt", "billing:usagelog_list", "priced=no&since={week}", "last 7 days"),
]
CHARTS = [
    ("Conversations per day", "agents:agentsession_list", "created_at"),
    ("Calls per day", "telephony:calllog_list", "created_at"),
]


def today():
    return timezone.localdate()


def list_view(name, user):
    """The list view behind a url name, or None if the reader may not open it."""
    view = resolve(reverse(name)).func.view_class
    return view if user.has_perm(view.required_permission()) else None


def read_tile(tile, request):
    """{label, icon, note, url, total}, or None where the reader's role does not include the list."""
    view = list_view(tile.list, request.user)
    if view is None:
        return None
    query = tile.query.format(week=today() - datetime.timedelta(days=7))
    filterset = view.filterset_class(QueryDict(query), queryset=view().get_queryset(), request=request)
    url = reverse(tile.list)
    return {
        "label": tile.label,
        "icon": tile.icon,
        "note": tile.note,
        "url": f"{url}?{query}" if query else url,
        "total": keyset.total(filterset.qs, filtered=bool(query)),
    }


def read_chart(label, list_name, column, user):
    """{label, url, points: [(day, rows)] of the last DAYS days in the reader's zone, bars}, or None."""
    view = list_view(list_name, user)
    if view is None:
        return None
    first = today() - datetime.timedelta(days=DAYS - 1)
    moment = timezone.make_aware(datetime.datetime.combine(first, datetime.time.min))
    rows = (
        view.model.objects.alias(moment=keyset.newest(column))
        .filter(moment__gte=moment, moment__lt=timezone.now() + datetime.timedelta(days=1))
        .order_by()
        .annotate(day=TruncDate(column))
        .values("day")
        .annotate(rows=Count("pk"))
        .values_list("day", "rows")
    )
    by_day = dict(rows)
    days = [first + datetime.timedelta(days=n) for n in range(DAYS)]
    return {
        "label": label,
        "url": f"{reverse(list_name)}?since={first}",
        "points": [(f"{day.day} {day:%b}", by_day.get(day, 0)) for day in days],
        "total": sum(by_day.get(day, 0) for day in days),
    }


class Home(View):
    """Open to everybody who is signed in; shows what the role may see."""

    def get(self, request):
        user = request.user
        context = {
            "page_title": "Dashboard",
            "tiles": list(filter(None, (read_tile(tile, request) for tile in TILES))),
            "attention": list(filter(None, (read_tile(tile, request) for tile in ATTENTION))),
            "charts": list(filter(None, (read_chart(*chart, user) for chart in CHARTS))),
            "days": DAYS,
        }
        return render(request, "backoffice/home.html", context)
