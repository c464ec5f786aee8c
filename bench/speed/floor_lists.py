"""The floor's lists: a page of rows picked by key from one index, joined with the names that are shown.

A List is called with the connection and the parameters of the address: `size` (rows), `key` and `id` (the row after
which the page begins), `last` (the end of the list), `organization`, `q`. A row is `<tr data-id="…">`, by which the
benchmark compares it with the others' rows.
"""

from dataclasses import dataclass

from bench.speed import floor_rows as rows

ROWS = 50


@dataclass
class List:
    """`select` begins with the row's id; `picked` is the table the page is picked from, called `p`."""

    select: str
    picked: str
    joins: str
    row: object
    key: str = "coalesce(p.created_at, '-infinity')"
    key_type: str = "timestamptz"
    id: str = "p.id"
    id_type: str = "uuid"
    tenant: str = "p.organization_id = %(organization)s"
    words: str = "p.name ilike %(q)s"
    rising: bool = False

    def __call__(self, connection, params):
        size = int(params.get("size", ROWS))
        found = connection.execute(*self.statement(params, size)).fetchall()
        if "last" in params:
            found.reverse()
        return table(self.row, found[-size:] if "last" in params else found[:size])

    def statement(self, params, size):
        backwards = "last" in params
        falling = self.rising == backwards
        way = "desc" if falling else "asc"
        conditions = []
        if "key" in params:
            conditions.append(
                f"({self.key}, {self.id}) {'<' if falling else '>'}"
                f" (%(key)s::{self.key_type}, %(id)s::{self.id_type})"
            )
        if "organization" in params:
            conditions.append(self.tenant)
        if "q" in params:
            conditions.append(self.words)
            params = {**params, "q": f"%{params['q']}%"}
        where = f"where {' and '.join(conditions)}" if conditions else ""
        order = f"order by {self.key} {way}, {self.id} {way}"
        sql = (
            f"select {self.select} from (select * from {self.picked} {where} {order} limit {size + 1}) p"
            f" {self.joins} {order}"
        )
        return sql, params


def table(row, found):
    return f"<table>{''.join([row(*each) for each in found])}</table>"


