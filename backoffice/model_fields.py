"""Model fields for columns that somebody else writes: values outside the known set, rows that are gone."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor


def require_value(field, value):
    if field.editable and not field.blank and value in field.empty_values:
        raise ValidationError(field.error_messages["blank"], code="blank")


# Django takes no NaN for a number; a numeric column of the platform may hold it.
NAN = models.Func(template="'NaN'::numeric", output_field=models.DecimalField())


class OpenChoiceField(models.CharField):
    """Text with known values, not limited to them: an unknown value is stored, shown and kept as it is.

    `choices` feed labels (`get_status_display()` gives an unknown value back unchanged), filters and forms;
    a form that should refuse unknown values says so itself. Migrations do not record them.
    """

    def contribute_to_class(self, model, name, *args, **kwargs):
        super().contribute_to_class(model, name, *args, **kwargs)
        # Django makes it anew for each row.
        labels = {value: str(label) for value, label in self.flatchoices} if self.choices else {}

        def label(instance):
            value = getattr(instance, name)
            return labels.get(value, value)

        setattr(model, f"get_{name}_display", label)

    def validate(self, value, model_instance):
        require_value(self, value)

    def deconstruct(self):
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "django.db.models.CharField", args, kwargs

    def clone(self):
        field = super().clone()
        field.choices = self.choices
        return field


class JSONField(models.JSONField):
    """JSON that may be nested deeper than Python can read, for visitors write it: then a text says so."""

    TOO_DEEP = "(nested too deeply to be shown)"

    def from_db_value(self, value, expression, connection):
        try:
            return super().from_db_value(value, expression, connection)
        except RecursionError:
            return self.TOO_DEEP

    def deconstruct(self):
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class LooseDescriptor(ForwardManyToOneDescriptor):
    def get_object(self, instance):
        try:
            return super().get_object(instance)
        except self.field.remote_field.model.DoesNotExist:
            return None


class LooseForeignKey(models.ForeignKey):
    """A relation by equal value with no foreign key behind it: where the other row is absent it reads None.

    Always nullable for Django, so that `select_related` joins outwards and the row itself never disappears,
    even where the column is NOT NULL.
    """

    forward_related_accessor_class = LooseDescriptor

    def __init__(self, to, on_delete=models.DO_NOTHING, **kwargs):
        super().__init__(to, on_delete, **{**kwargs, "null": True, "db_constraint": False})

    def validate(self, value, model_instance):
        require_value(self, value)

    def deconstruct(self):
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs
