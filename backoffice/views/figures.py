"""Figures of a period: by day, channel, model and tenant, beside the period before."""

import datetime

from django import forms
from django.apps import apps
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.views.decorators.gzip import gzip_page

from backoffice import generic
from backoffice.figures import periods, read, shown
from backoffice.figures.measures import BY_NAME, NONE, Span
from backoffice.filters import DateInput, Query
from backoffice.forms import PickerField
from backoffice.models import Figure

DEFAULT_DAYS = 30
MOST_DAYS = 366
CHANNELS = [("text", "Text"), ("voice", "Voice"), ("phone", "Phone"), ("legacy", "Legacy"), (NONE, "not set")]


class ChannelField(forms.ChoiceField):
    """Known channels; any other in the address is taken as it is."""

    def valid_value(self, value):
        return "\0" not in value

    def to_python(self, value):
        value = super().to_python(value)
        if value and value not in dict(self.choices):
            self.choices = [*self.choices, (value, value)]
        return value


class FiguresForm(forms.Form):
    """Which days, of whom. The days are the last 7, 30 or 90, or from one to another; all in UTC."""

    days = forms.TypedChoiceField(
        choices=[(str(days), f"{days} days") for days in periods.PERIODS],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "Choose 7, 30 or 90 days."},
    )
    since = forms.DateField(label="From (UTC)", required=False, widget=DateInput)
    until = forms.DateField(label="Until (UTC)", required=False, widget=DateInput)
    channel = ChannelField(choices=[("", "Any"), *CHANNELS], required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        organizations = apps.get_model("tenants.Organization").objects.all()
        self.fields["organization"] = PickerField(queryset=organizations, required=False)
        self.fields["organization"].widget.nothing = "All"

    def clean(self):
        values = super().clean()
        since, until, today = values.get("since"), values.get("until"), periods.today()
        if since and since > today:
            self.add_error("since", "This day has not begun yet (in UTC).")
        elif until and until > today:
            self.add_error("until", "This day has not begun yet (in UTC); leave it empty for today.")
        elif since and since < datetime.date(1001, 1, 2):
            self.add_error("since", "There are no figures of so long ago.")
        elif until and until < datetime.date(1003, 1, 2):
            self.add_error("until", "There are no figures of so long ago.")
        elif since and since > (until or today):
            self.add_error("until", "This day is before “From”.")
        elif since and ((until or today) - since).days >= MOST_DAYS:
            self.add_error("since", f"Choose {MOST_DAYS} days at the most.")
        return values

    def span(self):
        values = self.cleaned_data
        since, until, today = values.get("since"), values.get("until"), periods.today()
        if since or until:
            until = until or today
            since = since or periods.days_until(until, DEFAULT_DAYS)
        else:
            until = today
            since = periods.days_until(today, values.get("days") or DEFAULT_DAYS)
        channel = values.get("channel") or None
        tenant = values.get("organization")
        return Span(since, until, tenant.pk if tenant else None, "" if channel == NONE else channel)


# Compressed by us, where no proxy does it: a third of a megabyte of charts (docs/front-end.md).
@method_decorator(gzip_page, name="dispatch")
class Figures(generic.ModelPage):
    model = Figure
    action = "view"
    page = "figures"
    replica = True

    @cached_property
    def form(self):
        return FiguresForm(data=self.request.GET)

    @property
    def by(self):
        by = self.request.GET.get("by", "")
        return by if by in shown.BY else shown.BY[0]

    def get(self, request):
        is_valid = "_pick" not in request.GET and self.form.is_valid()
        context = {"page_title": "Figures", "form": self.form, "is_valid": is_valid, "by": self.by}
        status = 200
        if is_valid:
            context |= self.figures(self.form.span())
        elif "_pick" not in request.GET:
            status = 422
        return self.render(context, template="backoffice/figures.html", status=status)

    def figures(self, span):
        figures = shown.Figures(span, self.request.user)
        content, counted_at = (None, None) if span.tenant else read.most(span)
        if span.tenant:
            figures.may_open["active"] = False
        return {
            "span": span,
            "span_text": shown.between(span),
            "before_text": shown.between(span.before),
            "is_custom": bool(self.form.cleaned_data["since"] or self.form.cleaned_data["until"]),
            "periods": self.periods(span),
            "standing": read.standing(),
            "tiles": figures.tiles(content),
            "charts": list(figures.charts()),
            "latency_chart": figures.latency_chart(),
            "parts": list(figures.parts()),
            "tenants": self.tenants(figures, content),
            "tenants_counted_at": counted_at,
            "notes": list(figures.notes()),
            "is_current": figures.is_current,
            "left_out": self.left_out(span),
        }

    def periods(self, span):
        query = Query(self.request.GET).without("since", "until", "_pick", "organization_search")
        is_custom = self.form.cleaned_data["since"] or self.form.cleaned_data["until"]
        return [
            {
                "label": f"{days} days",
                "url": str(query.with_(days=days)),
                "current": not is_custom and span.length == days,
            }
            for days in periods.PERIODS
        ]

    def tenants(self, figures, content):
        """The table of tenants with a link per measure to sort by; None of one tenant alone."""
        names = [name for name in shown.BY if figures.may_open[name]]
        if content is None or not names:
            return None
        by = self.by if self.by in names else names[0]
        query = Query(self.request.GET)
        tabs = [
            {"label": BY_NAME[name].label, "url": f"{query.with_(by=name)}#by-tenant", "current": name == by}
            for name in names
        ]
        return {**figures.tenants(by, content), "tabs": tabs}

    def left_out(self, span):
        """What cannot be told of one tenant or channel, in a sentence."""
        if span.channel is not None and span.channel != "phone":
            return "Calls, new tenants and latency have no channel and are not shown."
        if span.channel is not None:
            return "All calls count as phone; new tenants and latency have no channel and are not shown."
        if span.tenant:
            return "Shared sessions are left out; latency is kept for all tenants together and not shown."
        return ""
