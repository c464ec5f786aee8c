from django.utils.html import format_html, format_html_join

from backoffice import display, generic
from backoffice.page_model import with_names
from backoffice.recordings import Recording, is_playable
from backoffice.templatetags.ui import copy_button, cost, duration, missing, status_pill
from billing.settlement.shown import settlements_of
from billing.statements.standing import standing_of
from telephony import forms, services
from telephony.corrections import corrections_of, original, originals
from telephony.filters import CallLogFilter
from telephony.joined import joined_to
from telephony.models import CallLog
from telephony.tables import CallLogTable
from telephony.templatetags.phones import LONGEST, phone


class CallLogMarkStale(generic.ActionView):
    model = CallLog
    permission = "telephony.mark_stale_call"
    service = staticmethod(services.mark_stale_call)
    label = "Close as stale"
    icon = "phone-missed"
    explanation = (
        "The platform opened this call and never closed it. Closed as stale, it no longer counts as running; duration "
        "and cost stay as they are, for finance to correct."
    )
    success = "The {object} is closed as stale."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_stale

    def deed(self):
        return "close stale calls"


class CallLogList(generic.ListView):
    model = CallLog
    bulk = (CallLogMarkStale,)
    not_exported = ["recording_url"]  # recordings are heard through the door that logs it
    queryset = with_names(CallLog.objects.all(), "organization", "agent", "phone_number")
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
    corrections = corrections_of(call)
    return {
        "original": original(call, [change for one in corrections for change in one.changes]),
        "corrections": corrections,
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

    def show_caller_number(self, call):
        if not call.caller_number:
            return "Caller", missing(call.caller_number, "withheld")
        if len(call.caller_number) > LONGEST:
            return "Caller", phone(call.caller_number)
        return "Caller", format_html("{} {}", phone(call.caller_number), copy_button(call.caller_number))

    def show_phone_number(self, call):
        return "Number called" if call.direction == "inbound" else "Number", display.present(
            call, "phone_number", self.request.user
        )["value"]

    def show_cost(self, call):
        return "Cost", cost(call.cost) if call.cost else missing("", "not recorded")

    def show_recording(self, call):
        if not call.recording_url:
            return "Recording", missing("", "none")
        if not is_playable(call.recording_url):
            return "Recording", missing("", "at a place that is not played from here (MEDIA_HOSTS)")
        if not self.request.user.has_perm("agents.read_transcript"):
            return "Recording", missing("", "not for your role")
        return "Recording", display.audio(call.get_absolute_url() + "recording/")

    def show_duration(self, call):
        return "Duration", duration(call.duration_seconds)

    def show_session(self, call):
        found = joined_to(call)
        if found.session is None:
            return "Conversation", missing(
                "", "none matches its session id" if call.session_ref else "no session id"
            )
        name = "Conversation of " + found.session.agent.display_name
        if self.request.user.has_perm("agents.view_agentsession"):
            name = format_html('<a href="{}">{}</a>', found.session.get_absolute_url(), name)
        notes = format_html_join("", '<div class="muted">{}</div>', ((doubt,) for doubt in found.doubts))
        mark = status_pill("joined by its session id, unverified", "warn")
        return "Conversation", format_html("{} {}{}", name, mark, notes)

    def warnings(self):
        if self.object.is_stale:
            yield "Still “active”, though it began longer ago than any call lasts: the platform never closed it."
        number = self.object.duration_seconds
        if number is not None and number < 0:
            yield "The duration is negative."
