import zoneinfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.functional import cached_property

from backoffice.audit_models import AuditEvent, ReadLog
from backoffice.figure_models import DayFigure, Figure, FigurePeriod, FigureState
from backoffice.health_models import HealthCheck, HealthFinding, HealthRow, TableSize
from backoffice.invitation_models import Invitation
from backoffice.job_models import Job
from backoffice.list_models import BulkResult, BulkRun, ListChoice, SavedView
from backoffice.recent_models import Recent
from backoffice.session_models import StaffSession
from backoffice.sign_in_models import SignIn

__all__ = [
    "AuditEvent",
    "BulkResult",
    "BulkRun",
    "DayFigure",
    "Figure",
    "FigurePeriod",
    "FigureState",
    "HealthCheck",
    "HealthFinding",
    "HealthRow",
    "Invitation",
    "Job",
    "ListChoice",
    "ReadLog",
    "Recent",
    "SavedView",
    "SignIn",
    "StaffSession",
    "TableSize",
    "User",
]


def validate_time_zone(value):
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"“{value}” is not a time zone such as Europe/London.")


def default_time_zone():
    return settings.TIME_ZONE


class UserManager(BaseUserManager):
    def _create(self, email, password, **fields):
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @classmethod
    def normalize_email(cls, email):
        return (email or "").strip().lower()

    def get_by_natural_key(self, email):
        return self.get(email=self.normalize_email(email))

    def create_user(self, email, password=None, **fields):
        return self._create(email, password, **{"is_staff": True, **fields})

    def create_superuser(self, email, password=None, **fields):
        return self._create(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A member of staff. Signs in by e-mail; roles are the groups Support, Finance and Manager, Admin is a
    superuser.
    """

    class Theme(models.TextChoices):
        AUTO = "auto", "As the system"
        LIGHT = "light"
        DARK = "dark"

    username = None
    email = models.EmailField(
        "e-mail", unique=True, error_messages={"unique": "This e-mail has an account already."}
    )
    # Everybody here is staff: Django admin serves every role, each with its own permissions.
    is_staff = models.BooleanField("may use Django admin", default=True)
    time_zone = models.CharField(max_length=64, default=default_time_zone, validators=[validate_time_zone])
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.AUTO)

    # By which pickers find somebody: whoever works here may know that a colleague does.
    search_fields = ("email", "first_name", "last_name")
    known_to_all = True

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ()

    objects = UserManager()

    class Meta:
        ordering = ["email"]
        verbose_name = "staff account"

    def __str__(self):
        return self.get_full_name() or self.email

    def get_absolute_url(self):
        return reverse("backoffice:user_detail", args=[self.pk])

    def has_perm(self, perm, obj=None):
        from backoffice.roles import NOT_FOR_ADMINS

        of_roles = getattr(self, "role_permissions", None)
        if of_roles is not None and obj is None and self.is_active and not self.is_superuser:
            return perm in of_roles  # as its backend would find; a page asks forty times
        return super().has_perm(perm, obj) and not (self.is_superuser and perm in NOT_FOR_ADMINS)

    @cached_property
    def role(self):
        """The name of the role, for people to read. Set it and call staff.save_account() to give another."""
        from backoffice.roles import role_of

        return None if self._state.adding else role_of(self)

    def clean(self):
        super().clean()
        self.email = UserManager.normalize_email(self.email)
