"""The dashboard: what needs the reader, then the figures of the last 30 days. Every figure opens the rows that it
counted.
"""

from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.gzip import gzip_page

from backoffice.figures import periods, read, shown
from backoffice.figures.measures import Span
from backoffice.keyset import COUNT_LIMIT
from backoffice.needs import needs_of

DAYS = 30
CHARTS = ("conversations", "calls", "tokens", "cost")
# The gravest first.
TONES = ("bad", "warn", "info")


def waiting(user):
    """(Needs with something to do, the gravest first; those with nothing to do)."""
    found = needs_of(user)
    some = [need for need in found if need.count]
    some.sort(key=lambda need: TONES.index(need.tone) if need.tone in TONES else len(TONES))
    return some, [need for need in found if not need.count]


def figures_of(user):
    """The context of the figures; {} for who may not see them."""
    if not user.has_perm("backoffice.view_figure"):
        return {}
    until = periods.today()
    span = Span(periods.days_until(until, DAYS), until)
    figures = shown.Figures(span, user)
    content, _ = read.most(span)
    return {
        "tiles": figures.tiles(content),
        "charts": list(figures.charts(CHARTS)),
        "notes": list(figures.notes()),
        "standing": read.standing(),
        "is_current": True,
        "days": DAYS,
        "span_text": shown.between(span),
        "before_text": shown.between(span.before),
    }


@method_decorator(gzip_page, name="dispatch")  # charts, like those of views.figures
class Home(View):
    """Open to everybody who is signed in; shows what the role may see."""

    replica = True

    def get(self, request):
        some, nothing = waiting(request.user)
        context = {
            "page_title": "Dashboard",
            "needs": some,
            "quiet": nothing,
            "most": COUNT_LIMIT,
            **figures_of(request.user),
        }
        return render(request, "backoffice/home.html", context)
