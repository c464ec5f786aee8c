from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from backoffice.context import pages_named
from backoffice.search.find import find
from backoffice.search.palette_html import groups_html, recent_html
from backoffice.search.recent import recent

IN_PALETTE = 4


class Search(View):
    """Everything that fits what was typed, grouped. One exact hit opens its record, unless `all` is in the address."""

    replica = True

    def get(self, request):
        text = request.GET.get("q", "")
        results = find(text, request.user)
        if "all" not in request.GET and (target := results.the_one()):
            return HttpResponseRedirect(target)
        context = {
            "page_title": "Search",
            "search_query": text.replace("\0", "")[:500],
            "results": results,
            "pages": pages_named(request, results.typed.text),
            "recent": recent(request.user, 15) if results.typed.is_empty else [],
        }
        return render(request, "backoffice/search.html", context)


class Palette(View):
    """What the Ctrl-K palette shows below its field, as links; the page names are put there by palette.js."""

    replica = True

    def get(self, request):
        if not request.htmx:
            return HttpResponseRedirect(f"{reverse('search')}?{request.GET.urlencode()}")
        results = find(request.GET.get("q", ""), request.user, per_kind=IN_PALETTE)
        context = {
            "results": results,
            "recent": recent_html(recent(request.user)) if results.typed.is_empty else "",
            "groups": groups_html(results.groups),
        }
        return render(request, "backoffice/palette.html", context)
