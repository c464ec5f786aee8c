from functools import cache

from django.db import models
from django.urls import get_script_prefix, reverse


@cache
def folder_of(model, prefix):
    """Where the pages of a model's rows are: "/tenants/notes/". `prefix` begins all addresses of the site."""
    key = "00000000-0000-0000-0000-000000000000" if isinstance(model._meta.pk, models.UUIDField) else "0"
    url = reverse(f"{model._meta.app_label}:{model._meta.model_name}_detail", args=[key])
    return url.removesuffix(f"{key}/")


class PageModel(models.Model):
    """A model whose rows have a page of their own, under the url name `<app>:<model>_detail`."""

    # Texts by which the searching picker finds a row; empty: it is not picked.
    search_fields = ()
    # Relations that the picker reads along, for `picker_hint`.
    picker_related = ()
    # All that the picker shows of a row, where that is a small part of it; empty: the whole row is read.
    picker_columns = ()
    # {field: permission} of what needs a right of its own instead of the one to change the model.
    field_permissions = {}
    # {field: "url name?parameter"} of what is changed on a page of its own only, after a review; the parameter takes
    # the value to begin with.
    reviewed_fields = {}
    # Columns that are written along with others, and put back along with them.
    following_fields = ()
    # Whether its rows hold what visitors said, or may quote it: pages of the audit mask their texts.
    holds_conversation = False
    # True on a copy that for_editing() returns.
    is_for_editing = False

    class Meta:
        abstract = True

    def get_absolute_url(self):
        """As reverse() gives it, which would take a hundred times longer: a page asks for a hundred of them."""
        return f"{folder_of(type(self), get_script_prefix())}{self.pk}/"

    def for_editing(self):
        """The row as it is shown and edited, where that is something else than its columns.

        The save() of such a copy takes `stored`, the row as it is, for services.save has it already.
        """
        return self
