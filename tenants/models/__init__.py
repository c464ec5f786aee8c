"""Tenants of the platform, the people who own them, and what the staff keeps about them."""

from tenants.models.attention import AttentionItem, Care, Follow, SignLookup
from tenants.models.erasures import Erasure
from tenants.models.forecast import Forecast, ForecastRun
from tenants.models.notes import Note
from tenants.models.organizations import Organization
from tenants.models.previews import Preview
from tenants.models.profiles import UserProfile
from tenants.models.suspensions import SuspendedNumber, Suspension

__all__ = [
    "AttentionItem",
    "Care",
    "Erasure",
    "Follow",
    "Forecast",
    "ForecastRun",
    "Note",
    "Organization",
    "Preview",
    "SignLookup",
    "SuspendedNumber",
    "Suspension",
    "UserProfile",
]
