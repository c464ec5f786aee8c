"""The floor's other pages: search, transcript, tenant, figures, form, export. Called as floor_lists.py says."""

from bench.speed.floor_lists import LISTS
from bench.speed.floor_rows import text, time


def cells(rows):
    """A table of values as they are."""
    lines = ["<tr><td>" + "<td>".join(map(text, row)) for row in rows]
    return f"<table>{''.join(lines)}</table>"


# Search in what was said: all hits by the index of words, then the newest; or back in time until there are enough. The
# platform's tables give the texts.
BY_WORDS = """
with found as materialized (
  select id, at, conversation_id, key, role from agents_indexedturn where words @@ %(words)s::tsquery)
"""
BACK = """
with found as (
  select id, at, conversation_id, key, role from (
    select * from agents_indexedturn order by at desc, id desc limit 50000) w where words @@ %(words)s::tsquery)
"""
SHOWN = """
select t.key, t.at, t.role, c.store, c.source_id, o.id, o.name, a.id, a.name, left(m.content, 20000)
from (select * from found order by at desc, id desc limit %(size)s::int) t
join agents_conversation c on c.id = t.conversation_id
left join public.agent_messages m on m.id = case when t.key like 'h%%' then null else t.key::uuid end
left join public.organizations o on o.id = c.organization_id left join public.agents a on a.id = c.agent_id
order by t.at desc, t.id desc
"""


def search(connection, params, found=BY_WORDS):
    rows = connection.execute(found + SHOWN, {"size": 25, **params}).fetchall()
    return "".join(
        f'<article data-id="{key}"><h2><a href="/agents/{store}s/{source}/?turn={key}">{time(at)}</a></h2>'
        f'<a href="/tenants/organizations/{org}/">{text(org_name)}</a> <a href="/agents/agents/{agent}/">'
        f"{text(agent_name)}</a><p>{text(role)}: {text(content)}</p></article>"
        for key, at, role, store, source, org, org_name, agent, agent_name, content in rows
    )


def search_back(connection, params):
    return search(connection, params, BACK)


def transcript(connection, params):
    session = connection.execute(
        """select s.session_id, s.channel, s.status, s.message_count, s.started_at, s.last_activity_at, s.ended_at,
             s.website_domain, a.id, a.name, o.id, o.name
           from public.agent_sessions s join public.agents a on a.id = s.agent_id
           join public.organizations o on o.id = a.organization_id where s.id = %(session)s::uuid""",
        params,
    ).fetchone()
    turns = connection.execute(
        """select id, role, content, created_at, tokens_used, latency_ms, model_used from public.agent_messages
           where session_id = %(session)s::uuid order by coalesce(created_at, '-infinity'), id limit %(size)s::int""",
        params,
    ).fetchall()
    said = "".join(
        [
            f'<li data-id="{pk}" class={role}>{text(content)}<footer>{time(at)} {text(tokens)} {text(latency)} '
            f"{text(model)}</footer>"
            for pk, role, content, at, tokens, latency, model in turns
        ]
    )
    return f"{values(session)}<ol>{said}</ol>"


def facts(connection, params):
    """Who a tenant is."""
    return connection.execute(
        """select o.name, o.credits_balance, o.created_at, u.email, u.full_name, u.subscription_tier
           from public.organizations o left join public.user_profiles u on u.id = o.owner_id
           where o.id = %(organization)s::uuid""",
        params,
    ).fetchone()


def values(row):
    return f"<dl>{''.join([f'<dd>{text(value)}' for value in row])}</dl>"


def tab(connection, params):
    """A tab of the tenant's page: the newest rows of the list `list` under the head, which tells who the tenant is, how
    long the credit lasts at the pace of 28 days, summed over the raw rows, and what is wrong, as it was found last.
    """
    spent = connection.execute(
        """select
             (select sum(cost_usd) from public.usage_logs where organization_id = %(organization)s::uuid
              and coalesce(created_at, '-infinity') >= now() - interval '28 days'),
             (select sum(cost) from public.call_logs where organization_id = %(organization)s::uuid
              and coalesce(created_at, '-infinity') >= now() - interval '28 days'),
             (select count(*) from tenants_attentionitem where organization_id = %(organization)s::uuid
              and gone_at is null)""",
        params,
    ).fetchone()
    return values((*facts(connection, params), *spent)) + LISTS[params["list"]](connection, params)


