"""What one member of staff did: one's own for everybody, another's for those who see both logs."""

import datetime
import itertools

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views import View

from backoffice import activity
from backoffice.audit_links import sees_people
from backoffice.audit_models import kind_of
from backoffice.display import redact_text
from backoffice.filters import DateInput
from backoffice.forms import PickerField
from backoffice.keyset import BadCursor
from backoffice.models import AuditEvent, ReadLog, User
from backoffice.roles import role_of
from backoffice.sign_in_models import SignIn

VERBS = {
    "insert": "created",
    "update": "changed",
    "delete": "deleted",
    "transcript": "opened the transcript of",
    "reveal": "revealed masked content of",
    "recording": "played a recording of",
    "export": "exported",
    "search": "searched conversations for",
    SignIn.Kind.SIGNED_IN: "signed in",
    SignIn.Kind.REFUSED: "a sign-in failed",
    SignIn.Kind.THROTTLED: "a sign-in was refused after too many tries",
    SignIn.Kind.RESET: "another password was asked for",
}


def about(deed):
    """What it was about, in words; of a sign-in how it was done."""
    if deed.kind == "sign_in":
        return f"by {SignIn.Method(deed.about).label.lower()}"
    return redact_text((deed.about or "")[:200])


class PeriodForm(forms.Form):
    """From and until, days in the reader's zone; the tenant that it was about."""

    def __init__(self, data):
        super().__init__(data)
        tenants = AuditEvent._meta.get_field("organization").related_model._default_manager
        self.fields["organization"] = PickerField(tenants.all(), label="Tenant", required=False)
        self.fields["organization"].widget.nothing = "Any"

    since = forms.DateField(label="From", required=False, widget=DateInput(attrs={"max": "9998-12-31"}))
    until = forms.DateField(label="Until", required=False, widget=DateInput(attrs={"max": "9998-12-31"}))

    def moment(self, name, days=0):
        day = self.cleaned_data.get(name)
        try:
            day = day and day + datetime.timedelta(days=days)
            return day and timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
        except (OverflowError, ValueError):
            return None


class Activity(View):
    """Everything one person did, newest first, by day."""

    def get(self, request, pk=None):
        pk = request.user.pk if pk is None else pk
        if pk != request.user.pk and not sees_people(request.user):
            raise PermissionDenied(
                f"Your role ({role_of(request.user)}) may not see what others did; it lacks the permissions "
                "backoffice.view_auditevent and backoffice.view_readlog. Your own is under your settings."
            )
        self.is_own = pk == request.user.pk
        name = self.name_of(pk)
        form = PeriodForm(request.GET)
        form.is_valid()
        kind = request.GET.get("kind", "")
        kind = kind if kind in activity.SOURCES else ""
        wanted = activity.Wanted(
            pk,
            kind,
            form.moment("since"),
            form.moment("until", 1),
            getattr(form.cleaned_data.get("organization"), "pk", None),
        )
        try:
            deeds, place = activity.deeds_of(wanted, request.GET.get("after", ""))
        except BadCursor:
            return HttpResponseRedirect(request.path)
        context = {
            "page_title": "Your activity" if pk == request.user.pk else f"What {name} did",
            "is_own": self.is_own,
            "form": form,
            "kind": kind,
            "kinds": list(self.kinds(wanted)),
            "is_narrowed": bool(wanted.since or wanted.until or wanted.organization_id or kind),
            "days": self.by_day(deeds),
            "next_url": self.here(after=place) if place else "",
            "first_url": self.here() if "after" in request.GET else "",
            "crumbs": [("Your settings", reverse("me"))] if pk == request.user.pk else [],
        }
        return render(request, "backoffice/activity.html", context)

    def name_of(self, pk):
        """The name of the account, or the one that the logs keep of an account that is gone."""
        if user := User.objects.filter(pk=pk).first():
            return str(user)
        for model in (AuditEvent, ReadLog):
            if entry := model.objects.filter(actor_id=pk).order_by("-at", "-id").first():
                return entry.actor
        raise Http404("There is no such person.")

    def here(self, **more):
        kept = {
            name: value
            for name in ("kind", "since", "until", "organization")
            if (value := self.request.GET.get(name))
        }
        query = urlencode({name: value for name, value in (kept | more).items() if value})
        return f"{self.request.path}?{query}" if query else self.request.path

    def kinds(self, wanted):
        """[{label, icon, count, url, current}], with how many in the period."""
        found = activity.totals(wanted)
        for kind, source in activity.SOURCES.items():
            count = found[kind]
            yield {
                "label": source.label,
                "icon": source.icon,
                "count": f"{activity.COUNTED:,}+" if count > activity.COUNTED else f"{count:,}",
                "url": self.here(kind=kind),
                "current": kind == wanted.kind,
            }

    def by_day(self, deeds):
        """[(day, [what happened on it])], days of the reader's zone."""
        told = [self.told(deed) for deed in deeds]
        return [(day, list(found)) for day, found in itertools.groupby(told, key=lambda one: one["day"])]

    def told(self, deed):
        source = activity.SOURCES[deed.kind]
        user = self.request.user
        may_open = user.has_perm(source.permission) if source.permission else self.is_own or user.is_superuser
        return {
            "day": timezone.localtime(deed.at).date(),
            "at": deed.at,
            "icon": source.icon,
            "verb": "asked for the job" if deed.kind == "job" else VERBS.get(deed.what, deed.what),
            "subject": "" if deed.what == "search" or not deed.table_name else kind_of(deed.table_name),
            "about": about(deed),
            "status": deed.what if deed.kind == "job" else "",
            "reason": deed.reason,
            "url": reverse(source.page, args=[deed.id]) if source.page and may_open else "",
        }
