"""The tenant's view: beginning and ending it, what its pages share, and the first of them (docs/tenant-view.md)."""

import math

from django.conf import settings
from django.contrib import messages
from django.db import DataError
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from backoffice import generic
from backoffice.forms import ReasonForm
from backoffice.keyset import BadCursor
from backoffice.postgresql.base import PREVIEW
from backoffice.preview import NotPermitted, TooLong, as_tenant, is_offered, permitted
from tenants.forms import LoginField
from tenants.models import Organization, UserProfile
from tenants.preview import compare
from tenants.preview.procedure import begin_preview, current_preview, end_preview, owner_login
from tenants.suspensions import open_suspension

PERMISSION = "tenants.preview_tenant"
OTHERS = 20


class PreviewForm(ReasonForm):
    login = LoginField(required=False)
    field_order = ["login", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = "Another login"
        field.help_text = (
            "Mail address or id, where a customer signs in with another one. Empty: the owner's login."
        )


class OrganizationPreviewBegin(generic.ActionView):
    """Asks why, and as whom."""

    model = Organization
    queryset = Organization.objects.select_related("owner")
    permission = PERMISSION
    template_name = "tenants/preview/begin.html"
    form_class = PreviewForm
    label = "Tenant's view"
    icon = "eye"
    service = staticmethod(begin_preview)

    @classmethod
    def applies_to(cls, obj):
        return is_offered()

    def deed(self):
        return "see what a tenant sees"

    def context(self):
        current = current_preview(self.request.user)
        return {
            "page_title": f"Tenant's view: {self.object}",
            "submit": "Begin",
            "is_offered": is_offered(),
            "minutes": settings.PREVIEW_MINUTES,
            "owner": owner_login(self.object),
            "current": current,
            "over": self.last() if current is None else None,
        }

    def last(self):
        """The reader's view of this tenant that was over by itself lately."""
        found = self.object.previews.filter(actor=self.request.user).first()
        ended = found and (found.ended_at or found.expires_at)
        is_recent = ended and (timezone.now() - ended).total_seconds() < 60 * 60
        return found if is_recent and ended >= found.expires_at else None

    def done(self, result):
        return HttpResponseRedirect(reverse("tenants:organization_preview", args=[self.object.pk]))


class OrganizationPreviewEnd(generic.ObjectPage):
    """Takes a POST alone."""

    model = Organization
    permission = PERMISSION
    page = "preview_end"

    def deed(self):
        return "see what a tenant sees"

    def post(self, request, pk):
        preview = current_preview(request.user)
        if preview:
            end_preview(preview, actor=request.user)
            messages.success(
                request, f"You no longer look at {preview.organization_name} as the tenant does."
            )
        return HttpResponseRedirect(self.url("detail", self.object))


class PreviewPage(generic.ObjectPage):
    """A page of the view. `read()` runs as the tenant and gives the context; all that is shown is read in it.

    Where the reader has no view of this tenant open, the page asks to begin one.
    """

    model = Organization
    queryset = Organization.objects.select_related("owner")
    permission = PERMISSION
    page = "preview"
    slug = ""
    label = ""
    in_bar_as = ""

    def deed(self):
        return "see what a tenant sees"

    @cached_property
    def preview(self):
        return current_preview(self.request.user)

    def get(self, request, **kwargs):
        if self.preview is None or self.preview.organization_id != self.object.pk or not is_offered():
            return OrganizationPreviewBegin.as_view()(request, pk=self.object.pk)
        try:
            with as_tenant(self.preview.login_id):
                context = self.read()
        except (BadCursor, DataError):
            return HttpResponseRedirect(request.path)
        except NotPermitted as error:
            context = {"refusal": str(error), "too_long": isinstance(error, TooLong)}
        response = self.render({**self.shell(), **context}, template=self.template(context))
        # When the time is over, the page asks again, and then says so.
        left = (self.preview.expires_at - timezone.now()).total_seconds()
        response["Refresh"] = str(max(1, math.ceil(left) + 1))
        return response

    def template(self, context):
        return "tenants/preview/refused.html" if "refusal" in context else self.template_name

    def read(self):
        raise NotImplementedError

    def shell(self):
        from tenants.views.preview_pages import PAGES

        return {
            "object": self.object,
            "preview": self.preview,
            "page_title": f"{self.object}, as the tenant sees it",
            "crumbs": self.crumbs(),
            "tab": {"slug": self.slug, "label": self.label},
            "tabs": [
                {
                    "slug": page.slug,
                    "label": page.label,
                    "url": page.address(self.object),
                    "current": page.slug == (self.in_bar_as or self.slug),
                }
                for page in PAGES
            ],
            "end_url": reverse("tenants:organization_preview_end", args=[self.object.pk]),
            "as_owner": str(self.preview.login_id) == str(self.object.owner_id),
        }

    def crumbs(self):
        return [*generic.ModelPage.crumbs(self), (str(self.object), self.url("detail", self.object))]

    @classmethod
    def address(cls, organization):
        name = f"organization_preview_{cls.slug}" if cls.slug else "organization_preview"
        return reverse(f"tenants:{name}", args=[organization.pk])


class OrganizationPreview(PreviewPage):
    """What the login sees at all, table by table, beside what the back office has."""

    label = "Overview"
    template_name = "tenants/preview/overview.html"

    def read(self):
        seen, refused = compare.seen_rows(self.object)
        return {
            "seen": seen,
            "refused": refused,
            "organizations": self.attempt(
                lambda: list(Organization.objects.using(PREVIEW).order_by("name", "pk")[: OTHERS + 1])
            ),
            "profile": self.attempt(
                lambda: UserProfile.objects.using(PREVIEW).filter(pk=self.preview.login_id).first()
            ),
        }

    def attempt(self, query):
        try:
            with permitted():
                return query()
        except NotPermitted:
            return None

    def shell(self):
        return {
            **super().shell(),
            "suspension": open_suspension(self.object),
            "limit": compare.LIMIT,
        }

    def render(self, context, **kwargs):
        if "seen" in context:
            stored = compare.stored_rows(self.object)
            found = compare.lines(self.object, self.preview, stored, context["seen"], context["refused"])
            urls = {entry["slug"]: entry["url"] for entry in context["tabs"] if entry["slug"]}
            context["lines"] = [(line, urls.get(line.page, "")) for line in found]
            context["differing"] = sum(line.is_wrong for line in found)
        return super().render(context, **kwargs)
