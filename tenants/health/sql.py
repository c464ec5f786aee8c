"""Signs that SQL finds. Each statement gives (organization_id, kind, cause, numbers as JSON), for one tenant or all."""

# {of_agents}, {of_calls}, {of_numbers} narrow to one tenant, or are empty.
LAST_TALK = """
select a.organization_id, max(greatest(
    (select s.last_activity_at from agent_sessions s
     where s.agent_id = a.id and s.session_id <> 'default'
       and coalesce(s.last_activity_at, '-infinity') <= now() + interval '1 day'
     order by coalesce(s.last_activity_at, '-infinity') desc, s.id desc limit 1),
    (select c.created_at from chat_sessions c
     where c.project_id = a.id and coalesce(c.created_at, '-infinity') <= now() + interval '1 day'
     order by coalesce(c.created_at, '-infinity') desc, c.id desc limit 1))) as at
from agents a where true {of_agents} group by a.organization_id
"""

# The days of use are read only of tenants that fell silent.
SILENT = f"""
select q.organization_id, 'silent' as kind, 'conversations' as cause, jsonb_build_object(
    'last', to_char(q.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'silent_days', floor(extract(epoch from now() - q.at) / 86400),
    'days_of_use', count(distinct (t.at at time zone 'UTC')::date), 'conversations', count(*)) as numbers
from (
  select * from ({LAST_TALK}) last
  where last.at <= now() - %(silent)s * interval '1 day' and last.at > now() - %(forgotten)s * interval '1 day'
  offset 0) q
join agents a on a.organization_id = q.organization_id
cross join lateral (
  select s.last_activity_at as at from agent_sessions s
  where s.agent_id = a.id and s.session_id <> 'default'
    and coalesce(s.last_activity_at, '-infinity') > q.at - interval '28 days'
    and coalesce(s.last_activity_at, '-infinity') <= q.at
  union all
  select c.created_at from chat_sessions c
  where c.project_id = a.id and coalesce(c.created_at, '-infinity') > q.at - interval '28 days'
    and coalesce(c.created_at, '-infinity') <= q.at) t
group by q.organization_id, q.at
having count(distinct (t.at at time zone 'UTC')::date) >= %(daily)s
"""

FAILING_CALLS = """
select c.organization_id, 'failing_calls', 'calls', jsonb_build_object(
    'calls', c.calls, 'failed', c.failed, 'calls_before', c.calls_before, 'failed_before', c.failed_before)
from (
  select organization_id,
    count(*) filter (where recent) as calls, count(*) filter (where recent and failed) as failed,
    count(*) filter (where not recent) as calls_before, count(*) filter (where not recent and failed) as failed_before
  from (
    select organization_id, created_at > now() - %(call_days)s * interval '1 day' as recent,
      coalesce(status in ('failed', 'busy'), false) as failed
    from call_logs
    where coalesce(created_at, '-infinity') > now() - (%(call_days)s + 28) * interval '1 day'
      and coalesce(created_at, '-infinity') <= now() + interval '1 day' {of_calls}) calls
  group by organization_id) c
where c.failed >= %(call_failures)s
  and c.failed::numeric / c.calls > greatest(
    %(call_factor)s::numeric * c.failed_before / greatest(c.calls_before, 1),
    c.failed_before::numeric / greatest(c.calls_before, 1) + 0.1)
"""

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
ALL = [statement.format(of_agents="", of_calls="", of_numbers="") for statement in STATEMENTS]
OF_ONE = " union all ".join(
    f"({statement})"
    for statement in (
        text.format(
            of_agents="and a.organization_id = %(id)s",
            of_calls="and organization_id = %(id)s",
            of_numbers="and n.organization_id = %(id)s",
        )
        for text in STATEMENTS
    )
)
