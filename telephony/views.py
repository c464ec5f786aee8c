from django.urls import reverse

from backoffice import display, generic, keyset
from backoffice.recordings import Recording, is_playable
from backoffice.templatetags.ui import duration, missing
from billing.settlement.shown import settlements_of
from billing.statements.standing import standing_of
from telephony import forms, services
from telephony.call_check import check_dialled, check_number
from telephony.corrections import corrections_of, originals
from telephony.filters import CallLogFilter, PhoneNumberFilter, SipTrunkFilter
from telephony.models import CallLog, PhoneNumber, SipTrunk
from telephony.tables import CallLogTable, PhoneNumberTable, SipTrunkTable


class PhoneNumberRelease(generic.ActionView):
    model = PhoneNumber
    service = staticmethod(services.release_number)
    label = "Release"
    icon = "phone-off"
    explanation = (
        "Calls to a released number get no answer from the platform. The row stays, and can be reactivated."
    )
    success = "{object} was released."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_active or obj.is_suspended


class PhoneNumberReactivate(generic.ActionView):
    model = PhoneNumber
    service = staticmethod(services.reactivate_number)
    label = "Reactivate"
    icon = "phone"
    explanation = (
        "The platform answers calls to an active number once an agent is assigned and there is credit."
    )
    success = "{object} is active again."

    @classmethod
    def applies_to(cls, obj):
        return not obj.is_active and not services.is_held(obj)


class PhoneNumberCheck(generic.ObjectPage):
    """The same for one row, as it is stored."""

    model = PhoneNumber
    queryset = PhoneNumber.objects.select_related("organization", "agent")
    action = "view"
    page = "check"
    label = "Why are calls refused?"
    icon = "list-checks"

    @classmethod
    def applies_to(cls, obj):
        return True

    def get(self, request, pk):
        context = {
            "page_title": self.label,
            "crumbs": self.crumbs(),
            "typed": self.object.e164 or "",
            "form_url": reverse("telephony:call_check"),
            "check": check_number(self.object),
        }
        return self.render(context, template="telephony/call_check.html")


class PhoneNumberList(generic.ListView):
    model = PhoneNumber
    queryset = PhoneNumber.objects.with_tenant_suspended().select_related("organization", "agent")
    table_class = PhoneNumberTable
    filterset_class = PhoneNumberFilter
    orders = {
        "created": generic.by_time(),
        "number": generic.Order(keyset.F("e164"), rises_first=True),
    }
    bulk = (PhoneNumberRelease, PhoneNumberReactivate)


class PhoneNumberDetail(generic.DetailView):
    model = PhoneNumber
    queryset = PhoneNumber.objects.select_related("organization", "agent")
    fields = [
        ("Number", ["e164", "status", "organization", "agent"]),
        ("Provider", ["provider", "provider_sid", "created_at", "id"]),
    ]
    related = [("Calls", "telephony:calllog_list", "phone_number", "calls")]

    def actions(self):
        return [
            ("telephony:phonenumber_check", PhoneNumberCheck),
            ("telephony:phonenumber_release", PhoneNumberRelease),
            ("telephony:phonenumber_reactivate", PhoneNumberReactivate),
        ]

    def warnings(self):
        number = self.object
        if number.is_suspended:
            held = services.is_held(number)
            yield (
                "Suspended with its tenant: restoring the tenant brings it back."
                if held
                else "Suspended with a tenant that is not suspended (any more): reactivate it by itself."
            )
        if not number.is_active:
            yield "Not active: the platform answers 404 to calls."
        if number.agent_id is None:
            yield "No agent is assigned: the platform answers 404 to calls."
        elif number.agent and number.agent.organization_id != number.organization_id:
            yield "The agent belongs to another organization than the one that pays for the calls."
        if not number.organization.has_credit:
            yield "The organization's balance is not above zero: the platform answers 402 to calls."


class CallCheck(generic.ModelPage):
    """Why are calls refused: the way of a call to a number that somebody types, step by step."""

    model = PhoneNumber
    action = "view"
    page = "check"

    def get(self, request):
        typed = request.GET.get("number", "")[:60].replace("\0", "")
        context = {
            "page_title": "Why are calls refused?",
            "crumbs": self.crumbs(),
            "typed": typed,
            "check": check_dialled(typed) if typed.strip() else None,
        }
        return self.render(context, template="telephony/call_check.html")


class PhoneNumberCreate(generic.CreateView):
    model = PhoneNumber
    form_class = forms.PhoneNumberForm


class PhoneNumberUpdate(generic.UpdateView):
    model = PhoneNumber
    form_class = forms.PhoneNumberForm


class PhoneNumberDelete(generic.DeleteView):
    model = PhoneNumber


