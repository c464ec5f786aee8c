"""Saved views of lists, and what each person chose for a list."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from backoffice import services
from backoffice.generic.memory import PLACES
from backoffice.models import ListChoice, SavedView

NOT_YOURS = "A shared view is changed and deleted by whoever made it, and by admins."
NOT_KEPT = ("columns", "view", "_pick", *PLACES)


def visible_view(user, pk):
    """One's own view or a shared one; Http404 for everybody else's."""
    return get_object_or_404(SavedView.objects.filter(Q(owner=user) | Q(shared=True)), pk=pk)


def may_change(user, view):
    """Shared views are changed by whoever made them and by admins; one's own by oneself."""
    return view.owner_id == user.pk or (view.shared and user.is_superuser)


def take_state(view, page):
    """Filters, order and columns of a list's page into a view (not saved yet)."""
    params = QueryDict(page.request.GET.urlencode(), mutable=True)
    for name in [name for name in params if name in NOT_KEPT or name.endswith("_search") or not params[name]]:
        del params[name]
    view.query = params.urlencode()
    view.columns = [column.name for column in page.columns]


def save_view(view, *, actor):
    """Add or change a view. Raises ValidationError if its owner has another one of that name for the list."""
    stored = (
        SavedView.objects.filter(pk=view.pk).first() or view
    )  # as a form left it, it may not be shared any more
    if not may_change(actor, stored):
        raise PermissionDenied(NOT_YOURS)
    try:
        with transaction.atomic():
            return services.save(view, actor=actor)
    except IntegrityError:
        raise ValidationError(
            {"name": f"There is a view called “{view.name}” for this list already."}
        ) from None


def delete_view(view, *, actor):
    if not may_change(actor, view):
        raise PermissionDenied(NOT_YOURS)
    with services.acting(actor):
        view.delete()


def open_with(user, list_name, view):
    """Open the list with `view` when it is opened without parameters; None: with all rows, as at first."""
    ListChoice.objects.update_or_create(user=user, list_name=list_name, defaults={"default_view": view})


def remember_columns(user, list_name, columns):
    """Show `columns` (names, in order) whenever this person opens the list; None: the usual ones again."""
    ListChoice.objects.update_or_create(user=user, list_name=list_name, defaults={"columns": columns})
