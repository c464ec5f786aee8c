"""Staff accounts: invited, changed, suspended and looked after by admins. Django admin shows the same pages."""

import django_filters
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import Group
from django.db.models import F, Func, Q, TextField
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils.functional import cached_property

from backoffice import audit, generic, invitations, staff
from backoffice.filters import FilterSet
from backoffice.models import AuditEvent, StaffSession, User
from backoffice.roles import ROLES
from backoffice.sessions import ending
from backoffice.sign_in import events
from backoffice.sign_in.factors import factors_of, has_factor, words
from backoffice.staff_forms import AccountForm, InviteForm, PasswordForm
from backoffice.tables import Column, Table

HISTORY = 20
OF_ROLES = f"backoffice.{User.groups.through._meta.db_table}"
OF_INVITATIONS = "backoffice.backoffice_invitation"


class RoleName(Func):
    """The role of an account, as User.role says it."""

    template = (
        "(case when backoffice_user.is_superuser then 'Admin' else coalesce((select string_agg(role.name, ', ' order by"
        " role.name) from backoffice_user_groups held join auth_group role on role.id = held.group_id"
        " where held.user_id = backoffice_user.id), 'No role') end)"
    )
    output_field = TextField()


class State(Func):
    """active, invited (no password so far) or suspended."""

    template = (
        "(case when not backoffice_user.is_active then 'suspended' when left(backoffice_user.password, 1) = '!' and"
        " exists (select from backoffice_invitation one where one.account_id = backoffice_user.id"
        " and one.used_at is null and one.withdrawn_at is null) then 'invited' else 'active' end)"
    )
    output_field = TextField()


class UserTable(Table):
    email = Column("Account", order="email")
    name = Column("Name", accessor="first_name", needs=["last_name"])
    role = Column("Role", accessor="role_name", export=RoleName())
    state = Column("State", accessor="state", export=State())
    last_login = Column("Last sign-in")

    class Meta(Table.Meta):
        model = User
        fields = []
        rows = "backoffice/user_rows.html"


class UserFilter(FilterSet):
    search_fields = ["email", "first_name", "last_name"]
    role = django_filters.ChoiceFilter(
        label="Role",
        field_name="role_name",
        choices=[(name, name) for name in (*ROLES, staff.NO_ROLE)],
        empty_label="Any",
    )
    state = django_filters.ChoiceFilter(
        label="State",
        field_name="state",
        choices=[(name, name.title()) for name in ("active", "invited", "suspended")],
        empty_label="Any",
    )

    class Meta:
        model = User
        fields = []


class UserList(generic.ListView):
    model = User
    title = "Staff accounts"
    queryset = User.objects.annotate(role_name=RoleName(), state=State())
    table_class = UserTable
    filterset_class = UserFilter
    orders = {"email": generic.Order(F("email"), rises_first=True)}
    not_exported = ("password",)
    note = "Who works here, and as what. Nobody changes their own role, and the last admin stays."


def account_history(user, limit=HISTORY):
    """With the roles given and taken and the invitations, which are rows of other tables."""
    about = Q(new__user_id=user.pk) | Q(old__user_id=user.pk)
    roles = AuditEvent.objects.filter(about, table_name=OF_ROLES)
    invited = AuditEvent.objects.filter(table_name=OF_INVITATIONS, row_label=user.email)
    events = (AuditEvent.objects.of(user) | roles | invited)[:limit]
    names = dict(Group.objects.values_list("pk", "name"))
    return [described(event, names) for event in events]


def described(event, names):
    """As audit.describe; with `words` where "created this" would be said of another thing than the account."""
    shown = audit.describe(event)
    if event.table_name == OF_ROLES:
        role = names.get((event.new or event.old or {}).get("group_id"), "that is gone")
        shown |= {"words": f"{'gave' if event.action == 'insert' else 'took'} the role {role}", "changes": []}
    elif event.table_name == OF_INVITATIONS:
        shown["words"] = "made an invitation" if event.action == "insert" else "changed the invitation"
    return shown


class UserDetail(generic.DetailView):
    model = User
    template_name = "backoffice/user_detail.html"
    fields = [
        ("Account", ["email", "first_name", "last_name", "role", "is_active"]),
        ("Sign-in", ["last_login", "factors", "invitation"]),
        ("Settings and use", ["time_zone", "theme", "date_joined", "id"]),
        ("Recent sign-ins", ["sign_ins"]),
    ]

    def actions(self):
        user = self.object
        if user.pk == self.request.user.pk:
            return [("backoffice:user_password", UserPassword)]
        return [
            ("backoffice:user_reinvite", UserReinvite),
            ("backoffice:user_withdraw", UserWithdraw),
            ("backoffice:user_password", UserPassword),
            ("backoffice:user_reset_factors", UserResetFactors),
            ("backoffice:user_sessions_end", UserSessionsEnd),
            ("backoffice:user_suspend", UserSuspend),
            ("backoffice:user_reactivate", UserReactivate),
        ]

    def can(self, action):
        return super().can(action) and (action != "delete" or self.object.pk != self.request.user.pk)

    def show_role(self, user):
        return "Role", user.role

    def show_sign_ins(self, user):
        words = {"sign_ins": events.recent(user)}
        return "When, how, from where", render_to_string("components/sign_ins.html", words)

    def show_factors(self, user):
        return "Second factor", ", ".join(map(words, factors_of(user))) or "none"

    def show_invitation(self, user):
        latest = user.invitations.first()
        return "Invitation", latest.state if latest else None

    def events(self):
        return account_history(self.object)

    def extra_context(self):
        return {"sessions": ending.of_account(self.object, self.request)}


