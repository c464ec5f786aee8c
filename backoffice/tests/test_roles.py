"""Roles are the matrix and nothing but the matrix."""

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.urls import URLPattern, get_resolver

from backoffice import roles, testing
from backoffice.generic import ModelPage
from backoffice.models import User
from backoffice.testing_crud import check_page, client_of


def fresh(user):
    return get_user_model().objects.get(pk=user.pk)


@pytest.mark.parametrize("role", ["Support", "Finance", "Manager"])
def test_a_role_holds_exactly_what_the_matrix_says(db, role):
    held = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    wanted = {
        (label.split(".")[0], codename)
        for label, actions in roles.MATRIX.items()
        for codename in roles.codenames(apps.get_model(label), actions.get(role, ""))
    }
    assert set(held) == wanted
    user = fresh(testing.make_user(role.lower()))
    assert user.get_all_permissions() == {".".join(pair) for pair in wanted}


def test_what_was_given_or_taken_by_hand_is_put_right(db):
    group = Group.objects.get(name="Finance")
    before = set(group.permissions.all())
    with testing.platform():
        group.permissions.set(Permission.objects.filter(codename__startswith="delete_"))
        roles.sync_roles()
    assert set(group.permissions.all()) == before


def test_a_permission_given_to_one_account_does_not_count(support):
    support.user_permissions.set(Permission.objects.all())
    assert not fresh(support).has_perm("tenants.delete_organization")
    check_page(client_of(support).get("/audit/changes/"), 403)


def test_nobody_may_delete_but_admins(support, finance, manager, admin):
    deletes = Permission.objects.filter(codename__startswith="delete_").select_related("content_type")
    for permission in deletes:
        name = f"{permission.content_type.app_label}.{permission.codename}"
        assert [user.has_perm(name) for user in (support, finance, manager, admin)] == [
            False,
            False,
            False,
            True,
        ]


def test_admins_look_at_money_and_do_not_adjust_it(admin, finance):
    for permission in ("billing.post_credit", "telephony.correct_call"):
        assert finance.has_perm(permission) and not admin.has_perm(permission)
    assert admin.has_perm("billing.view_credittransaction") and admin.has_perm("tenants.change_tier")


def test_an_account_that_was_switched_off_may_nothing(admin, support):
    for user in (admin, support):
        user.is_active = False
        assert not user.has_perm("tenants.view_organization")


def test_an_account_without_a_role_sees_the_dashboard_and_its_settings_only(db):
    user = testing.make_user("support")
    user.groups.clear()
    client = client_of(user)
    assert "No role" in check_page(client.get("/"))
    check_page(client.get("/me/"))
    for path in (
        "/tenants/organizations/",
        "/agents/messages/",
        "/billing/ledger/",
        "/jobs/",
        "/audit/changes/",
    ):
        check_page(client.get(path), 403)


def test_two_roles_add_up(support):
    support.groups.add(Group.objects.get(name="Manager"))
    user = fresh(support)
    assert user.has_perm("backoffice.view_auditevent") and user.has_perm("tenants.change_organization")
    assert roles.role_of(user) == "Manager, Support"


def views(patterns=None):
    for entry in patterns or get_resolver().url_patterns:
        if not isinstance(entry, URLPattern):
            yield from views(entry.url_patterns)
        elif view := getattr(entry.callback, "view_class", None):
            yield view


def test_every_model_page_asks_for_a_permission_of_the_matrix(db):
    granted = {
        f"{label.split('.')[0]}.{codename}"
        for label, actions in roles.MATRIX.items()
        for role in actions.values()
        for codename in roles.codenames(apps.get_model(label), role)
    }
    assert not granted & roles.FOR_ADMINS
    known = granted | roles.FOR_ADMINS
    for view in views():
        if issubclass(view, ModelPage):
            permission = view.required_permission()
            own = view.model is User  # accounts are the admins' alone: no role has anything there
            assert permission in known or ".delete_" in permission or own, view
            assert view.model._meta.label_lower in roles.MATRIX or permission in known or own
