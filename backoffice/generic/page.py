"""What every page about a model shares: its permission, its neighbours' addresses, its template."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.urls import NoReverseMatch
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.views import View

from backoffice import fresh, kept
from backoffice.addresses import fixed_address, row_address
from backoffice.roles import READ_ONLY, role_of
from backoffice.search import recent


class ModelPage(View):
    """A page about one model. `permission` defaults to `<app>.<action>_<model>`.

    Where that is one of roles.FRESH the page asks for a fresh sign-in or confirmation, unless `asks_fresh` is False.
    """

    model = None
    action = ""
    permission = ""
    template_name = ""
    replica = False
    asks_fresh = True

    @classmethod
    def required_permission(cls):
        meta = cls.model._meta
        return cls.permission or f"{meta.app_label}.{cls.action}_{meta.model_name}"

    def may_open(self, user):
        """Whether this person may use the page at all."""
        if self.action in ("add", "change", "delete") and self.model._meta.label_lower in READ_ONLY:
            return False
        return user.has_perm(self.required_permission())

    def require(self, user):
        if not self.may_open(user):
            raise PermissionDenied(
                f"Your role ({role_of(user)}) may not {self.deed()}; "
                f"it lacks the permission {self.required_permission()}."
            )

    def dispatch(self, request, *args, **kwargs):
        self.require(request.user)
        if self.asks_fresh and (asked := fresh.ask(request, self.required_permission())):
            return asked
        return super().dispatch(request, *args, **kwargs)

    def deed(self):
        """What the page does, after "may not"."""
        verb = {"view": "see"}.get(self.action, self.action)
        return f"{verb} {self.model._meta.verbose_name_plural}"

    def url(self, page, obj=None):
        """Address of another page of the model, "" where there is none."""
        try:
            name = f"{self.model._meta.app_label}:{self.model._meta.model_name}_{page}"
            return fixed_address(name) if obj is None else row_address(name, obj.pk)
        except NoReverseMatch:
            return ""

    def can(self, action):
        meta = self.model._meta
        return meta.label_lower not in READ_ONLY and self.request.user.has_perm(
            f"{meta.app_label}.{action}_{meta.model_name}"
        )

    def crumbs(self):
        return [(capfirst(self.model._meta.verbose_name_plural), self.url("list"))]

    def render(self, context, *, status=200, template=""):
        meta = self.model._meta
        own = f"{meta.app_label}/{meta.model_name}_{self.page}.html"
        names = [template] if template else [self.template_name or own, f"backoffice/object_{self.page}.html"]
        context = {"model_name": meta.verbose_name, "model_name_plural": meta.verbose_name_plural, **context}
        return render(self.request, names, context, status=status)


class ObjectPage(ModelPage):
    """A page about one row, found by the id in the address; `queryset` may join what it shows. Its statement is kept
    (kept.py), but where it depends on the request, as a property.

    A page that shows a row is remembered among what the reader opened lately.
    """

    queryset = None

    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        if (
            self.action == "view"
            and request.method == "GET"
            and response.status_code == 200
            and not request.htmx
        ):
            recent.opened(request.user, self.object)
        return response

    @cached_property
    def object(self):
        queryset = (self.queryset if self.queryset is not None else self.model._default_manager).all()
        pk = self.kwargs["pk"]
        if isinstance(pk, int) and not -(2**63) <= pk < 2**63:
            found = []  # no key is
        elif isinstance(type(self).queryset, property):
            found = list(queryset.filter(pk=pk))
        else:
            found = kept.rows(("page", type(self)), lambda pk: queryset.filter(pk=pk), pk)
        if not found:
            raise Http404(f"There is no {self.model._meta.verbose_name} with this id.")
        return found[0]

    def crumbs(self):
        crumbs = super().crumbs()
        if self.page != "detail" and self.url("detail", self.object):
            crumbs.append((str(self.object), self.url("detail", self.object)))
        return crumbs


def safe_next(request, default):
    """The address in `next`, if it is one of ours."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ok = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ok else default
