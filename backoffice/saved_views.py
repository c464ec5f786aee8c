"""Saved views of lists, and what each person chose for a list."""

from backoffice.models import ListChoice


def remember_columns(user, list_name, columns):
    """Show `columns` (names, in order) whenever this person opens the list; None: the usual ones again."""
    ListChoice.objects.update_or_create(user=user, list_name=list_name, defaults={"columns": columns})
