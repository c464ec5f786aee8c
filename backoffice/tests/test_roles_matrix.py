"""The matrix of roles in words, docs/roles.md: what the code gives, what the file says and what README says are one.

Write the file's table anew with

    python -m pytest backoffice/tests/test_roles_matrix.py --update-url-matrix

and then read what changed as the person who has to answer for it.
"""

import functools
import re

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.utils.text import capfirst

from backoffice import roles
from backoffice.roles import ADMIN, FINANCE, MANAGER, READ_ONLY, ROLES, SUPPORT
from backoffice.testing import make_user
from backoffice.tests.test_url_matrix import patterns

FILE = settings.BASE_DIR / "docs" / "roles.md"
APPS = ("tenants", "agents", "telephony", "billing", "backoffice")
BEGIN, END = "<!-- the matrix -->", "<!-- end of the matrix -->"
VERBS = {"view": "see", "add": "add", "change": "change", "delete": "delete"}
# The lines of README's table, in its order, and what each stands for.
README_LINES = {
    "tenants, profiles": ["tenants.organization", "tenants.userprofile"],
    "queue, assignment": ["tenants.attentionitem"],
    "notes": ["tenants.note"],
    "agents, numbers, trunks": ["agents.agent", "telephony.phonenumber", "telephony.siptrunk"],
    "credits": ["billing.credittransaction", "billing.creditrequest", "billing.bulkposting", "billing.creditlimit"],
    "settlement, prices, closing months": ["billing.settlementday", "billing.price", "billing.statement"],
    "usage, calls": ["billing.usagelog", "telephony.calllog"],
    "dashboard, figures, conflicts, data health": [
        "backoffice.figure", "telephony.conflict", "backoffice.healthfinding",
    ],
    "transcripts": ["agents.agentsession", "agents.conversation"],
    "the tenant's view": ["tenants.preview"],
    "audit and read log": ["backoffice.auditevent", "backoffice.readlog"],
    "staff accounts, deletion, closing, erasure": ["backoffice.user", "tenants.erasure"],
}  # fmt: skip
# What a word of a cell of README stands for; the permissions that nobody with the word in its cell lacks.
README_WORDS = {
    (SUPPORT, "tenants, profiles"): "add_organization change_organization add_userprofile change_userprofile",
    (FINANCE, "tenants, profiles"): "change_tier",
    (SUPPORT, "queue, assignment"): "act_on_tenant follow_tenant",
    (FINANCE, "queue, assignment"): "follow_tenant",
    (MANAGER, "queue, assignment"): "act_on_tenant follow_tenant",
    (SUPPORT, "notes"): "add_note change_note",
    (FINANCE, "notes"): "add_note change_note",
    (MANAGER, "notes"): "add_note change_note",
    (SUPPORT, "agents, numbers, trunks"): (
        "add_agent change_agent add_phonenumber change_phonenumber add_siptrunk change_siptrunk"
    ),
    (SUPPORT, "credits"): "request_credit",
    (FINANCE, "credits"): (
        "post_credit request_credit decide_credit adopt_change prepare_bulk_posting decide_bulk_posting"
    ),
    (MANAGER, "credits"): "decide_credit decide_bulk_posting",
    (ADMIN, "credits"): "change_creditlimit",
    (FINANCE, "settlement, prices, closing months"): "settle add_price change_price close_month",
    (SUPPORT, "usage, calls"): "mark_stale_call",
    (FINANCE, "usage, calls"): "mark_stale_call correct_call",
    (ADMIN, "usage, calls"): "mark_stale_call",
    (SUPPORT, "dashboard, figures, conflicts, data health"): "run_health_check",
    (MANAGER, "dashboard, figures, conflicts, data health"): "run_health_check",
    (ADMIN, "dashboard, figures, conflicts, data health"): "run_health_check",
    (SUPPORT, "transcripts"): "read_transcript reveal_transcript close_session",
    (SUPPORT, "the tenant's view"): "preview_tenant",
    (MANAGER, "the tenant's view"): "preview_tenant",
    (ADMIN, "the tenant's view"): "preview_tenant",
    (MANAGER, "transcripts"): "read_transcript reveal_transcript export_transcript review_conversation",
    (ADMIN, "transcripts"): (
        "read_transcript reveal_transcript export_transcript review_conversation close_session"
    ),
}


@pytest.fixture
def users(db):
    return {role: make_user(role.lower()) for role in ROLES}


@functools.cache
def asked_for():
    """Every permission that a page asks for, staff page or admin's."""
    views = {getattr(pattern.callback, "view_class", None) for _, _, pattern in patterns()}
    for model_admin in site._registry.values():
        views |= {
            getattr(model_admin, f"{page}_page") for page in ("list", "record", "add", "edit", "delete")
        }
    names = {view.required_permission() for view in views if hasattr(view, "required_permission")}
    return {name for name in names if name.startswith(tuple(f"{app}." for app in APPS))}


