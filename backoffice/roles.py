"""The matrix of design: which role may do what with which model. Everything not written here is refused.

Roles are Django groups, made and kept equal to this matrix after every `migrate`; admins are superusers. Nobody gets
permissions by hand: change the matrix, and the reviewed list of URLs in backoffice/tests/url_matrix.txt with it.
"""

from django.apps import apps

SUPPORT, FINANCE, MANAGER, ADMIN = "Support", "Finance", "Manager", "Admin"
ROLES = (SUPPORT, FINANCE, MANAGER, ADMIN)

VIEW = "view"
EDIT = "view add change"

# {model: {role: actions}}; an action is a verb of Django's (view, add, change, delete) or a permission of
# the model's own.
MATRIX = {
    "tenants.organization": {SUPPORT: EDIT, FINANCE: VIEW, MANAGER: VIEW},
    "tenants.userprofile": {SUPPORT: EDIT, FINANCE: "view change_tier", MANAGER: VIEW},
    # Everybody writes notes; one's own are changed and deleted by oneself, all of them by admins.
    "tenants.note": {SUPPORT: EDIT, FINANCE: EDIT, MANAGER: EDIT},
    "tenants.attentionitem": {
        SUPPORT: "view act_on_tenant follow_tenant",
        FINANCE: "view follow_tenant",
        MANAGER: "view act_on_tenant follow_tenant",
    },
    # To see what a tenant sees, its conversations with it; that somebody did stands in the timeline.
    "tenants.preview": {SUPPORT: "view preview_tenant", FINANCE: VIEW, MANAGER: "view preview_tenant"},
    "agents.agent": {SUPPORT: EDIT, FINANCE: VIEW, MANAGER: VIEW},
    "agents.settingchange": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},  # making one needs change_agent
    "agents.agentsession": {
        SUPPORT: "view read_transcript reveal_transcript close_session",
        FINANCE: VIEW,
        MANAGER: "view read_transcript reveal_transcript",
    },
    "agents.agentmessage": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "agents.chatsession": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "agents.chatmessage": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    # The list of all conversations, without content; what was said needs read_transcript.
    "agents.conversation": {
        SUPPORT: VIEW,
        FINANCE: VIEW,
        MANAGER: "view export_transcript review_conversation",
    },
    "agents.label": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: EDIT},
    "agents.sample": {MANAGER: VIEW},
    "telephony.siptrunk": {SUPPORT: EDIT, FINANCE: VIEW, MANAGER: VIEW},
    "telephony.phonenumber": {SUPPORT: EDIT, FINANCE: VIEW, MANAGER: VIEW},
    "telephony.calllog": {
        SUPPORT: "view mark_stale_call",
        FINANCE: "view correct_call mark_stale_call",
        MANAGER: VIEW,
    },
    "telephony.conflict": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "billing.usagelog": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "billing.credittransaction": {SUPPORT: VIEW, FINANCE: "view post_credit adopt_change", MANAGER: VIEW},
    "billing.adoption": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "billing.statement": {SUPPORT: VIEW, FINANCE: "view close_month", MANAGER: VIEW},
    "billing.bulkposting": {
        SUPPORT: VIEW,
        FINANCE: "view prepare_bulk_posting decide_bulk_posting",
        MANAGER: "view decide_bulk_posting",
    },
    "billing.creditrequest": {
        SUPPORT: "view request_credit",
        FINANCE: "view request_credit decide_credit",
        MANAGER: "view decide_credit",
    },
    "billing.creditlimit": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "billing.reconciliationrun": {
        SUPPORT: VIEW,
        FINANCE: "view run_reconciliation",
        MANAGER: "view run_reconciliation",
    },
    "billing.settlementday": {SUPPORT: VIEW, FINANCE: "view settle", MANAGER: VIEW},
    "billing.settlement": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "billing.price": {SUPPORT: VIEW, FINANCE: EDIT, MANAGER: VIEW},
    "backoffice.auditevent": {MANAGER: VIEW},
    "backoffice.readlog": {MANAGER: VIEW},
    "backoffice.job": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
    "backoffice.healthfinding": {
        SUPPORT: "view run_health_check",
        FINANCE: VIEW,
        MANAGER: "view run_health_check",
    },
    "backoffice.figure": {SUPPORT: VIEW, FINANCE: VIEW, MANAGER: VIEW},
}

