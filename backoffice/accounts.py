from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Permission

from backoffice.models import User

# In SQL: every request asks this, and the ORM would take several milliseconds to build it anew each time.
ACCOUNT = """
    select account.*,
        array(
            select role.name from backoffice_user_groups held join auth_group role on role.id = held.group_id
            where held.user_id = account.id order by role.name
        ) as role_names,
        array(
            select kind.app_label || '.' || permission.codename
            from backoffice_user_groups held
            join auth_group_permissions given on given.group_id = held.group_id
            join auth_permission permission on permission.id = given.permission_id
            join django_content_type kind on kind.id = permission.content_type_id
            where held.user_id = account.id
        ) as role_permissions
    from backoffice_user account where account.id = %s
"""


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
        user = next(iter(User.objects.raw(ACCOUNT, [user_id])), None)
        return user if user and self.user_can_authenticate(user) else None

    def get_group_permissions(self, user_obj, obj=None):
        read = getattr(user_obj, "role_permissions", None)
        if read is None or obj is not None or user_obj.is_superuser or not user_obj.is_active:
            return super().get_group_permissions(user_obj, obj)
        return set(read)

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