def permissions():
    """Those that a page asks for, and those of a model's own; Django makes others that open nothing."""
    found = Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    verbs = list(VERBS)
    return sorted(
        (
            one
            for one in found
            if f"{one.content_type.app_label}.{one.codename}" in asked_for() or not is_plain(one)
        ),
        key=lambda one: (
            APPS.index(one.content_type.app_label),
            one.content_type.model,
            verbs.index(verb) if (verb := one.codename.partition("_")[0]) in verbs else 9,
            one.codename,
        ),
    )


def held_by(user, permission):
    """Whether somebody may do it: what nobody writes by hand is no admin's either, whatever Django would give."""
    label = f"{permission.content_type.app_label}.{permission.content_type.model}"
    if is_plain(permission) and not permission.codename.startswith("view_") and label in READ_ONLY:
        return False
    return user.has_perm(f"{permission.content_type.app_label}.{permission.codename}")


def is_plain(permission):
    return permission.codename in {f"{verb}_{permission.content_type.model}" for verb in VERBS}


def lines(users):
    """The table: a line for everything that somebody may do with a kind of record."""
    yield f"| with | one may | {' | '.join(ROLES)} |"
    yield f"|---|---|{'---|' * len(ROLES)}"
    for permission in permissions():
        meta = permission.content_type.model_class()._meta
        what = VERBS[permission.codename.partition("_")[0]] if is_plain(permission) else permission.name
        held = [held_by(users[role], permission) for role in ROLES]
        if any(held):
            cells = ["yes" if one else "–" for one in held]
            subject = capfirst(str(meta.verbose_name_plural))
            yield f"| {subject} | {what.removeprefix('Can ')} | {' | '.join(cells)} |"


def test_the_reviewed_matrix_is_what_the_code_gives(users, request):
    text = FILE.read_text()
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    derived = "\n".join(lines(users))
    if request.config.getoption("--update-url-matrix"):
        FILE.write_text(f"{before}{BEGIN}\n{derived}\n{END}{after}")
        table = derived
    assert table.strip().splitlines() == derived.splitlines()


def test_every_page_of_a_model_asks_for_a_line_of_the_matrix(users):
    """And every permission that a page asks for is one that somebody has."""
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": any(
            held_by(user, permission) for user in users.values()
        )
        for permission in permissions()
    }
    assert {name for name in asked_for() if not known.get(name)} == set()


def test_readme_says_the_same(users):
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", README, re.M)
    table = {subject: dict(zip(ROLES, cells, strict=True)) for subject, *cells in rows}
    assert list(table) == list(README_LINES)
    everything = {f"{one.content_type.app_label}.{one.content_type.model}": [] for one in permissions()}
    for permission in permissions():
        everything[f"{permission.content_type.app_label}.{permission.content_type.model}"].append(permission)
    for subject, cells in table.items():
        of_subject = [one for label in README_LINES[subject] for one in everything[label]]
        for role, cell in cells.items():
            held = {one.codename for one in of_subject if held_by(users[role], one)}
            if cell in ("–", "of a record"):
                assert not held, (subject, role, held)
                continue
            views = {f"view_{label.partition('.')[2]}" for label in README_LINES[subject]} - {
                "view_erasure",
                "view_preview",
            }
            assert views <= held, (subject, role, views - held)
            beyond = held - {one.codename for one in of_subject if one.codename.startswith("view_")}
            said = set(README_WORDS.get((role, subject), "").split())
            if role == ADMIN:  # whose deletions are the last line's
                beyond -= {one for one in beyond if one.startswith("delete_")}
            if not (role == ADMIN and cell == "all"):
                assert beyond == said, (subject, role, beyond ^ said)


README = (settings.BASE_DIR / "README.md").read_text().partition("\n## Roles\n")[2].partition("\n## ")[0]


def test_each_rule_of_the_file_names_a_test_that_is_there():
    rules = re.findall(r"`(\w+/tests/[\w/]+\.py)::(\w+)`", FILE.read_text())
    assert len(rules) >= 12
    for path, name in rules:
        assert f"def {name}(" in (settings.BASE_DIR / path).read_text(), (path, name)


def test_exceptions_are_permissions_that_exist(db):
    names = {f"{one.content_type.app_label}.{one.codename}" for one in permissions()}
    assert names >= (roles.FOR_ADMINS | roles.NOT_FOR_ADMINS)
    assert all(apps.get_model(label) for label in (*roles.MATRIX, *READ_ONLY))
