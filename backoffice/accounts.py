from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Value
from django.db.models.functions import Concat

from backoffice.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Staff accounts are made by admins; nobody signs up."""

    def is_open_for_signup(self, request):
        return False


class StaffBackend(AuthenticationBackend):
    """Rights come from roles alone: permissions given to a single account do not count.

    The account comes with `role_names`, the names of its groups, and `role_permissions`, what these may
    ("app.codename"), in the same query: every page needs them.
    """

    def get_user(self, user_id):
        names = Group.objects.filter(user=OuterRef("pk")).order_by("name").values("name")
        permissions = (
            Permission.objects.filter(group__user=OuterRef("pk"))
            .order_by()
            .values_list(Concat("content_type__app_label", Value("."), "codename"))
        )
        users = User.objects.annotate(
            role_names=ArraySubquery(names), role_permissions=ArraySubquery(permissions)
        )
        user = users.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def get_group_permissions(self, user_obj, obj=None):
        read = getattr(user_obj, "role_permissions", None)
        if read is None or obj is not None or user_obj.is_superuser or not user_obj.is_active:
            return super().get_group_permissions(user_obj, obj)
        return set(read)

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
