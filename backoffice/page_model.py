from django.db import models
from django.db.models.base import ModelState

from backoffice.addresses import address_of
from backoffice.replicas.choice import current


class PageModel(models.Model):
    """A model whose rows have a page of their own, under the url name `<app>:<model>_detail`."""

    # Texts by which the searching picker finds a row; empty: it is not picked.
    search_fields = ()
    # Relations that the picker reads along, for `picker_hint`.
    picker_related = ()
    # The columns that __str__ reads, for pages that want no more of a row than its name; empty: it may be any of them.
    named_by = ()
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
        return address_of(type(self), self.pk)

    @classmethod
    def from_db(cls, db, field_names, values):
        """As Django's, which calls __init__ with a mark for each column that was not read: a list makes a hundred rows
        of which it read no more than the name. None of our models has an __init__ of its own, or signals for it.
        """
        row = cls.__new__(cls)
        row.__dict__.update(zip(field_names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, db
        return row

    @classmethod
    def with_columns(cls, **values):
        """A row of which SQL of one's own has read these columns. Any other is read when it is asked for."""
        names = [field.attname for field in cls._meta.concrete_fields if field.attname in values]
        return cls.from_db(current(), names, [values[name] for name in names])

    def for_editing(self):
        """The row as it is shown and edited, where that is something else than its columns.

        The save() of such a copy takes `stored`, the row as it is, for services.save has it already.
        """
        return self


def with_names(queryset, *related, **more):
    """select_related() that loads, of the rows that the relations `related` lead to, only what they are named by, and
    the columns that `more` lists: {relation: columns}.
    """
    meta = queryset.model._meta
    unread = []
    for relation in related:
        model = meta.get_field(relation).related_model
        read = {model._meta.pk.name, *model.named_by, *more.get(relation, ())}
        unread += [
            f"{relation}__{field.name}" for field in model._meta.concrete_fields if field.name not in read
        ]
    return queryset.select_related(*related).defer(*unread)


def only_names(queryset, related=(), columns=()):
    """Of the rows only `columns`, what names them, and what names the rows that the relations `related` lead to.

    Whole rows, where one of the models does not say by what it is named.
    """
    meta = queryset.model._meta
    models_of = {name: meta.get_field(name).related_model for name in related}
    queryset = queryset.select_related(None)
    queryset = queryset.select_related(*related) if related else queryset
    if not all(getattr(model, "named_by", ()) for model in (queryset.model, *models_of.values())):
        return queryset
    names = [f"{name}__{column}" for name, model in models_of.items() for column in model.named_by]
    return queryset.only(*columns, *queryset.model.named_by, *names)
