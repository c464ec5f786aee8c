"""A field's value on any page, with the pencil for those who may edit it."""

from django import template

from backoffice.display import present
from backoffice.generic import inline

register = template.Library()


@register.inclusion_tag("components/editable.html", takes_context=True)
def editable(context, obj, name):
    """{% editable owner "full_name" %}: as on the record's own page. The row must have all its columns loaded."""
    request = context["request"]
    if not hasattr(obj, "_editable_fields"):
        obj._editable_fields = inline.editable_fields(obj, request.user)
    url = inline.edit_url(obj, name, request.get_full_path()) if name in obj._editable_fields else ""
    return {"item": present(obj, name, request.user) | {"edit_url": url}}
