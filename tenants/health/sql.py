"""Signs that SQL finds. Each statement gives (organization_id, kind, cause, numbers as JSON), for one tenant or all."""

from backoffice.figure_models import Source
from backoffice.figures.tenant import sums_between

# {of_sessions}, {of_chats}, {of_numbers} narrow to one tenant, or are empty. {gate} spares the tenant that
# talks the reading of its conversations.
SILENT = """
with by_day as materialized (
  select a.organization_id, (t.at at time zone 'UTC')::date as day, max(t.at) as last, count(*) as talks
  from (
    select agent_id, last_activity_at as at from agent_sessions
    where session_id <> 'default' and coalesce(last_activity_at, '-infinity') <= now() + interval '1 day'
      and coalesce(last_activity_at, '-infinity') > now() - (%(forgotten)s + 28) * interval '1 day' {of_sessions}
    union all
    select project_id, created_at from chat_sessions
    where coalesce(created_at, '-infinity') <= now() + interval '1 day'
      and coalesce(created_at, '-infinity') > now() - (%(forgotten)s + 28) * interval '1 day' {of_chats}) t
  join agents a on a.id = t.agent_id
  where true {gate}
  group by 1, 2),
ends as (
  select organization_id, max(last) as at from by_day group by 1
  having max(last) <= now() - %(silent)s * interval '1 day' and max(last) > now() - %(forgotten)s * interval '1 day')
select e.organization_id, 'silent' as kind, 'conversations' as cause, jsonb_build_object(
    'last', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'silent_days', floor(extract(epoch from now() - e.at) / 86400),
    'days_of_use', count(*), 'conversations', sum(d.talks)) as numbers
from ends e join by_day d on d.organization_id = e.organization_id and d.day > (e.at at time zone 'UTC')::date - 28
group by e.organization_id, e.at
having count(*) >= %(daily)s
"""
GATE = """
and not exists (
  select from agents b join agent_sessions s on s.agent_id = b.id
  where b.organization_id = %(id)s and s.session_id <> 'default'
    and coalesce(s.last_activity_at, '-infinity') > now() - %(silent)s * interval '1 day'
    and coalesce(s.last_activity_at, '-infinity') <= now() + interval '1 day')
and not exists (
  select from agents b join chat_sessions c on c.project_id = b.id
  where b.organization_id = %(id)s and coalesce(c.created_at, '-infinity') > now() - %(silent)s * interval '1 day'
    and coalesce(c.created_at, '-infinity') <= now() + interval '1 day')
"""

# {counted} gives each organization's calls and failed ones, of the last days and of the 28 before.
FAILING_CALLS = """
select c.organization_id, 'failing_calls', 'calls', jsonb_build_object(
    'calls', c.calls, 'failed', c.failed, 'calls_before', c.calls_before, 'failed_before', c.failed_before)
from ({counted}) c
where c.failed >= %(call_failures)s
  and c.failed::numeric / c.calls > greatest(
    %(call_factor)s::numeric * c.failed_before / greatest(c.calls_before, 1),
    c.failed_before::numeric / greatest(c.calls_before, 1) + 0.1)
"""
BEFORE = "now() - (%(call_days)s + 28) * interval '1 day'"
RECENTLY, SOON = "now() - %(call_days)s * interval '1 day'", "now() + interval '1 day'"
CALLS_OF_ALL = f"""
  select organization_id,
    count(*) filter (where recent) as calls, count(*) filter (where recent and failed) as failed,
    count(*) filter (where not recent) as calls_before, count(*) filter (where not recent and failed) as failed_before
  from (
    select organization_id, created_at >= {RECENTLY} as recent, coalesce(status in ('failed', 'busy'), false) as failed
    from call_logs
    where coalesce(created_at, '-infinity') >= {BEFORE} and coalesce(created_at, '-infinity') < {SOON}) calls
  group by organization_id"""
CALLS_OF_ONE = f"""
  select %(id)s::uuid as organization_id, recent.rows::bigint as calls, recent.failed::bigint as failed,
    coalesce(before.rows, 0)::bigint as calls_before, coalesce(before.failed, 0)::bigint as failed_before
  from ({sums_between(Source.CALL, "rows", "failed", prefix="recent_")}) recent,
    ({sums_between(Source.CALL, "rows", "failed", prefix="before_")}) before"""

NUMBERS = """
select n.organization_id, case when a.id is null then 'number_unassigned' else 'number_mismatched' end,
  'number:' || n.id, jsonb_build_object('number', n.phone_number, 'agent', a.name, 'agent_id', a.id,
                                        'answered_by', o.name, 'answered_by_id', o.id)
from phone_numbers n
left join agents a on a.id = n.agent_id
left join organizations o on o.id = a.organization_id
where n.status = 'active' and (a.id is null or a.organization_id <> n.organization_id) {of_numbers}
"""

STATEMENTS = (NUMBERS, FAILING_CALLS, SILENT)
# As an array the agents are looked up by their index; joined, the planner would rather read every conversation.
OF_AGENTS = "and {} = any (array(select id from agents where organization_id = %(id)s))"
NOTHING = dict.fromkeys(("of_sessions", "of_chats", "of_numbers", "gate"), "") | {"counted": CALLS_OF_ALL}
ALL = [statement.format(**NOTHING) for statement in STATEMENTS]
OF_ONE = [
    statement.format(
        of_sessions=OF_AGENTS.format("agent_id"),
        of_chats=OF_AGENTS.format("project_id"),
        gate=GATE,
        counted=CALLS_OF_ONE,
        of_numbers="and n.organization_id = %(id)s",
    )
    for statement in STATEMENTS
]
