from backoffice import display, generic
from backoffice.recordings import Recording, is_playable
from backoffice.templatetags.ui import duration, missing
from billing.settlement.shown import settlements_of
from billing.statements.standing import standing_of
from telephony import forms, services
from telephony.corrections import corrections_of, originals
from telephony.filters import CallLogFilter
from telephony.models import CallLog
from telephony.tables import CallLogTable


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