class WithLink:
    """Shows the link of an invitation, once: it is in no message, no log and no entry."""

    def show_link(self, user, code):
        link, mailed = invitations.send(self.request, user, code)
        context = {
            "page_title": f"{user} is invited",
            "crumbs": [*super().crumbs()[:1], (str(user), self.url("detail", user))],
            "object": user,
            "link": link,
            "mailed": mailed,
            "hours": settings.INVITATION_HOURS,
        }
        return self.render(context, template="backoffice/invited.html")


class UserCreate(WithLink, generic.CreateView):
    model = User
    form_class = InviteForm
    code = ""

    def save(self, form):
        self.code = invitations.invite(
            form.instance, actor=self.request.user, reason=form.cleaned_data["reason"]
        )
        return form.instance

    def saved(self, saved, form):
        return self.show_link(saved, self.code)

    def show(self, form, status=200):
        context = {
            "form": form,
            "page_title": "Invite somebody",
            "crumbs": self.crumbs(),
            "submit": "Invite",
            "cancel_url": self.url("list"),
        }
        return self.render(context, status=status)


class UserUpdate(generic.UpdateView):
    model = User
    form_class = AccountForm

    def write(self, form):
        return staff.save_account(
            form.instance,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.opened_values(),
        )


class UserDelete(generic.DeleteView):
    model = User
    service = staticmethod(staff.delete_account)

    def context(self):
        return {
            "blockers": [generic.blocker_words(*blocker) for blocker in staff.account_blockers(self.object)]
        }


class UserReinvite(WithLink, generic.ActionView):
    model = User
    service = staticmethod(invitations.renew)
    label = "Invite again"
    icon = "mail-plus"
    explanation = "Makes a new link, by which the person sets a password. The link before holds no longer."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_active and not obj.has_usable_password()

    def done(self, code):
        return self.show_link(self.object, code)


class UserWithdraw(generic.ActionView):
    model = User
    service = staticmethod(invitations.withdraw)
    label = "Withdraw invitation"
    icon = "mail-x"
    explanation = "The link holds no longer. The account stays, and can be invited again."
    success = "The invitation of {object} was withdrawn."

    @classmethod
    def applies_to(cls, obj):
        return invitations.open_one(obj).exists()


class UserPassword(generic.ActionView):
    model = User
    service = staticmethod(staff.set_password)
    form_class = PasswordForm
    label = "Set password"
    icon = "key-round"
    explanation = "The account is signed out everywhere. Tell the person the password by a safe way."
    success = "The password of {object} was set."

    def get_form(self, **kwargs):
        return super().get_form(user=self.object, **kwargs)

    def done(self, result):
        if result.pk == self.request.user.pk:
            update_session_auth_hash(self.request, result)
        return super().done(result)


class UserResetFactors(generic.ActionView):
    model = User
    service = staticmethod(staff.reset_factors)
    label = "Reset second factor"
    icon = "shield-off"
    danger = True
    explanation = (
        "Takes away the authenticator app, passkeys and recovery codes of this account, and signs it out everywhere."
        " Make sure first that it is really this person who asks."
    )
    success = "The second factor of {object} was reset."

    @classmethod
    def applies_to(cls, obj):
        return has_factor(obj)


class UserSuspend(generic.ActionView):
    model = User
    service = staticmethod(staff.suspend)
    label = "Suspend"
    icon = "ban"
    danger = True
    explanation = (
        "The account is signed out everywhere and cannot sign in any more. What it did stays on record; it can be"
        " reactivated."
    )
    success = "{object} was suspended."

    @classmethod
    def applies_to(cls, obj):
        return obj.is_active


class UserReactivate(generic.ActionView):
    model = User
    service = staticmethod(staff.reactivate)
    label = "Reactivate"
    icon = "rotate-ccw"
    explanation = "The account may sign in again, with the password and the role it had."
    success = "{object} may sign in again."

    @classmethod
    def applies_to(cls, obj):
        return not obj.is_active


class UserSessionsEnd(generic.ActionView):
    model = User
    service = staticmethod(staff.end_sessions)
    label = "End sessions"
    icon = "log-out"
    explanation = "The account is signed out everywhere, at once. It may sign in again."
    success = "The sessions of {object} were ended."

    @classmethod
    def applies_to(cls, obj):
        return StaffSession.objects.going_on().filter(account=obj).exists()


class UserSessionEnd(UserSessionsEnd):
    """One session of an account."""

    label = "End session"
    success = "A session of {object} was ended."

    service = staticmethod(staff.end_session)

    def get(self, request, pk, session):
        return super().get(request, pk)

    def post(self, request, pk, session):
        return super().post(request, pk)

    @cached_property
    def session(self):
        return get_object_or_404(StaffSession, pk=self.kwargs["session"], account=self.object)

    def arguments(self, form):
        return {**form.cleaned_data, "session": self.session}

    def context(self):
        where = f"{ending.device(self.session.browser)}, from {self.session.address or 'an unknown address'}"
        return {"explanation": f"It is signed out at once: {where}."}
