from django.utils.html import format_html

from backoffice import display, generic, keyset
from backoffice.replicas.choice import reading
from tenants.attention import GONE_KEPT_DAYS, finish_sign, reopen_sign, snooze_tenant_of, take_tenant_of
from tenants.filters import AttentionFilter
from tenants.forms import SnoozeForm
from tenants.health import KINDS
from tenants.models import AttentionItem, Care
from tenants.tables import AttentionTable
from tenants.views.quick import QuickAction

# How many signs of each kind wait, up to 1,000; beside it when signs were looked up.
COUNT_KINDS = """
select kind, (select at from tenants_signlookup), (
  select count(*) from (
    select from tenants_attentionitem i
    where i.kind = kinds.kind and i.gone_at is null and i.done_at is null and not exists (
      select from tenants_care c where c.organization_id = i.organization_id
        and c.snoozed_until > now() and c.snoozed_at >= i.first_seen_at)
    order by i.position, i.id  -- the order of an index, without which a rare kind would cost the whole table
    limit 1000) waiting)
from unnest(%s::text[]) kinds (kind)
"""


class SignAction(QuickAction):
    model = AttentionItem
    permission = "tenants.act_on_tenant"
    action = "act"  # not "change": nobody edits the rows of the queue

    def success_url(self):
        return generic.safe_next(self.request, self.url("list"))


class AttentionFinish(SignAction):
    service = staticmethod(finish_sign)
    label = "Done"
    icon = "check"
    success = "{object} Done: it stays out of the queue as long as it lasts, and is listed anew should it come back."
    undo = "tenants:attentionitem_reopen"

    @classmethod
    def applies_to(cls, item):
        return item.gone_at is None and item.done_at is None


class AttentionReopen(SignAction):
    service = staticmethod(reopen_sign)
    label = "Back into the queue"
    icon = "rotate-ccw"
    success = "{object} It stands in the queue again."
    undo = "tenants:attentionitem_done"

    @classmethod
    def applies_to(cls, item):
        return item.gone_at is None and item.done_at is not None


class AttentionTake(SignAction):
    """For many signs of a list; for one tenant it is a button of its own."""

    service = staticmethod(take_tenant_of)
    label = "Assign to me"
    icon = "user-check"


class AttentionSnooze(SignAction):
    service = staticmethod(snooze_tenant_of)
    form_class = SnoozeForm
    label = "Snooze"
    icon = "alarm-clock"


class AttentionList(generic.ListView):
    """The queue. It writes nothing: the worker looks signs up, and a tenant's page its own."""

    model = AttentionItem
    table_class = AttentionTable
    filterset_class = AttentionFilter
    title = "Needs attention"
    heavy_rows = 2  # each has its buttons: five kilobytes
    bulk = (AttentionFinish, AttentionTake, AttentionSnooze, AttentionReopen)
    orders = {
        "worst": generic.Order(keyset.F("position"), rises_first=True),
        "oldest": generic.Order(keyset.F("first_seen_at"), by_time=True, rises_first=True),
    }

    def row_context(self, rows):
        tenants = {row.organization_id for row in rows}
        cares = Care.objects.filter(organization__in=tenants)
        return {"cares": {care.organization_id: care for care in cares}, "kinds": KINDS}

    def extra_context(self):
        user = self.request.user
        return {
            **self.kinds(),
            "may_act": user.has_perm("tenants.act_on_tenant"),
            "kept_days": GONE_KEPT_DAYS,
            "here": self.request.get_full_path(),
        }

    def kinds(self):
        """{looked_up_at, kinds [{label, icon, count, url, is_current}] of which some wait, the graver first}."""
        with reading().cursor() as cursor:
            cursor.execute(COUNT_KINDS, [list(KINDS)])
            rows = cursor.fetchall()
        counts = {kind: count for kind, _, count in rows}
        chosen = self.request.GET.get("kind", "")
        kinds = [
            {
                "label": kind.label,
                "icon": kind.icon,
                "count": "1,000+" if counts[name] >= 1000 else counts[name],
                "url": f"{self.request.path}?kind={name}",
                "is_current": name == chosen,
            }
            for name, kind in KINDS.items()
            if counts[name] or name == chosen
        ]
        return {"looked_up_at": rows[0][1], "kinds": kinds}


class AttentionDetail(generic.DetailView):
    model = AttentionItem
    queryset = AttentionItem.objects.select_related("organization")
    fields = [
        (
            "Sign",
            ["organization", "kind", "text", "url", "numbers", "cause"],
        ),
        ("Life", ["first_seen_at", "last_seen_at", "done_at", "done_by_name", "gone_at", "id"]),
    ]

    def actions(self):
        return [
            ("tenants:attentionitem_done", AttentionFinish),
            ("tenants:attentionitem_reopen", AttentionReopen),
        ]

    def show_organization(self, item):
        if item.organization is None:
            return "Tenant", f"{item.organization_name} (closed)"
        return "Tenant", display.present(item, "organization", self.request.user)["value"]

    def show_kind(self, item):
        kind = KINDS.get(item.kind)
        return "Kind", f"{kind.label}. {kind.rule}" if kind else item.kind

    def show_url(self, item):
        return "Leads to", format_html('<a href="{0}">{0}</a>', item.url) if is_ours(item.url) else item.url


def is_ours(url):
    return url.startswith("/") and not url.startswith("//")
