"""Buttons in the head of a tenant's page and in the queue: take a tenant, hand it over, let it wait, follow it."""

from tenants import care
from tenants.forms import AssignForm, HandOverForm, SnoozeForm
from tenants.models import Care, Organization
from tenants.views.quick import QuickAction


class TenantAction(QuickAction):
    """A verb of those who look after tenants."""

    model = Organization
    permission = "tenants.act_on_tenant"


class AssignPage(TenantAction):
    """What taking and handing over share: whoever comes second is told who has it, and may then take it over."""

    form_class = AssignForm

    @property
    def current(self):
        return Care.objects.filter(organization=self.object.pk, assignee__isnull=False).first()

    def get_form(self, **kwargs):
        form = super().get_form(**kwargs)
        if not form.is_bound and (current := self.current):
            form.initial["seen"] = current.assignee_id
        return form

    def show(self, form, status=200):
        if form.is_bound:  # refused: from here on, what the reader sees is who has it now
            form.data = form.data.copy()
            form.data["seen"] = ((current := self.current) and current.assignee_id) or ""
        return super().show(form, status)


class OrganizationAssign(AssignPage):
    service = staticmethod(care.assign_tenant)
    label = "Assign to me"
    icon = "user-check"

    @property
    def undo(self):
        """Giving back; not after taking over from somebody, who would not have it again."""
        return "" if self.request.POST.get("seen") else "tenants:organization_release"

    def context(self):
        current = self.current
        other = current is not None and current.assignee_id != self.request.user.pk
        return super().context() | {
            "submit": f"Take over from {current.assignee_name}" if other else self.label,
            "explanation": f"{current.assignee_name} looks after this tenant." if other else "",
        }

    def said(self, result):
        return f"You look after {self.object} now."


class OrganizationHandOver(AssignPage):
    service = staticmethod(care.assign_tenant)
    form_class = HandOverForm
    label = "Hand over"
    icon = "user-round-pen"

    def said(self, result):
        return f"{result.assignee_name} looks after {self.object} now."


class OrganizationRelease(TenantAction):
    service = staticmethod(care.release_tenant)
    label = "Give back"
    icon = "user-x"
    success = "Nobody looks after {object} now."
    undo = "tenants:organization_assign"


class OrganizationSnooze(TenantAction):
    service = staticmethod(care.snooze_tenant)
    form_class = SnoozeForm
    label = "Snooze"
    icon = "alarm-clock"
    explanation = "What is known about this tenant waits until then; what appears later shows at once."
    undo = "tenants:organization_wake"

    def get_form(self, **kwargs):
        form = super().get_form(**kwargs)
        form.initial["until"] = "custom"  # the presets are one click away already
        return form

    def said(self, result):
        return f"{self.object} waits until {care.time_text(result.snoozed_until)}."


class OrganizationWake(TenantAction):
    service = staticmethod(care.wake_tenant)
    label = "Wake"
    icon = "alarm-clock-off"
    success = "{object} waits no longer."


class OrganizationFollow(QuickAction):
    model = Organization
    permission = "tenants.follow_tenant"
    service = staticmethod(care.follow_tenant)
    label = "Follow"
    icon = "star"
    success = "You follow {object}."
    undo = "tenants:organization_unfollow"


class OrganizationUnfollow(QuickAction):
    model = Organization
    permission = "tenants.follow_tenant"
    service = staticmethod(care.unfollow_tenant)
    label = "Follow no longer"
    icon = "star-off"
    success = "You do not follow {object} any more."
    undo = "tenants:organization_follow"
