"""Django admin as a second way into the same rooms.

Its index, lists, search and addresses are Django's; a record is opened, added, changed and deleted by the model's own
staff pages, shown under admin's addresses. So permissions, forms, reasons, conflicts, masks and the read log are the
same ones, and nothing here writes by itself. `Site` is django.contrib.admin.site, by backoffice.apps.AdminConfig.
"""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import ShowFacets
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import F, OrderBy
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import select_template
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache

from backoffice import audit, keyset
from backoffice.display import cell_of
from backoffice.errors import bad_request
from backoffice.page_model import PageModel, only_names
from backoffice.roles import role_of
from backoffice.texts import short
from backoffice.widgets import escaped

# How many rows a list can be paged through by number: each page is reached by reading all before it.
DEPTH = 10_000
HISTORY = 200
PAGE_OF = {"view": "list", "add": "add", "change": "edit", "delete": "delete"}
PAGES = {"list": "changelist", "detail": "change", "edit": "change", "add": "add", "delete": "delete"}


class Site(admin.AdminSite):
    """Signs in and out where everything else does (a form of its own would know no rate limits), and lets in no
    registration but ours.
    """

    site_header = site_title = index_title = "Administration"
    enable_nav_sidebar = False

    def register(self, model_or_iterable, admin_class=None, **options):
        # What other packages register (accounts, groups, queues) would write past the roles and the audit.
        if admin_class is not None and issubclass(admin_class, RecordAdmin):
            super().register(model_or_iterable, admin_class, **options)

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request, extra_context=None):
        if not request.user.is_authenticated:
            return redirect_to_login(
                request.GET.get("next") or reverse("admin:index"), reverse("account_login")
            )
        if self.has_permission(request):
            return redirect("admin:index")
        raise PermissionDenied(
            "Your account may not use Django admin. Everything in it is on the staff pages too."
        )

    def logout(self, request, extra_context=None):
        return redirect("account_logout")

    def password_change(self, request, extra_context=None):
        return redirect("account_change_password")

    def autocomplete_view(self, request):
        raise Http404("Rows are picked by the searching picker.")

    def get_log_entries(self, request):
        return ()  # what staff did is in the audit

    def each_context(self, request):
        """Without the list of all models and their addresses, which Django gathers for a sidebar that is off here."""
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "is_nav_sidebar_enabled": False,
        }


class Rows(ChangeList):
    """A list in the order of one indexed key, without COUNT, paged by number as far as that is quick."""

    def __init__(self, request, *args, **kwargs):
        super().__init__(request, *args, **kwargs)
        self.title = capfirst(self.opts.verbose_name_plural)
        self.depth = f"{DEPTH:,}"
        self.staff_url = self.model_admin.staff_url("list")

    def get_ordering(self, request, queryset):
        first = super().get_ordering(request, queryset)[0]
        if not isinstance(first, OrderBy):
            (first,) = self.model_admin.get_ordering(request)
        return [first, F("pk").desc() if first.descending else F("pk").asc()]

    def get_results(self, request):
        self.total = keyset.total(self.queryset, filtered=bool(self.queryset.query.where))
        self.result_count = min(self.total.number, DEPTH)
        self.paginator = Paginator(range(self.result_count), self.list_per_page)
        if not 1 <= self.page_num <= self.paginator.num_pages:
            messages.warning(request, "The list has no such page; this is the nearest.")
            self.page_num = max(1, min(self.page_num, self.paginator.num_pages))
        start = (self.page_num - 1) * self.list_per_page
        self.result_list = self.queryset[start : start + self.list_per_page]
        self.multi_page = self.result_count > self.list_per_page
        self.can_show_all = self.show_full_result_count = self.show_admin_actions = False
        self.full_result_count = None

    def headers(self):
        return list(result_headers(self))

    def body(self):
        """The rows as HTML, as Django's result_list has them; that one resolves each address and column anew."""
        (first, name), *others = [(cell.__name__, cell) for cell in self.list_display]
        begin = admin_url(self.model, "changelist")
        end = f"?{self.preserved_filters}" if self.preserved_filters else ""
        parts = []
        for row in self.result_list:
            address = escaped(f"{begin}{quote(row.pk)}/change/{end}")
            parts.append(f'<tr><th class="field-{first}"><a href="{address}">{escaped(name(row))}</a></th>')
            parts.extend(f'<td class="field-{field}">{escaped(cell(row))}</td>' for field, cell in others)
            parts.append("</tr>")
        return mark_safe("".join(parts))

    @property
    def is_cut(self):
        """Whether there are rows that paging does not reach."""
        return self.total.number > DEPTH or self.total.kind == "at_least"


