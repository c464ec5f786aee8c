from django.conf import settings
from django.urls import reverse

from backoffice.roles import role_of

# (heading, [(label, url name, icon, permission)]); what a role may not open is not shown.
NAVIGATION = [
    (
        "",
        [
            ("Dashboard", "home", "layout-dashboard", ""),
            ("Figures", "figures", "chart-column-big", "backoffice.view_figure"),
        ],
    ),
    (
        "Tenants",
        [
            ("Needs attention", "tenants:attentionitem_list", "bell-ring", "tenants.view_attentionitem"),
            ("Organizations", "tenants:organization_list", "building-2", "tenants.view_organization"),
            ("User profiles", "tenants:userprofile_list", "users", "tenants.view_userprofile"),
            ("Notes", "tenants:note_list", "sticky-note", "tenants.view_note"),
        ],
    ),
    (
        "Conversations",
        [
            ("All conversations", "agents:conversation_list", "messages-square", "agents.view_conversation"),
            ("Search in conversations", "agents:search", "text-search", "agents.read_transcript"),
            ("Review", "agents:sample_list", "clipboard-check", "agents.view_sample"),
            ("Labels", "agents:label_list", "tag", "agents.view_label"),
        ],
    ),
    (
        "Agents and telephony",
        [
            ("Agents", "agents:agent_list", "bot", "agents.view_agent"),
            ("Settings across agents", "agents:question_list", "settings-2", "agents.view_agent"),
            ("Phone numbers", "telephony:phonenumber_list", "hash", "telephony.view_phonenumber"),
            (
                "Why are calls refused?",
                "telephony:call_check",
                "list-checks",
                "telephony.view_phonenumber",
            ),
            ("SIP trunks", "telephony:siptrunk_list", "server", "telephony.view_siptrunk"),
            ("Conflicts", "telephony:conflict_list", "git-pull-request-closed", "telephony.view_conflict"),
            ("Calls", "telephony:calllog_list", "phone", "telephony.view_calllog"),
        ],
    ),
    (
        "Money",
        [
            ("Credit ledger", "billing:credittransaction_list", "coins", "billing.view_credittransaction"),
            ("Balances", "billing:balance_list", "scale", "billing.view_credittransaction"),
            ("Requests", "billing:creditrequest_list", "inbox", "billing.view_creditrequest"),
            ("Bulk postings", "billing:bulkposting_list", "files", "billing.view_bulkposting"),
            ("Usage", "billing:usagelog_list", "chart-column", "billing.view_usagelog"),
            ("Settlements", "billing:settlementday_list", "calendar-check", "billing.view_settlementday"),
            ("Prices", "billing:price_list", "tags", "billing.view_price"),
            ("Month overview", "billing:overview", "calendar-range", "billing.view_usagelog"),
            ("Statements", "billing:statement_list", "scroll-text", "billing.view_statement"),
            ("Limits", "billing:creditlimit_list", "gauge", "billing.view_creditlimit"),
            ("Reconciliation", "billing:reconciliation", "shield-check", "billing.view_reconciliationrun"),
        ],
    ),
    (
        "Back office",
        [
            ("Jobs", "job_list", "loader", "backoffice.view_job"),
            ("Data health", "health", "heart-pulse", "backoffice.view_healthfinding"),
            ("Changes", "backoffice:auditevent_list", "history", "backoffice.view_auditevent"),
            ("Readings", "backoffice:readlog_list", "eye", "backoffice.view_readlog"),
            ("Erasures", "tenants:erasure_list", "user-x", "tenants.erase_person"),
            ("Staff accounts", "admin:backoffice_user_changelist", "user-cog", "backoffice.view_user"),
            ("Django admin", "admin:index", "wrench", ""),
        ],
    ),
]


# {url name: function(user) that gives what stands beside the entry, "" for nothing}. Apps put theirs in when they are
# ready; each costs one bounded query on every page.
COUNTS = {}


def count_waiting(queryset):
    """The number of rows to stand beside an entry; "" for none, and counting stops at 999."""
    count = queryset.order_by().values("pk")[:1000].count()
    return "999+" if count > 999 else count or ""


def shell(request):
    """What base.html shows around every page: navigation by permission, environment, role, addresses of the
    controls.
    """
    context = {"environment": {"label": settings.ENVIRONMENT, "tone": settings.ENVIRONMENT_TONE}}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    return context | {
        "nav": list(navigation(request)),
        "role": role_of(user),
        "theme_url": reverse("theme"),
        "settings_url": reverse("me"),
        "search_url": reverse("search"),
        "palette_url": reverse("palette"),
        "credit_unit": settings.CREDIT_UNIT,
    }


def navigation(request):
    for label, entries in NAVIGATION:
        items = [
            {
                "label": text,
                "url": (url := reverse(name)),
                "icon": icon,
                "active": is_under(request.path, url),
                "count": COUNTS[name](request.user) if name in COUNTS else "",
            }
            for text, name, icon, permission in entries
            if not permission or request.user.has_perm(permission)
        ]
        if items:
            yield {"label": label, "items": items}


def pages_named(request, text):
    """Pages of the navigation in whose names every word of `text` is the beginning of a word."""
    words = text.lower().split()
    return [
        {**item, "section": section["label"]}
        for section in navigation(request)
        for item in section["items"]
        if words and all(f" {word}" in f" {item['label']} {section['label']}".lower() for word in words)
    ]


def is_under(path, url):
    return path == url if url == "/" else path.startswith(url)
