from django.apps import apps
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.views import View

from backoffice import picker_html
from backoffice.forms import PICKER_ROWS, find_rows
from backoffice.search.typed import LONGEST_WORDS

# {name: a function that gives the rows of which a picker offers some only}; apps put theirs in when they are ready.
OFFERS = {}


class Picker(View):
    """Answers the searching picker while one types: rows of one model as radio buttons, for those who may see them."""

    def get(self, request, label):
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError):
            raise Http404 from None
        if not getattr(model, "search_fields", None):
            raise Http404
        may_see = request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        if not may_see and not getattr(model, "known_to_all", False):
            raise PermissionDenied(f"Your role may not see {model._meta.verbose_name_plural}.")
        name = request.GET.get("name", "")
        found = find_rows(
            narrowed(offered(model, request.GET.get("of", "")), request.GET),
            request.GET.get(f"{name}_search", "").strip()[:LONGEST_WORDS],
        )
        return HttpResponse(picker_html.options(name, found[:PICKER_ROWS], more=len(found) > PICKER_ROWS))


def offered(model, name):
    rows = OFFERS[name]() if name in OFFERS else model._default_manager.all()
    if rows.model is not model or (name and name not in OFFERS):
        raise Http404
    return rows


def narrowed(queryset, params):
    """The rows of a parent whose id stands in the address under the relation's name (`organization=<id>`)."""
    for field in queryset.model._meta.concrete_fields:
        if field.is_relation and (value := params.get(field.name)):
            try:
                queryset = queryset.filter(**{field.name: value})
            except (ValidationError, ValueError):
                return queryset.none()
    return queryset
