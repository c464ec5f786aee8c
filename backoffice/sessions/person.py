"""The account that a request is made by, with its rights: read along with its session, as every page begins with both.

In SQL, as the ORM would build the statement anew each time.
"""

from contextvars import ContextVar

from backoffice.holding import holding
from backoffice.models import StaffSession, User
from backoffice.postgresql.rows import columns_of, first_row, first_values, row_of

ALSO = ("role_names", "role_permissions", "has_factor")
COLUMNS = f"""
        {columns_of(User, "account.")},
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
        ) as role_permissions,
        exists (
            select from mfa_authenticator factor where factor.user_id = account.id and factor.type <> 'recovery_codes'
        ) as has_factor
"""
ACCOUNT = f"select {COLUMNS} from backoffice_user account where account.id = %s"
OF_SESSION = f"""
    select {columns_of(StaffSession, "seen.")}, {COLUMNS}
    from backoffice_staffsession seen left join backoffice_user account on account.id = seen.account_id
    where seen.key_hash = %s
"""
OWN_COLUMNS = len(StaffSession._meta.concrete_fields)

# The session whose account is being asked for.
asking = ContextVar("asking", default=None)


def read(user_id):
    """The account with role_names, role_permissions and has_factor; None without one."""
    return ready(first_row(User, ACCOUNT, [user_id], ALSO))


def session_with_account(key_hash):
    """(StaffSession, its account as read() gives it); None for what there is not."""
    values = first_values(OF_SESSION, [key_hash])
    if values is None:
        return None, None
    session, rest = row_of(StaffSession, values[:OWN_COLUMNS]), values[OWN_COLUMNS:]
    return session, None if session.account_id is None else ready(row_of(User, rest, ALSO))


def ready(user):
    if user is not None:
        user.role_permissions = frozenset(user.role_permissions)
    return user


def asked_for(session):
    """Within it, the backend that Django asks for the account of this session need not read it."""
    return holding(asking, session)


def of_this_session(user_id):
    """The account that was read along with the session, if it is this one."""
    account = getattr(asking.get(), "account", None)
    return account if account is not None and account.pk == user_id else None
