from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from backoffice import generic, keyset
from backoffice.page_model import with_names
from backoffice.templatetags.ui import copy_button, missing
from telephony import forms, services
from telephony.call_check import check_dialled, check_number
from telephony.conflicts.shown import conflicts_of_number
from telephony.filters import PhoneNumberFilter
from telephony.models import PhoneNumber
from telephony.tables import PhoneNumberTable
from telephony.templatetags.phones import phone
from telephony.traffic import DAYS, since_day, traffic_of, traffic_of_many
from telephony.views.moving import PhoneNumberMove


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
    queryset = with_names(
        PhoneNumber.objects.with_tenant_suspended(), "organization", "agent", agent=["organization"]
    )
    table_class = PhoneNumberTable
    filterset_class = PhoneNumberFilter
    orders = {
        "created": generic.by_time(),
        "number": generic.Order(keyset.F("e164"), rises_first=True),
    }
    bulk = (PhoneNumberRelease, PhoneNumberReactivate)

    def row_context(self, rows):
        if not self.request.user.has_perm("telephony.view_calllog"):
            return {}
        return {
            "traffic": traffic_of_many(rows),
            "call": reverse("telephony:calllog_list"),
            "span": f"since={since_day()}&until={timezone.localdate()}",
        }


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
            ("telephony:phonenumber_move", PhoneNumberMove),
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

    def show_e164(self, number):
        if not number.e164:
            return "Number", missing(number.e164)
        return "Number", format_html("{} {}", phone(number.e164), copy_button(number.e164, "Copy as E.164"))

    def extra_context(self):
        user = self.request.user
        context = {"conflicts": conflicts_of_number(self.object, user)}
        if user.has_perm("telephony.view_calllog"):
            last = self.object.calls.order_by(keyset.newest().desc(), "-pk").first()
            context |= {"traffic": traffic_of(self.object), "last_call": last, "days": DAYS}
        return context


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


class SaysHowItWasRead:
    """Beside what a form page says after saving: how a number that was typed was understood."""

    def saved(self, saved, form):
        self.understood = form.understood
        return super().saved(saved, form)

    def success_message(self, saved):
        return f"{super().success_message(saved)} {self.understood}".strip()


class PhoneNumberCreate(SaysHowItWasRead, generic.CreateView):
    model = PhoneNumber
    form_class = forms.PhoneNumberForm


class PhoneNumberUpdate(SaysHowItWasRead, generic.UpdateView):
    model = PhoneNumber
    form_class = forms.PhoneNumberEditForm
    # With what the picker shows of the agent that is chosen.
    queryset = PhoneNumber.objects.select_related("agent__organization").only(
        *(field.name for field in PhoneNumber._meta.concrete_fields),
        "agent__name",
        "agent__organization__name",
    )


class PhoneNumberDelete(generic.DeleteView):
    model = PhoneNumber
