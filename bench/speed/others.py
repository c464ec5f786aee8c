"""Pages that are measured and compared with nothing: whatever the site has beside those that performance is wanted of.

Those about a row are asked for of a row that the data set has; test_bench_speed.py holds the list against the site's
addresses.
"""

# (name, address)
LISTS = [
    ("needs attention", "/tenants/attention/"),
    ("notes", "/tenants/notes/"),
    ("erasures", "/tenants/erasures/"),
    ("changes of settings", "/agents/settings/changes/"),
    ("labels", "/agents/labels/"),
    ("samples", "/agents/samples/"),
    ("old chats", "/agents/chats/"),
    ("messages of old chats", "/agents/chat-messages/"),
    ("conflicts", "/telephony/conflicts/"),
    ("adoptions", "/billing/adoptions/"),
    ("bulk postings", "/billing/bulk-postings/"),
    ("credit requests", "/billing/requests/"),
    ("limits", "/billing/limits/"),
    ("checks of balances", "/billing/reconciliation/checks/"),
    ("findings about balances", "/billing/reconciliation/findings/"),
    ("statements", "/billing/statements/"),
    ("settlements, days", "/billing/settlements/"),
    ("settlements, organizations", "/billing/settlements/organizations/"),
    ("prices", "/billing/prices/"),
    ("staff", "/staff/"),
    ("findings of data health", "/health/findings/"),
    ("rows of data health", "/health/rows/"),
]
PAGES = [
    ("search for everything", "/search/?q=bern"),
    ("calls that an agent answers, check", "/telephony/call-check/"),
    ("comparison of two agents", "/agents/compare/"),
    ("counts of conversations", "/agents/conversations/counts/"),
    ("a sample, draw", "/agents/samples/add/"),
    ("totals of the ledger", "/billing/ledger/totals/"),
    ("models without a price", "/billing/prices/missing/"),
    ("one's own page", "/me/"),
    ("one's own activity", "/me/activity/"),
    ("one's own sessions", "/me/sessions/"),
    ("one's own factors", "/accounts/2fa/"),
    ("Django admin, beginning", "/admin/"),
]
# (what, table and column of the data set that has such rows, the address of its pages, those below it)
RECORDS = [
    ("organization", "public.organizations", "/tenants/organizations/{}/", ("edit", "calls/check", "readers", "owner")),
    ("profile", "public.user_profiles", "/tenants/profiles/{}/", ("", "edit")),
    ("reason for attention", "backoffice.tenants_attentionitem", "/tenants/attention/{}/", ("",)),
    ("agent", "public.agents", "/agents/agents/{}/", ("json", "history")),
    ("session", "public.agent_sessions", "/agents/sessions/{}/", ("latency", "settings", "costs", "record")),
    ("message", "public.agent_messages", "/agents/messages/{}/", ("",)),
    ("old chat", "public.chat_sessions", "/agents/chats/{}/", ("", "settings", "record")),
    ("message of an old chat", "public.chat_messages", "/agents/chat-messages/{}/", ("",)),
    ("number", "public.phone_numbers", "/telephony/numbers/{}/", ("", "check", "edit", "move")),
    ("conflict", "backoffice.telephony_conflict", "/telephony/conflicts/{}/", ("",)),
    ("trunk", "public.sip_trunks", "/telephony/trunks/{}/", ("", "edit")),
    ("call", "public.call_logs", "/telephony/calls/{}/", ("",)),
    ("posting", "public.credit_transactions", "/billing/ledger/{}/", ("",)),
    ("usage record", "public.usage_logs", "/billing/usage/{}/", ("",)),
    ("change", "audit.event", "/audit/changes/{}/", ("",)),
    ("reading", "audit.read_log", "/audit/readings/{}/", ("",)),
    ("account", "backoffice.backoffice_user", "/staff/{}/", ("", "edit")),
]  # fmt: skip
FORMS = [
    ("organization", "/tenants/organizations/add/"),
    ("profile", "/tenants/profiles/add/"),
    ("note", "/tenants/notes/add/"),
    ("erasure", "/tenants/erasures/add/"),
    ("agent", "/agents/agents/add/"),
    ("label", "/agents/labels/add/"),
    ("number", "/telephony/numbers/add/"),
    ("trunk", "/telephony/trunks/add/"),
    ("account", "/staff/invite/"),
]


def addresses(rows):
    """(group, name, address) of all; `rows` is {table: id of a row}, and a table without rows has no page."""
    yield from (("Other lists", name, address) for name, address in LISTS)
    yield from (("Other pages", name, address) for name, address in PAGES)
    yield from (("Other pages", f"{what}, new", address) for what, address in FORMS)
    for what, table, address, pages in RECORDS:
        for page in pages if table in rows else ():
            name = f"{what}, {page.replace('/', ', ')}" if page else what
            yield "Other pages", name, address.format(rows[table]) + (f"{page}/" if page else "")
