"""Suspending a tenant and restoring it, and the banner that says so on its page."""

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse

from backoffice import generic
from telephony.models import PhoneNumber
from tenants.models import Organization
from tenants.suspensions import (
    added_since,
    open_suspension,
    plan_restore,
    restore_tenant,
    suspend_tenant,
)

SHOWN = 100
CHANGE_NUMBERS = "telephony.change_phonenumber"


def is_suspended(organization):
    """As its list read it, else asked for."""
    known = getattr(organization, "is_suspended", None)
    return open_suspension(organization) is not None if known is None else known


class SuspensionPage(generic.ActionView):
    """Needs the right to change tenants and the one to change numbers."""

    model = Organization

    def may_open(self, user):
        return super().may_open(user) and user.has_perm(CHANGE_NUMBERS)

    @classmethod
    def required_permission(cls):
        return "tenants.change_organization"

    def deed(self):
        return f"{self.label.lower()} tenants, which changes their numbers too ({CHANGE_NUMBERS})"


class OrganizationSuspend(SuspensionPage):
    service = staticmethod(suspend_tenant)
    template_name = "tenants/organization_suspend.html"
    label = "Suspend"
    explanation = (
        "Calls to their numbers get no answer from the platform; what each number was is remembered. Text chat and"
        " voice in the browser go on, wherever the agents are embedded, and calls that are going on are not ended."
    )
    icon = "circle-pause"
    danger = True

    @classmethod
    def applies_to(cls, obj):
        return not is_suspended(obj)

    def context(self):
        numbers = PhoneNumber.objects.filter(organization=self.object.pk)
        active = list(numbers.active().order_by("e164")[: SHOWN + 1])
        return {
            "suspension": open_suspension(self.object),
            "active": active[:SHOWN],
            "more": len(active) > SHOWN,
            "others": numbers.exclude(status=PhoneNumber.Status.ACTIVE).count(),
            "restore_url": reverse("tenants:organization_restore", args=[self.object.pk]),
        }

    def done(self, result):
        count = result.numbers.filter(was_active=True).count()
        undo = reverse("tenants:organization_restore", args=[self.object.pk])
        text = f"{self.object} is suspended: {count} number{'' if count == 1 else 's'} no longer answered."
        messages.success(self.request, text, extra_tags=f"undo:{undo}")
        return HttpResponseRedirect(self.success_url())


class OrganizationRestore(SuspensionPage):
    """A POST without a reason is the Undo of the message after suspending."""

    service = staticmethod(restore_tenant)
    template_name = "tenants/organization_restore.html"
    label = "Restore"
    explanation = "Their numbers become what they were; those that somebody changed meanwhile are left alone."
    icon = "circle-play"

    @classmethod
    def applies_to(cls, obj):
        return is_suspended(obj)

    def get_form(self, **kwargs):
        if "data" in kwargs and "reason" not in kwargs["data"]:
            kwargs["data"] = {"reason": "Undo of the suspension"}
        return super().get_form(**kwargs)

    def context(self):
        suspension = open_suspension(self.object)
        plan = plan_restore(suspension) if suspension else []
        return {
            "suspension": suspension,
            "back": [one for one in plan if not one.why],
            "left": [one for one in plan if one.why],
            "added": added_since(suspension) if suspension else [],
        }

    def done(self, result):
        back, left = result
        count = len(back)
        text = f"{self.object} is restored: {count} number{'' if count == 1 else 's'} as before."
        messages.success(self.request, text)
        if left:
            named = "; ".join(f"{one.remembered}: {one.why}" for one in left[:20])
            more = f"; and {len(left) - 20} more" if len(left) > 20 else ""
            messages.warning(self.request, f"Left alone: {named}{more}")
        return HttpResponseRedirect(self.success_url())


def suspension_part(organization):
    """What the head of the tenant page says while the tenant is suspended; None otherwise."""
    suspension = open_suspension(organization)
    if suspension is None:
        return None
    return {
        "template": "tenants/suspended.html",
        "suspension": suspension,
        "active": PhoneNumber.objects.filter(organization=organization.pk).active().count(),
    }
