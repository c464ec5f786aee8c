"""Where a person may be named, and what becomes of each place."""

# Tables that the database's functions search and redact: (name, words, url name of the list).
PLATFORM = (
    ("user_profiles", "User profiles", "tenants:userprofile_list"),
    ("organizations", "Organizations", "tenants:organization_list"),
    ("agents", "Agents", "agents:agent_list"),
    ("sip_trunks", "SIP trunks", "telephony:siptrunk_list"),
    ("phone_numbers", "Phone numbers", "telephony:phonenumber_list"),
    ("agent_sessions", "Sessions (history, context, IP address)", "agents:agentsession_list"),
    ("agent_messages", "Messages", "agents:agentmessage_list"),
    ("chat_sessions", "Legacy chats", "agents:chatsession_list"),
    ("chat_messages", "Legacy messages", "agents:chatmessage_list"),
    ("usage_logs", "Usage", "billing:usagelog_list"),
    ("call_logs", "Calls", "telephony:calllog_list"),
    ("credit_transactions", "Credit ledger", "billing:credittransaction_list"),
    ("event", "Changes (audit: old and new values, labels, reasons)", "backoffice:auditevent_list"),
    ("read_log", "Readings (audit: labels, details, reasons)", "backoffice:readlog_list"),
)

# What is found but not redacted, as audit.stays_named() has it: {(table, column or ""): why, and what to do}.
STAYS = {
    ("credit_transactions", ""): (
        "The ledger is append-only for everybody: it is the bookkeeping that proves balances, and has to be kept "
        "for as long as the law asks. Do not name persons in postings; these go when the retention period ends."
    ),
    (
        "event",
        "actor",
    ): "Who acted: the audit rests on it. It is the name of a staff account or a database role.",
    ("read_log", "actor"): "Who read: the audit rests on it.",
    ("phone_numbers", "phone_number"): (
        "A number of the platform on which an agent answers; without it calls would not be routed. Release and "
        "remove it if it is the person's."
    ),
    ("sip_trunks", "username"): "A log-in at the carrier: change it there first, then here.",
    ("sip_trunks", "sip_domain"): "An address of the carrier: change it there first, then here.",
}

# Of our own tables and those of money: what is found but not redacted.
STAFF = (
    "A member of staff: deactivate or rename the account under Staff accounts. Who acted stays in the audit."
)
BOOKKEEPING = (
    "It belongs to the ledger: what was asked for, approved, settled and stated has to be kept for as long as the law "
    "asks. Do not name persons in reasons and comments."
)
STAYS |= {
    ("backoffice.backoffice_user", ""): STAFF,
    ("backoffice.account_emailaddress", ""): STAFF,
    ("backoffice.backoffice_signin", ""): STAFF,
    ("backoffice.socialaccount_socialaccount", ""): STAFF,
    ("billing.adoption", ""): BOOKKEEPING,
    ("billing.bulk_posting", ""): BOOKKEEPING,
    ("billing.credit_request", ""): BOOKKEEPING,
    ("billing.settlement", ""): BOOKKEEPING,
    ("billing.settlement_day", ""): BOOKKEEPING,
    ("billing.statement", ""): BOOKKEEPING,
} | {
    # All but `given`, which may be a mail address.
    ("billing.bulk_posting_row", column): BOOKKEEPING
    for column in (
        "organization_name",
        "given_amount",
        "reason",
        "reference",
        "problem",
        "outcome",
        "message",
    )
}
# Our own tables with texts (sessions are encoded: sessions.py). Those not named here are redacted too, but a test wants
# a decision for each.
REDACTED = {
    "backoffice.agents_label",
    "backoffice.agents_labeluse",
    "backoffice.agents_review",
    "backoffice.agents_reviewnote",
    "backoffice.agents_sample",
    "backoffice.agents_settingchange",
    "backoffice.agents_settingchangerow",
    "backoffice.backoffice_bulkresult",
    "backoffice.backoffice_bulkrun",
    "backoffice.backoffice_job",
    "backoffice.backoffice_listchoice",
    "backoffice.backoffice_savedview",
    "backoffice.backoffice_staffsession",
    "backoffice.billing_reconciliationfinding",
    "backoffice.billing_reconciliationrun",
    "backoffice.django_admin_log",
    "backoffice.telephony_conflict",
    "backoffice.tenants_attentionitem",
    "backoffice.tenants_care",
    "backoffice.tenants_follow",
    "backoffice.tenants_note",
    "backoffice.tenants_preview",
    "backoffice.tenants_suspendednumber",
    "backoffice.tenants_suspension",
    "billing.bulk_posting_row",
}
NOT_SEARCHED = {
    "backoffice.mfa_authenticator": "second factors of staff, encrypted",
    "backoffice.socialaccount_socialapp": "empty: single sign-on is set up by settings",
    "backoffice.socialaccount_socialtoken": "empty: tokens of the provider are not kept",
    "backoffice.agents_conversation": "figures that follow the platform's tables; corrected in the same transaction",
    "backoffice.agents_indexedturn": "words that follow what was said; corrected in the same transaction",
    "backoffice.agents_indexstate": "how far the index is",
    "backoffice.agents_sampleitem": "ids of conversations",
    "backoffice.backoffice_dayfigure": "sums by day, channel and model",
    "backoffice.backoffice_figure": "sums by day, tenant, channel and model",
    "backoffice.backoffice_figureperiod": "sums of the usual periods, under ids of tenants",
    "backoffice.backoffice_figurestate": "how far the figures are",
    "backoffice.backoffice_healthcheck": "when data health was checked",
    "backoffice.backoffice_healthfinding": "counts, and names of tables, columns, rights and indexes",
    "backoffice.backoffice_healthrow": "ids of rows that break a rule, without what they hold",
    "backoffice.backoffice_invitation": "mail addresses of staff",
    "backoffice.backoffice_tablesize": "names of tables and their sizes",
    "backoffice.telephony_conflictlook": "counts of conflicts, and ids of changes that were followed",
    "backoffice.tenants_erasure": "this procedure itself: masked, and emptied by the erasure",
    "backoffice.account_emailconfirmation": "keys only",
    "backoffice.auth_group": "names of roles",
    "backoffice.auth_permission": "names of rights",
    "backoffice.backoffice_cache": "counters of rate limits under hashed keys, gone within a day",
    "backoffice.backoffice_recent": "kinds and ids of records that staff opened",
    "backoffice.django_content_type": "names of models",
    "backoffice.django_migrations": "names of migrations",
    "backoffice.procrastinate_jobs": "the queue's own: ids of jobs only",
    "backoffice.procrastinate_periodic_defers": "the queue's own",
    "billing.credit_limit": "names of roles",
    "billing.price": "names of models",
    "billing.settled_row": "ids of rows and their costs",
}

# What no search here can reach, stated on every certificate.
ELSEWHERE = (
    "Supabase's backups and point-in-time recovery, until they expire (Database, Backups); Supabase's own logs.",
    "Recordings and other files in storage, by the addresses in the calls and messages that were found.",
    "What the platform passes on: language and voice providers, the vector index of knowledge bases, the carriers' own "
    "records of calls, Stripe.",
    "Files that staff downloaded before (the readings name each download), mail and tickets.",
    "Names, street addresses and other wording without the mail address or number: nobody can search for these "
    "reliably.",
)
