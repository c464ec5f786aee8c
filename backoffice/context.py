import functools
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from backoffice.addresses import fixed_address, fixed_under, script_prefix
from backoffice.replicas.choice import reading
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
            ("Staff accounts", "backoffice:user_list", "user-cog", "backoffice.view_user"),
            ("Django admin", "admin:index", "wrench", ""),
        ],
    ),
]


# {url name: Counted} of what stands beside an entry. Apps put theirs in when they are ready; every page asks for all of
# them in one query.
COUNTS = {}
MOST = 99  # every page counts them


@dataclass(frozen=True)
class Counted:
    """A number in SQL, as the ORM would build the statements anew for every page: that of the rows of `rows` (what
    follows FROM, with %(user)s for the reader's id), counting stops after MOST; with `value`, that column of the first
    row. Only for readers with `permission`, if it names one.
    """

    rows: str
    value: str = ""
    permission: str = ""

    def sql(self):
        if self.value:
            return f"select {self.value} from {self.rows} limit 1"
        return f"select count(*) from (select from {self.rows} limit {MOST + 1}) counted"


def counts(user, names):
    """{url name: the number to stand beside the entry, as text}, without those that have none."""
    asked = [name for name in names if name in COUNTS and may_see(user, COUNTS[name])]
    if not asked:
        return {}
    with reading().prepared_cursor() as cursor:
        cursor.execute(f"select {', '.join(f'({COUNTS[name].sql()})' for name in asked)}", {"user": user.pk})
        numbers = zip(asked, cursor.fetchone(), strict=True)
    return {name: f"{MOST}+" if number > MOST else str(number) for name, number in numbers if number}


def may_see(user, counted):
    return not counted.permission or user.has_perm(counted.permission)


def shell(request):
    """What base.html shows around every page: navigation by permission, environment, role, addresses of the
    controls.
    """
    context = {"environment": {"label": settings.ENVIRONMENT, "tone": settings.ENVIRONMENT_TONE}}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "lacks_factor", False):
        return context
    return context | {
        "nav": SimpleLazyObject(functools.partial(navigation, request)),  # a fragment has none
        "role": role_of(user),
        "theme_url": fixed_address("theme"),
        "settings_url": fixed_address("me"),
        "password_sign_in": settings.PASSWORD_SIGN_IN,
        "search_url": fixed_address("search"),
        "palette_url": fixed_address("palette"),
        "credit_unit": settings.CREDIT_UNIT,
    }


def navigation(request, *, counted=True):
    """[{label, items: [{label, url, icon, active, count}]}] of what the reader may open."""
    allowed = [
        (label, [entry for entry in entries if not entry[3] or request.user.has_perm(entry[3])])
        for label, entries in NAVIGATION
    ]
    prefix = script_prefix()
    beside = (
        counts(request.user, [entry[1] for _, entries in allowed for entry in entries]) if counted else {}
    )
    return [
        {
            "label": label,
            "items": [
                {
                    "label": text,
                    "url": (url := fixed_under(prefix, name)),
                    "icon": icon,
                    "active": is_under(request.path, url),
                    "count": beside.get(name, ""),
                }
                for text, name, icon, _ in entries
            ],
        }
        for label, entries in allowed
        if entries
    ]


def pages_named(request, text):
    """Pages of the navigation in whose names every word of `text` is the beginning of a word."""
    words = text.lower().split()
    return [
        {**item, "section": section["label"]}
        for section in navigation(request, counted=False)
        for item in section["items"]
        if words and all(f" {word}" in f" {item['label']} {section['label']}".lower() for word in words)
    ]


def is_under(path, url):
    return path == url if url == "/" else path.startswith(url)
