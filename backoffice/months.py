"""Months of the calendar in UTC, by which finance accounts; each is named by its first day."""

import datetime
import re

from django import forms
from django.core.exceptions import ValidationError

SLUG = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)
FIRST, LAST = datetime.date(1000, 1, 1), datetime.date(9998, 12, 1)  # those that an address can name


def current():
    return datetime.datetime.now(datetime.UTC).date().replace(day=1)


def after(month):
    return (month + datetime.timedelta(days=31)).replace(day=1)


def before(month):
    return (month - datetime.timedelta(days=1)).replace(day=1)


def bounds(month):
    """(first moment, first moment of the month after), aware."""
    return tuple(
        datetime.datetime.combine(day, datetime.time.min, datetime.UTC) for day in (month, after(month))
    )


def of(moment):
    """The month of a time; None for one that belongs to none (NULL, infinity)."""
    if not isinstance(moment, datetime.datetime):
        return None
    try:
        month = moment.astimezone(datetime.UTC).date().replace(day=1)
    except OverflowError:
        return None
    return month if FIRST <= month <= LAST else None


def name_of(month):
    """ "October 2026"."""
    return f"{month:%B} {month.year}"


def slug_of(month):
    """ "2026-10", as addresses and statements have it."""
    return f"{month:%Y-%m}"


def from_slug(text):
    return datetime.date.fromisoformat(f"{text}-01")


class MonthInput(forms.DateInput):
    input_type = "month"


class MonthField(forms.DateField):
    """A month as "2026-10"; gives its first day."""

    widget = MonthInput(format="%Y-%m", attrs={"min": "1000-01", "max": "9998-12", "placeholder": "2026-10"})
    input_formats = ("%Y-%m",)
    default_error_messages = {"invalid": "A month looks like 2026-10."}

    def to_python(self, value):
        if isinstance(value, str) and value.strip() and not SLUG.fullmatch(value.strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        month = super().to_python(value)
        if month is not None and not FIRST <= month <= LAST:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return month
