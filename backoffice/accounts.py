from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from backoffice.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Staff accounts are made by admins; nobody signs up."""

    def is_open_for_signup(self, request):
        return False


class StaffBackend(AuthenticationBackend):
    """Rights come from roles alone: permissions given to a single account do not count.

    The account comes with `role_names`, the names of its groups, in the same query.
    """

    def get_user(self, user_id):
        names = Group.objects.filter(user=OuterRef("pk")).order_by("name").values("name")
        user = User.objects.annotate(role_names=ArraySubquery(names)).filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
