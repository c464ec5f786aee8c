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

# Our own tables with texts (sessions are encoded: sessions.py). Those not named here are redacted too, but a test wants
# a decision for each.
REDACTED = {
    "backoffice_bulkresult",
    "backoffice_bulkrun",
    "backoffice_job",
    "backoffice_listchoice",
    "backoffice_savedview",
    "django_admin_log",
    "django_session",
    "tenants_attentionitem",
    "tenants_care",
    "tenants_follow",
    "tenants_note",
    "tenants_suspendednumber",
    "tenants_suspension",
}
STAFF = (
    "A member of staff: deactivate or rename the account under Staff accounts. Who acted stays in the audit."
)
KEPT_BUT_LISTED = {
    "backoffice_user": STAFF,
    "account_emailaddress": STAFF,
}
NOT_SEARCHED = {
    "tenants_erasure": "this procedure itself: masked, and emptied by the erasure",
    "account_emailconfirmation": "keys only",
    "auth_group": "names of roles",
    "auth_permission": "names of rights",
    "backoffice_cache": "counters of rate limits under hashed keys, gone within a day",
    "backoffice_recent": "kinds and ids of records that staff opened",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
    "procrastinate_jobs": "the queue's own: ids of jobs only",
    "procrastinate_periodic_defers": "the queue's own",
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