TENANT = "left join public.organizations o on o.id = p.organization_id"
AGENT = "left join public.agents a on a.id = p.agent_id"
LISTS = {
    "sessions": List(
        "p.id, p.session_id, a.id, a.name, o.id, o.name, p.channel, p.status, p.message_count, p.last_activity_at,"
        " p.created_at",
        "public.agent_sessions p",
        "join public.agents a on a.id = p.agent_id join public.organizations o on o.id = a.organization_id",
        rows.session_row,
        tenant="p.agent_id in (select id from public.agents where organization_id = %(organization)s)",
    ),
    "messages": List(
        "p.id, p.session_id, s.session_id, p.role, left(p.content, 300), p.tokens_used, p.latency_ms, p.model_used,"
        " p.created_at",
        "public.agent_messages p",
        "join public.agent_sessions s on s.id = p.session_id",
        rows.message_row,
    ),
    "conversations": List(
        "p.id, p.store, p.source_id, o.id, o.name, a.id, a.name, p.channel, p.status, p.flags, p.length_seconds,"
        " p.stored, p.tokens, p.cost_usd, p.caller, p.outcome, p.started_at",
        "agents_conversation p",
        f"{TENANT} {AGENT}",
        rows.conversation_row,
        key="coalesce(p.started_at, '-infinity')",
        id_type="bigint",
    ),
    "organizations": List(
        "p.id, p.name, p.owner_id, u.email, u.subscription_tier, p.credits_balance, p.created_at",
        "public.organizations p",
        "left join public.user_profiles u on u.id = p.owner_id",
        rows.organization_row,
        # Who knows the person finds the tenant, too.
        words="""(p.name ilike %(q)s or p.owner_id in (select id from public.user_profiles
            where email ilike %(q)s or full_name ilike %(q)s or company_name ilike %(q)s))""",
    ),
    "profiles": List(
        "p.id, p.email, p.full_name, p.company_name, p.phone_number, p.subscription_tier, p.created_at",
        "public.user_profiles p",
        "",
        rows.profile_row,
    ),
    "agents": List(
        "p.id, p.name, o.id, o.name, p.llm_model, p.voice_provider, p.is_published, p.version, p.created_at",
        "public.agents p",
        TENANT,
        rows.agent_row,
    ),
    "numbers": List(
        "p.id, p.phone_number, o.id, o.name, a.id, a.name, p.provider, p.status, c.id, c.created_at, n.calls",
        "public.phone_numbers p",
        f"""{TENANT} {AGENT} left join lateral (
          select id, created_at from public.call_logs where phone_number_id = p.id
          order by coalesce(created_at, '-infinity') desc, id desc limit 1) c on true
        left join lateral (
          select count(*) as calls from public.call_logs where phone_number_id = p.id
          and coalesce(created_at, '-infinity') >= current_date - 29) n on true""",
        rows.number_row,
    ),
    # As the tab of a tenant shows them: without their calls.
    "tenant_numbers": List(
        "p.id, p.phone_number, o.id, o.name, a.id, a.name, p.provider, p.status, null, null, null",
        "public.phone_numbers p",
        f"{TENANT} {AGENT}",
        rows.number_row,
    ),
    "trunks": List(
        "p.id, o.id, o.name, p.sip_domain, p.username, p.provider, p.created_at",
        "public.sip_trunks p",
        TENANT,
        rows.trunk_row,
    ),
    "calls": List(
        "p.id, p.caller_number, n.id, n.phone_number, o.id, o.name, a.id, a.name, p.direction, p.status,"
        " p.duration_seconds, p.cost, p.created_at",
        "public.call_logs p",
        f"{TENANT} {AGENT} left join public.phone_numbers n on n.id = p.phone_number_id",
        rows.call_row,
    ),
    "usage": List(
        "p.id, o.id, o.name, a.id, a.name, p.channel, p.model_used, p.tokens_used, p.cost_usd, p.created_at",
        "public.usage_logs p",
        f"{TENANT} {AGENT}",
        rows.usage_row,
    ),
    "ledger": List(
        "p.id, o.id, coalesce(o.name, p.organization_name), p.kind, p.amount, p.balance_after, p.reason, p.actor,"
        " d.reason, p.created_at",
        "public.credit_transactions p",
        f"{TENANT} left join billing.adoption d on d.transaction_id = p.id",
        rows.posting_row,
        key="p.id",
        key_type="bigint",
        id_type="bigint",
    ),
    "changes": List(
        """p.id, p.at, p.actor, p.action, p.table_name, p.row_id, p.row_label,
           (select string_agg(key || ': ' || coalesce(left(p.old ->> key, 80), '') || ' → ' ||
                              coalesce(left(p.new ->> key, 80), ''), ', ') from (
              select key from unnest(audit.field_names(p.old, p.new)) key order by key limit 4) k), p.reason""",
        "audit.event p",
        "",
        rows.change_row,
        key="p.at",
        id_type="bigint",
    ),
    "readings": List(
        "p.id, p.at, p.actor, p.kind, p.table_name, p.row_id, p.row_label, p.reason, o.id, o.name",
        "audit.read_log p",
        TENANT,
        rows.reading_row,
        key="p.at",
        id_type="bigint",
    ),
    "settings": List(
        """p.id, p.name, o.id, o.name, coalesce(p.config ->> 'llm_model', p.llm_model), p.is_published,
           (select count(*) from public.phone_numbers n where n.agent_id = p.id and n.status = 'active')""",
        "public.agents p",
        TENANT,
        rows.setting_row,
        key="p.name",
        key_type="text",
        rising=True,
    ),
    # Days left come first, and are worked out of the forecast; tenants without credit have none.
    "balances": List(
        """p.id, p.name, p.credits_balance, p.days, p.credits_balance / nullif(p.per_day_7, 0), p.per_day_28,
           p.per_day_7, t.id, t.created_at""",
        """(select o.*, f.per_day_28, f.per_day_7, coalesce(case when coalesce(o.credits_balance, 0) <= 0 then 0
              when f.per_day_28 > 0 then round(o.credits_balance / f.per_day_28, 1) end, 1e9) as days
            from public.organizations o left join tenants_forecast f on f.organization_id = o.id) p""",
        """left join lateral (select id, created_at from public.credit_transactions where organization_id = p.id
             order by id desc limit 1) t on true""",
        rows.balance_row,
        key="p.days",
        key_type="numeric",
        rising=True,
    ),
    # By name; a page's tenants with the sums of their postings, settlements and what is not settled yet.
    "reconciliation": List(
        """p.id, p.name, p.credits_balance,
           (select coalesce(sum(amount), 0) from public.credit_transactions where organization_id = p.id),
           (select coalesce(sum(usage_cost + call_cost), 0) from billing.settlement where organization_id = p.id),
           (select coalesce(sum(cost_usd), 0) from public.usage_logs where organization_id = p.id),
           (select coalesce(sum(cost), 0) from public.call_logs where organization_id = p.id)""",
        "public.organizations p",
        "",
        rows.reconciled_row,
        key="p.name",
        key_type="text",
        rising=True,
    ),
}
