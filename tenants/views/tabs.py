"""The tenant page: one organization, its tabs under one head. Each tab is a page with an address of its own."""

from functools import cache

from django.core.exceptions import PermissionDenied
from django.urls import resolve, reverse
from django.utils.functional import cached_property

from backoffice import generic
from backoffice.addresses import fixed_address, row_address
from backoffice.figures import tenant as figures
from backoffice.roles import role_of
from billing.views import PostCredit
from tenants import attention
from tenants.care import care_part
from tenants.desk.facts import facts_from, facts_read
from tenants.desk.together import read_together
from tenants.health import agents_reads, found_reads, signs_from
from tenants.models import Care, Organization
from tenants.notes import pinned_notes
from tenants.views.closing import OrganizationArchive, OrganizationClose, or_closed
from tenants.views.previews import OrganizationPreviewBegin
from tenants.views.suspension import OrganizationRestore, OrganizationSuspend, suspension_part

VIEW = "tenants.view_organization"
# For the signs on the page; the queue looks at all.
AGENTS_LOOKED_AT = 300
KEPT_SIGNS = (
    "select kind, cause, text from tenants_attentionitem where organization_id = %s and gone_at is null"
)
# What stands under the head: whether there is a suspension and a pinned note, whether the reader follows the tenant,
# and who looks after it.
CARE = ("id", "assignee_id", "assignee_name", "assigned_at", "snoozed_at", "snoozed_until", "snoozed_by_name",
        "snooze_reason")  # fmt: skip
BESIDE = f"""
select exists (select from tenants_suspension where organization_id = %(id)s and restored_at is null),
  exists (select from tenants_note where organization_id = %(id)s and pinned_at is not null),
  exists (select from tenants_follow where organization_id = %(id)s and user_id = %(user)s),
  {", ".join(f"c.{name}" for name in CARE)}
from (values (1)) one left join tenants_care c on c.organization_id = %(id)s
"""


@cache
def permission_of_list(name):
    """The permission that a list asks for, by its url name."""
    return resolve(reverse(name)).func.view_class.required_permission()


class OrganizationTab(generic.ObjectPage):
    """One tab. A subclass gives `slug` (its address), `label`, `permission`, `context()` and `template_name`; what its
    reads() find is `found`.

    `permission` is needed beside seeing organizations; a tab that the reader may not open is not in the bar. The
    overview has the slug "overview" and the address of the organization itself.
    """

    model = Organization
    queryset = Organization.objects.select_related("owner")
    action = "view"
    page = "detail"
    slug = ""
    label = ""
    in_bar_as = ""  # the slug of the tab to which a page beside the tabs belongs

    @classmethod
    def as_view(cls, **initkwargs):
        return or_closed(super().as_view(**initkwargs))

    def may_open(self, user):
        return user.has_perm(VIEW) and super().may_open(user)

    def dispatch(self, request, *args, **kwargs):
        if not request.user.has_perm(VIEW):
            raise PermissionDenied(
                f"Your role ({role_of(request.user)}) may not see organizations; it lacks the permission {VIEW}."
            )
        return super().dispatch(request, *args, **kwargs)

    def deed(self):
        return f"see the tab {self.label} of an organization"

    @classmethod
    def address(cls, organization):
        name = "organization_detail" if cls.slug == "overview" else f"organization_{cls.slug}"
        return row_address(f"tenants:{name}", organization.pk)

    @cached_property
    def kept(self):
        """How far the kept figures can be relied on."""
        return figures.kept()

    @cached_property
    def standing(self):
        """What is read about the tenant in one go: (facts, signs, the rows of each of reads())."""
        tenant, own = self.object, self.reads()
        (facts,), (beside,), kept, *signs = read_together(
            [
                facts_read(tenant, self.kept),
                (BESIDE, {"id": tenant.pk, "user": self.request.user.pk}),
                (KEPT_SIGNS, [tenant.pk]),
                *found_reads(tenant, self.kept),
                *agents_reads(tenant, AGENTS_LOOKED_AT),
                *own,
            ]
        )
        signs, found = signs[: len(signs) - len(own)], signs[len(signs) - len(own) :]
        tenant.is_suspended, self.has_pinned, self.is_followed, *care = beside
        self.care = Care(**dict(zip(CARE, care, strict=True))) if care[0] else None
        facts = facts_from(facts)
        signs = signs_from(facts.credit, *signs)
        all_looked_at = facts.agents <= AGENTS_LOOKED_AT
        if all_looked_at and set(kept) != {(sign.kind, sign.cause, sign.text[:1000]) for sign in signs}:
            attention.keep(tenant, signs)  # the queue learns of it at once
        return facts, signs, found

    def reads(self):
        """[(statement, parameters)] of what the tab itself shows, where that depends on nothing that is read before."""
        return []

    @property
    def facts(self):
        return self.standing[0]

    @property
    def signs(self):
        return self.standing[1]

    @property
    def found(self):
        return self.standing[2]

    def may_list(self, name):
        """Whether the reader may open a list, by its url name."""
        return self.request.user.has_perm(permission_of_list(name))

    def get(self, request, pk):
        return self.render(
            {
                "object": self.object,
                "facts": self.facts,
                "signs": self.signs,
                "page_title": str(self.object),
                "tab": {"slug": self.slug, "label": self.label},
                "tabs": list(self.tab_bar()),
                "crumbs": self.crumbs(),
                "head_parts": [part for part in self.head_parts() if part],
                "actions": [
                    {"label": view.label, "icon": view.icon, "url": row_address(name, self.object.pk)}
                    for name, view in self.actions()
                    if request.user.has_perm(view.required_permission()) and view.applies_to(self.object)
                ],
                "edit_url": self.url("edit", self.object) if self.can("change") else "",
                "delete_url": self.url("delete", self.object) if self.can("delete") else "",
                **self.context(),
            },
            template=self.template_name or "tenants/organization_lists.html",
        )

    def tab_bar(self):
        from tenants.views import TABS

        for tab in TABS:
            if self.request.user.has_perm(tab.required_permission()):
                yield {
                    "label": tab.label,
                    "url": tab.address(self.object),
                    "current": tab.slug == (self.in_bar_as or self.slug),
                }

    def actions(self):
        """[(url name, ActionView)]: buttons in the head of every tab."""
        return [
            ("billing:post_credit", PostCredit),
            ("tenants:organization_suspend", OrganizationSuspend),
            ("tenants:organization_restore", OrganizationRestore),
            ("tenants:organization_preview_begin", OrganizationPreviewBegin),
            ("tenants:organization_archive", OrganizationArchive),
            ("tenants:organization_close", OrganizationClose),
        ]

    def head_parts(self):
        """What stands under the head of every tab, over the bar: dicts with `template` and what it shows, or None.

        The partial gets the dict as `part`, with the page's context around it.
        """
        user, has_pinned = self.request.user, self.has_pinned and self.slug != "notes"
        return [
            suspension_part(self.object) if self.object.is_suspended else None,
            care_part(self.care, user, follows=self.is_followed),
            pinned_notes(self.object, user) if has_pinned else None,
        ]

    def context(self):
        """What the tab's template shows beside the head; for the usual one `sections`."""
        return {}

    def section(self, title, rows, table, list_name, empty, query=""):
        """A list of the newest rows for tenants/desk/section.html, with the way to the whole list of the tenant."""
        return {
            "title": title,
            "rows": rows,
            "table": f"tenants/desk/{table}_table.html",
            "url": f"{fixed_address(list_name)}?organization={self.object.pk}{query}"
            if self.may_list(list_name)
            else "",
            "all": f"All {title.lower()}",
            "empty": empty,
        }
