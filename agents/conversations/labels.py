"""The words by which reviewers sort: in use, retired, deleted."""

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F

from agents.models import Label, LabelUse
from backoffice import services

COUNT_LIMIT = 1000


class UseCount(models.Func):
    """On how many conversations and turns a label stands."""

    template = "(select count(*) from agents_labeluse u where u.label_id = %(expressions)s)"
    output_field = models.BigIntegerField()

    def __init__(self):
        super().__init__(F("id"))


@transaction.atomic
def retire_label(label, *, actor, reason=""):
    """Offer a label no more; where it stands it stays. Raises ValidationError if it is retired already."""
    return write_retired(label, True, "is retired already", actor, reason)


@transaction.atomic
def restore_label(label, *, actor, reason=""):
    """Offer a retired label again. Raises ValidationError if it is not retired."""
    return write_retired(label, False, "is not retired", actor, reason)


def write_retired(label, is_retired, fault, actor, reason):
    label = Label.objects.select_for_update().get(pk=label.pk)
    if label.is_retired == is_retired:
        raise ValidationError(f"“{label}” {fault}.")
    label.is_retired = is_retired
    return services.save(label, actor=actor, reason=reason)


@transaction.atomic
def delete_label(label, *, actor, reason):
    """Delete a label that stands nowhere. Raises ValidationError where it is used."""
    label = Label.objects.select_for_update().get(pk=label.pk)
    if uses := use_words(label):
        raise ValidationError(f"“{label}” cannot be deleted: it has {uses}. Retire it instead.")
    with services.acting(actor, reason):
        label.delete()


def use_words(label):
    """ "3 uses", "" for none; counting stops at COUNT_LIMIT."""
    count = LabelUse.objects.filter(label=label)[:COUNT_LIMIT].count()
    if count >= COUNT_LIMIT:
        return f"{COUNT_LIMIT:,} or more uses"
    return f"{count} use{'s' if count > 1 else ''}" if count else ""