# What an admin, who is in no group, may not do either: nobody writes these by hand.
READ_ONLY = {
    "tenants.attentionitem",
    "tenants.preview",
    "agents.agentmessage",
    "agents.chatmessage",
    "agents.conversation",
    "agents.sample",
    "telephony.conflict",
    "agents.settingchange",
    "billing.usagelog",
    "billing.adoption",
    "billing.bulkposting",
    "billing.bulkpostingrow",
    "billing.creditrequest",
    "billing.credittransaction",
    "billing.reconciliationrun",
    "billing.settledrow",
    "billing.settlement",
    "billing.settlementday",
    "billing.statement",
    "backoffice.auditevent",
    "backoffice.readlog",
    "backoffice.job",
    "backoffice.healthfinding",
    "backoffice.healthrow",
    "backoffice.figure",
}
# What no role brings: admins alone.
FOR_ADMINS = {"tenants.close_organization", "tenants.erase_person", "billing.change_creditlimit"}
# Being an admin brings every permission but these: money is adjusted by finance alone.
NOT_FOR_ADMINS = {
    "billing.post_credit",
    "billing.adopt_change",
    "billing.request_credit",
    "billing.decide_credit",
    "billing.prepare_bulk_posting",
    "billing.decide_bulk_posting",
    "billing.add_price",
    "billing.change_price",
    "billing.settle",
    "billing.close_month",
    "telephony.correct_call",
}
# What changes money, shows what is masked, concerns staff accounts or cannot be undone asks for a fresh sign-in or
# confirmation (backoffice.fresh): every page whose permission is one of these, by itself.
FRESH = {
    "billing.post_credit",
    "billing.request_credit",  # its form posts at once what is within the limits
    "billing.adopt_change",
    "billing.decide_credit",
    "billing.decide_bulk_posting",
    "billing.settle",
    "billing.close_month",
    "billing.add_price",
    "billing.change_price",
    "billing.change_creditlimit",
    "telephony.correct_call",
    "agents.reveal_transcript",
    "agents.export_transcript",
    "tenants.close_organization",
    "tenants.erase_person",
    "backoffice.add_user",
    "backoffice.change_user",
    "backoffice.delete_user",
}


def field_permission(model, field, action="change"):
    """The permission needed to write one field of a model ("app.codename")."""
    own = getattr(model, "field_permissions", {})
    return own.get(field) or f"{model._meta.app_label}.{action}_{model._meta.model_name}"


def codenames(model, actions):
    """`view add` → `{"view_agent", "add_agent"}`; a permission of the model's own stands for itself."""
    own = {codename for codename, _ in model._meta.permissions}
    return {action if action in own else f"{action}_{model._meta.model_name}" for action in actions.split()}


def sync_roles(**kwargs):
    """Make the groups hold exactly the matrix. Runs after migrate; raises KeyError for a permission that is
    not there.
    """
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    for config in apps.get_app_configs():
        if config.models_module:
            create_permissions(config, verbosity=0)
    by_name = {
        (permission.content_type.app_label, permission.codename): permission
        for permission in Permission.objects.select_related("content_type")
    }
    for role in (SUPPORT, FINANCE, MANAGER):
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(
            by_name[label.partition(".")[0], codename]
            for label, actions_by_role in MATRIX.items()
            for codename in codenames(apps.get_model(label), actions_by_role.get(role, ""))
        )


def role_of(user):
    """The name of the user's role, for people to read; "No role" for an account that may do nothing."""
    if user.is_superuser:
        return ADMIN
    names = getattr(user, "role_names", None)
    if names is None:
        names = [group.name for group in user.groups.order_by("name")]
    return ", ".join(names) or "No role"