class RecordAdmin(admin.ModelAdmin):
    """The admin of one model, made of its staff pages.

    `list_page` gives permission to see, search, orders and rows of the list; `record_page`, `add_page`, `edit_page` and
    `delete_page` are the pages themselves: what has no page cannot be done. `columns` are the fields of the list, the
    first of which is shown as the record's name. `rows` is the list's queryset where it differs from the staff page's.
    """

    list_page = record_page = add_page = edit_page = delete_page = None
    columns = ()
    rows = None

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    media = forms.Media()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pages = {}  # {(how it is shown in admin, staff page): the class made of both}

    # Who may do what

    def allows(self, action, user):
        page = getattr(self, f"{PAGE_OF[action]}_page")
        return page is not None and page().may_open(user)

    def has_view_permission(self, request, obj=None):
        return self.allows("view", request.user)

    def has_add_permission(self, request):
        return self.allows("add", request.user)

    def has_change_permission(self, request, obj=None):
        return self.allows("change", request.user)

    def has_delete_permission(self, request, obj=None):
        return self.allows("delete", request.user)

    def require(self, action, request):
        if not self.allows(action, request.user):
            verb = {"view": "see"}.get(action, action)
            permission = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
            raise PermissionDenied(
                f"Your role ({role_of(request.user)}) may not {verb} {self.opts.verbose_name_plural} here; "
                f"it lacks the permission {permission}."
                if getattr(self, f"{PAGE_OF[action]}_page")
                else f"Nobody may {verb} {self.opts.verbose_name_plural} in Django admin."
            )

    # The list

    def get_list_display(self, request):
        return [column(self.model, name, self.orders(), first=not n) for n, name in enumerate(self.columns)]

    def orders(self):
        """{field: expression} by which the list can be sorted: those with an index."""
        return {field_of(order.key): order.key for order in self.list_page.orders.values()}

    def get_ordering(self, request):
        order = next(iter(self.list_page.orders.values()))
        return [order.key.asc() if order.rises_first else order.key.desc()]

    def get_queryset(self, request):
        if self.rows is not None:
            return self.rows.all()
        queryset = self.list_page().get_queryset()
        if not issubclass(self.model, PageModel):
            return queryset
        related = [name for name in self.columns if self.opts.get_field(name).is_relation]
        return only_names(queryset, related, self.columns)

    def get_changelist(self, request, **kwargs):
        return Rows

    def get_search_fields(self, request):
        return getattr(self.list_page.filterset_class, "search_fields", ())

    def get_search_results(self, request, queryset, search_term):
        if (term := search_term.strip()) and self.get_search_fields(request):
            filterset = self.list_page.filterset_class({"q": term}, queryset=queryset, request=request)
            return filterset.qs, False
        return queryset, False

    def lookup_allowed(self, lookup, value, request):
        # Django allows every column: a question such as ?content__contains= would be answered by the rows it leaves.
        keys = [field.name for field in self.opts.concrete_fields if field.is_relation]
        names = [one for one in self.list_filter if isinstance(one, str)]
        return lookup in {
            *(f"{name}__{kind}" for name in names for kind in ("exact", "isnull")),
            *keys,
            *(f"{name}__id__exact" for name in [*keys, *names]),
            *(one.parameter_name for one in self.list_filter if not isinstance(one, str)),
        }

    def changelist_view(self, request, extra_context=None):
        self.require("view", request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if ERROR_FLAG in request.GET:
            messages.warning(
                request, "A filter in the address could not be understood; this is the whole list."
            )
        try:
            return super().changelist_view(request, extra_context)
        except DataError:
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        except (
            DisallowedModelAdminLookup
        ) as refused:  # Django would log it as an error, and it is none of ours
            return bad_request(request, refused)

    # One record

    def add_view(self, request, form_url="", extra_context=None):
        self.require("add", request)
        return self.show(AddInAdmin, self.add_page, request)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if self.has_change_permission(request):
            return self.show(EditInAdmin, self.edit_page, request, object_id)
        self.require("change" if request.method == "POST" else "view", request)
        return self.show(InAdmin, self.record_page, request, object_id)

    def delete_view(self, request, object_id, extra_context=None):
        self.require("delete", request)
        return self.show(InAdmin, self.delete_page, request, object_id)

    def history_view(self, request, object_id, extra_context=None):
        self.require("view", request)
        page = self.page(InAdmin, self.record_page)()
        page.setup(request, pk=self.pk(object_id))
        context = {
            "page_title": f"History of {page.object}",
            "crumbs": page.crumbs(),
            "events": self.history(page.object),
            "limit": HISTORY,
        }
        context["crumbs"].append((str(page.object), page.url("detail", page.object)))
        return render(request, "admin/object_history.html", context)

    def history(self, obj):
        return audit.history(obj, limit=HISTORY)

    def show(self, kind, page, request, object_id=None):
        kwargs = {} if object_id is None else {"pk": self.pk(object_id)}
        return self.page(kind, page).as_view()(request, **kwargs)

    def page(self, kind, page):
        """A staff page as it is in admin; the class is made once."""
        if (kind, page) not in self.pages:
            self.pages[kind, page] = type(page.__name__, (kind, page), {"model_admin": self})
        return self.pages[kind, page]

    def pk(self, object_id):
        try:
            return self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            raise Http404("No record has such an id.") from None

    def record(self, request, pk):
        """The record's own page, not dispatched, to take from it what is shown beside a form."""
        page = self.page(InAdmin, self.record_page)()
        page.setup(request, pk=pk)
        return page

    def staff_url(self, page, obj=None):
        """Address of a staff page of the model, "" where there is none."""
        try:
            name = f"{self.opts.app_label}:{self.opts.model_name}_{page}"
            return reverse(name, args=[obj.pk] if obj is not None else [])
        except NoReverseMatch:
            return ""


class InAdmin:
    """Mixed into a staff page: its links stay in admin."""

    model_admin = None
    has_inline = False  # the form is open there already

    def url(self, page, obj=None):
        if page not in PAGES or getattr(self.model_admin, f"{page}_page", True) is None:
            return ""
        return admin_url(self.model, PAGES[page], obj)

    def crumbs(self):
        return [("Django admin", reverse("admin:index")), *super().crumbs()]

    def links(self, obj):
        """Buttons that every record has in admin."""
        if staff_url := self.model_admin.staff_url("detail", obj):
            yield {"label": "Staff page", "icon": "external-link", "url": staff_url}
        yield {"label": "History", "icon": "history", "url": admin_url(self.model, "history", obj)}

    def render(self, context, *, status=200, template=""):
        if "actions" in context:
            context["actions"] = [*context["actions"], *self.links(context["object"])]
        return super().render(context, status=status, template=template)


class AddInAdmin(InAdmin):
    def success_url(self, saved):
        return self.url("detail", saved)


class EditInAdmin(AddInAdmin):
    """The form, and below it what of the record is not in the form."""

    def show(self, form, status=200):
        self.form = form
        return super().show(form, status)

    def render(self, context, *, status=200, template=""):
        if template:  # the conflict's
            return super().render(context, status=status, template=template)
        record = self.model_admin.record(self.request, self.kwargs["pk"])
        record.without = self.form.fields.keys()
        names = self.template_name, f"{self.model._meta.app_label}/{self.model._meta.model_name}_form.html"
        context |= {
            "form_template": select_template([*filter(None, names), "backoffice/object_form.html"]).template,
            "warnings": record.warnings(),
            "groups": [
                {"heading": group["heading"], "items": group["items"]}
                for group in record.groups()
                if group["items"]
            ],
            "actions": list(record.get_actions()),
            "delete_url": self.url("delete", record.object) if self.can("delete") else "",
            "cancel_url": self.url("list"),
        }
        return super().render(context, status=status, template="admin/record_form.html")


def admin_url(model, page, obj=None):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=[obj.pk] if obj is not None else [])


def field_of(key):
    """The name of the field that a key of keyset orders by."""
    return key.name if isinstance(key, F) else key.get_source_expressions()[0].name


def column(model, name, orders, *, first=False):
    """A column of a list, sorted by only if it has an index."""
    field = model._meta.get_field(name)

    label = model._meta.verbose_name if first else field.verbose_name

    @admin.display(description=capfirst(label), ordering=orders.get(name))
    def cell(obj):
        return short(str(obj), 80) if first else cell_of(obj, field)

    cell.__name__ = name
    return cell