class SipTrunkList(generic.ListView):
    model = SipTrunk
    queryset = SipTrunk.objects.select_related("organization")
    table_class = SipTrunkTable
    filterset_class = SipTrunkFilter
    orders = {"created": generic.by_time()}

    def row_context(self, rows):
        return {"with_password": services.trunks_with_password(rows)}


class SipTrunkPassword(generic.ActionView):
    model = SipTrunk
    service = staticmethod(services.set_trunk_password)
    form_class = forms.TrunkPasswordForm
    label = "Replace password"
    icon = "key-round"
    success = "The password of {object} was replaced."


class SipTrunkDetail(generic.DetailView):
    model = SipTrunk
    queryset = SipTrunk.objects.select_related("organization")
    fields = ["provider", "sip_domain", "username", "password", "organization", "created_at", "id"]

    def actions(self):
        return [("telephony:siptrunk_password", SipTrunkPassword)]

    def show_password(self, trunk):
        return "Password", "set, not readable" if services.trunks_with_password([trunk]) else missing(None)

    def warnings(self):
        if self.object.organization_id is None:
            yield "This trunk is the platform's own: no tenant sees it."


class SipTrunkCreate(generic.CreateView):
    model = SipTrunk
    form_class = forms.SipTrunkForm


class SipTrunkUpdate(generic.UpdateView):
    model = SipTrunk
    form_class = forms.SipTrunkForm


class SipTrunkDelete(generic.DeleteView):
    model = SipTrunk


class CallLogMarkStale(generic.ActionView):
    model = CallLog
    permission = "telephony.mark_stale_call"
    service = staticmethod(services.mark_stale_call)
    label = "Mark as stale"
    icon = "phone-missed"
    explanation = (
        "The platform opened this call and never closed it. Marked, it no longer counts as running; duration and cost "
        "stay as they are, for finance to correct."
    )
    success = "The {object} is marked as stale."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_stale

    def deed(self):
        return "mark stale calls"


class CallLogList(generic.ListView):
    model = CallLog
    bulk = (CallLogMarkStale,)
    not_exported = ["recording_url"]  # recordings are heard through the door that logs it
    queryset = CallLog.objects.select_related("organization", "agent", "phone_number")
    table_class = CallLogTable
    filterset_class = CallLogFilter
    orders = {"created": generic.by_time()}

    def row_context(self, rows):
        found = originals(rows)
        for row in rows:
            row.original = {change.name: change.before for change in found.get(row.pk, ())}
        return {}


def books(call):
    """How a call was corrected, and what a correction meets."""
    return {
        "original": originals([call]).get(call.pk, []),
        "corrections": corrections_of(call),
        "standing": standing_of(call),
    }


class CallLogCorrect(generic.UpdateView):
    """Offered among the actions of a call: the right to it is finance's own."""

    model = CallLog
    permission = "telephony.correct_call"
    form_class = forms.CorrectCallForm
    label = "Correct"
    icon = "pencil-ruler"

    @classmethod
    def applies_to(cls, obj):
        return True

    def deed(self):
        return "correct calls"

    def title(self, obj):
        return f"Correct {obj}"

    def page_context(self, form):
        return super().page_context(form) | books(self.object)


class CallRecording(Recording):
    model = CallLog
    url_field = "recording_url"


class CallLogDetail(generic.DetailView):
    model = CallLog
    has_readings = True
    queryset = CallLog.objects.select_related("organization", "agent", "phone_number")
    fields = [
        ("Call", ["direction", "caller_number", "status", "duration", "cost", "created_at", "recording"]),
        ("Where", ["organization", "agent", "phone_number", "session", "session_ref", "id"]),
        ("Settlement", ["settled"]),
    ]

    def show_settled(self, call):
        return "Settled with", settlements_of("call", call)

    def actions(self):
        return [
            ("telephony:calllog_correct", CallLogCorrect),
            ("telephony:calllog_mark_stale", CallLogMarkStale),
        ]

    def extra_context(self):
        return books(self.object)

    def show_recording(self, call):
        may = is_playable(call.recording_url) and self.request.user.has_perm("agents.read_transcript")
        return "Recording", display.audio(call.get_absolute_url() + "recording/") if may else missing(None)

    def show_duration(self, call):
        return "Duration", duration(call.duration_seconds)

    def show_session(self, call):
        from agents.models import AgentSession

        session = AgentSession.objects.filter(external_id=call.session_ref).first()
        return "Conversation", display.links([session]) if session else missing(
            "", "none matches its session id"
        )

    def warnings(self):
        if self.object.is_stale:
            yield "Still “active”, though it began longer ago than any call lasts: the platform never closed it."
        number = self.object.duration_seconds
        if number is not None and number < 0:
            yield "The duration is negative."
