"""Rules about settings of agents that are a risk to the tenant, and that the runtime does not honour anyway."""

from backoffice.health.findings import INFO, WARN
from backoffice.health.row_rules import Rule, find_in

# The same words as display.SECRET_KEY and audit.redact know secrets by.
SECRET = "(password|secret|token|authorization|api[_-]?key)"
SAID = (
    "(exists (select from public.agent_sessions s where s.agent_id = t.id and s.message_count > 0) "
    "or exists (select from public.chat_sessions c where c.project_id = t.id))"
)
# The setting as the browser app has it, in whichever shape, else the column.
EFFECTIVE = (
    "coalesce(case when jsonb_typeof(t.config) = 'object' then coalesce(t.config #>> '{{config,{0}}}', "
    "t.config ->> '{0}') end, t.{0}::text)"
)
POLICY = EFFECTIVE.format("data_storage_policy")
REDACTION = EFFECTIVE.format("pii_redaction_enabled")
WEBHOOK = EFFECTIVE.format("webhook_url")
HEADERS = "case when jsonb_typeof(t.custom_headers) = 'object' then t.custom_headers else '{}'::jsonb end"

RULES = [
    Rule(
        "storage_policy_not_kept", "oddities", WARN, "Agents that promise to store less, and store all",
        "The storage policy is not “everything”, and there are conversations: the runtime does not honour the policy.",
        "Tell the tenant that text is stored, or erase it.",
        find_in("public.agents", f"'policy ' || left({POLICY}, 40)", f"{POLICY} <> 'everything' and {SAID}"),
        "H18",
    ),
    Rule(
        "redaction_off", "oddities", INFO, "Agents in use without redaction",
        "pii_redaction_enabled is off, and there are conversations: replies may repeat personal data.",
        "Tell the tenant. What visitors type is stored as typed either way; staff pages mask it.",
        find_in("public.agents", "''", f"coalesce({REDACTION}, 'false') <> 'true' and {SAID}"),
        "H18",
    ),
    Rule(
        "webhook_not_https", "oddities", WARN, "Webhooks without HTTPS",
        "webhook_url begins with http: the platform never calls it today; once it does, texts go over the wire openly.",
        "Ask the tenant for an https address.",
        find_in("public.agents", "''", f"{WEBHOOK} ilike 'http:%%'"),
        "H18",
    ),
    Rule(
        "secrets_in_headers", "oddities", WARN, "Agents with secrets in custom headers",
        "custom_headers has a name such as Authorization: the value is stored in plain text.",
        "Ask the tenant to change that secret at its own side; values are write-only here.",
        find_in(
            "public.agents",
            "(select left(string_agg(left(k, 40), ', ' order by k), 200) "
            f"from jsonb_object_keys({HEADERS}) k where k ~* '{SECRET}')",
            f"exists (select from jsonb_object_keys({HEADERS}) k where k ~* '{SECRET}')",
        ),
        "H13",
    ),
    Rule(
        "sip_password_in_config", "oddities", WARN, "Agents with a SIP password in their configuration",
        "A second copy of the trunk's password stands in agents.config, which the owner's browser reads.",
        "Have the password changed at the provider, and set the new one on the trunk alone.",
        find_in(
            "public.agents", "''",
            "nullif(coalesce(t.config #>> '{sip,password}', t.config #>> '{config,sip,password}'), '') is not null",
        ),
        "H13",
    ),
]  # fmt: skip