def tenant(connection, params):
    """What the tenant page tells, summed over the raw rows."""
    sums = connection.execute(
        """select (select count(*) from public.agents where organization_id = %(organization)s::uuid),
             (select count(*) from public.phone_numbers where organization_id = %(organization)s::uuid),
             c.*, u.* from
             (select count(*), sum(duration_seconds), sum(cost), max(created_at) from public.call_logs
              where organization_id = %(organization)s::uuid) c,
             (select count(*), sum(tokens_used), sum(cost_usd), max(created_at) from public.usage_logs
              where organization_id = %(organization)s::uuid) u""",
        params,
    ).fetchone()
    return values((*facts(connection, params), *sums))


def usage_by_day(connection, params):
    """Usage per organization and day of the last 30 days, over the raw rows; the sums of each day are shown."""
    rows = connection.execute(
        """select organization_id, date_trunc('day', created_at, 'UTC'), count(*), sum(tokens_used), sum(cost_usd)
           from public.usage_logs where coalesce(created_at, '-infinity') >= current_date - 29 group by 1, 2"""
    ).fetchall()
    days = {}
    for _, day, count, tokens, cost in rows:
        sums = days.setdefault(day, [0, 0, 0])
        sums[0] += count
        sums[1] += tokens or 0
        sums[2] += cost or 0
    return cells((day, *sums) for day, sums in sorted(days.items()))


def month(connection, params):
    """The month's usage per organization, over the raw rows."""
    rows = connection.execute(
        """select u.*, o.name from (
             select organization_id, count(*), sum(tokens_used), sum(cost_usd) as cost,
               count(*) filter (where tokens_used > 0 and coalesce(cost_usd, 0) = 0)
             from public.usage_logs where coalesce(created_at, '-infinity') >= date_trunc('month', now())
             group by 1 order by cost desc nulls last limit 100) u
           left join public.organizations o on o.id = u.organization_id order by u.cost desc nulls last"""
    ).fetchall()
    return cells(rows)


def names(connection, params):
    """What a palette and a picker show: names that hold what was typed."""
    rows = connection.execute(
        """(select 'organizations', id, name from public.organizations where name ilike %(q)s order by name limit 11)
           union all
           (select 'agents', id, name from public.agents where name ilike %(q)s order by name limit 5)
           union all
           (select 'profiles', id, email from public.user_profiles where email ilike %(q)s order by email limit 5)""",
        {"q": f"%{params['q']}%"},
    ).fetchall()
    return "".join(
        [f'<li data-id="{pk}"><a href="/{kind}/{pk}/">{text(name)}</a>' for kind, pk, name in rows]
    )


def picker(connection, params):
    rows = connection.execute(
        "select id, name from public.organizations where name ilike %(q)s order by name, id limit 11",
        {"q": f"%{params['q']}%"},
    ).fetchall()
    return "".join([f'<label><input type=radio value="{pk}">{text(name)}</label>' for pk, name in rows[:10]])


def form(connection, params):
    cursor = connection.execute("select * from public.agents where id = %(agent)s::uuid", params)
    names = [column.name for column in cursor.description]
    fields = [
        f'<label>{name}<input name="{name}" value="{text(value)}"></label>'
        for name, value in zip(names, cursor.fetchone(), strict=True)
    ]
    return f'<form method=post data-id="{params["agent"]}">{"".join(fields)}</form>'


def save(connection, params):
    connection.execute(
        "update public.agents set description = %(description)s where id = %(agent)s::uuid", params
    )
    return "Saved."


USAGE = """
copy (select p.id, o.name, a.name, p.channel, p.model_used, p.tokens_used, p.cost_usd, p.created_at
  from (select * from public.usage_logs order by coalesce(created_at, '-infinity') desc, id desc limit {}) p
  left join public.organizations o on o.id = p.organization_id left join public.agents a on a.id = p.agent_id
) to stdout with (format csv)"""
TEXTS = """
copy (select p.id, s.session_id, p.role, p.content, p.tokens_used, p.latency_ms, p.model_used, p.created_at
  from (select * from public.agent_messages order by coalesce(created_at, '-infinity') desc, id desc limit {}) p
  join public.agent_sessions s on s.id = p.session_id) to stdout with (format csv)"""


def export(connection, params):
    """A file out of COPY, as it comes: bytes of about 64 KB."""
    statement = {"usage": USAGE, "messages": TEXTS}[params["what"]].format(int(params["rows"]))
    with connection.cursor().copy(statement) as rows:
        parts, size = [], 0
        for part in rows:
            parts.append(bytes(part))
            size += len(part)
            if size > 65536:
                yield b"".join(parts)
                parts, size = [], 0
        if parts:
            yield b"".join(parts)


PAGES = {
    "search": search,
    "search_back": search_back,
    "transcript": transcript,
    "tab": tab,
    "tenant": tenant,
    "usage_by_day": usage_by_day,
    "month": month,
    "names": names,
    "picker": picker,
    "form": form,
    "save": save,
    "export": export,
}
