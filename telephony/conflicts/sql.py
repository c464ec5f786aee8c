"""The rules in SQL, for the whole platform or for some numbers and tenants.

Each part gives (rule, subject_id, organization_id, number_id, partner_id, label, text). {numbers} and {tenants} narrow
the rows, or are empty. Times: NULL counts as the oldest; a call of a time to come is no sign of life.
"""

E164 = "'^[+][1-9][0-9]{{6,14}}$'"
# The digits from the last to the first, as the index search_phone_numbers_number has them (db/backoffice.sql).
REVERSED = "left(reverse(regexp_replace(right({}.phone_number, 100), '[^0-9]', '', 'g')), 20)"
SAME = REVERSED.format("o") + " = any (array[d.digits, d.digits || '00'])"
# A builder once wrote a whole object into the name of an agent.
AGENT = """left(case when ltrim(a.name) like '{{%%'
  then coalesce(substring(a.name, '"name"\\s*:\\s*"([^"\\\\]+)"'), '(no name)') else a.name end, 100)"""
DAY = "to_char({} at time zone 'UTC', 'FMDD FMMonth YYYY')"
ADDED = f"""coalesce('added ' || case when isfinite(n.created_at) then {DAY.format("n.created_at")} end,
  'added at an unknown time')"""

ASSIGNED = f"""
select r.rule, n.id, n.organization_id, n.id, a.id, n.phone_number, r.words
from phone_numbers n
join organizations p on p.id = n.organization_id
left join agents a on a.id = n.agent_id
left join organizations w on w.id = a.organization_id
cross join lateral (values
  ('foreign_agent', a.organization_id <> n.organization_id,
   format('“%%s” of %%s answers, and %%s pays.', {AGENT}, coalesce(w.name, 'an unknown tenant'), p.name)),
  ('missing_agent', a.id is null,
   case when n.agent_id is null then 'No agent is assigned.' else 'Its agent does not exist any more.' end),
  ('draft_agent', a.is_published is not true and a.id is not null, format('“%%s” is not published.', {AGENT}))
) r (rule, holds, words)
where n.status = 'active' and r.holds {{numbers}}
  and (a.id is null or a.organization_id <> n.organization_id or a.is_published is not true)
"""

FORM = f"""
select 'not_e164', n.id, n.organization_id, n.id, null::uuid, n.phone_number,
  case when n.phone_number = '' then 'The number is empty.' else 'It is stored in another form.' end
from phone_numbers n where n.phone_number !~ {E164} {{numbers}}
"""

# Of numbers with the same digits one at the most is E.164, for the text is unique: the others lead to them all.
SAME_DIGITS = f"""
select 'same_digits', n.id, n.organization_id, n.id, f.id, n.phone_number,
  format('The same digits as “%%s”%%s.', left(f.phone_number, 60), case when f.organization_id = n.organization_id
    then '' else ' of ' || coalesce(w.name, 'an unknown tenant') end)
from phone_numbers n
cross join lateral (select regexp_replace({REVERSED.format("n")}, '00$', '') as digits) d
cross join lateral (
  select o.id, o.phone_number, o.organization_id from phone_numbers o where {SAME}
  order by o.phone_number ~ {E164} desc, coalesce(o.created_at, '-infinity'), o.id limit 1) f
left join organizations w on w.id = f.organization_id
where n.phone_number !~ {E164} and length(d.digits) >= 7 and f.id <> n.id {{numbers}}
"""

SILENT = f"""
select 'silent', n.id, n.organization_id, n.id, null::uuid, n.phone_number,
  case when c.at = '-infinity' then 'The last call has no time; ' || {ADDED}
       when c.at is not null then 'The last call was on ' || {DAY.format("c.at")}
       else 'Never called; ' || {ADDED} end || '.'
from phone_numbers n
left join lateral (
  select coalesce(l.created_at, '-infinity') as at from call_logs l
  where l.phone_number_id = n.id and coalesce(l.created_at, '-infinity') <= now() + interval '1 day'
  order by coalesce(l.created_at, '-infinity') desc limit 1) c on true
where n.status = 'active' {{numbers}}
  and coalesce(n.created_at, '-infinity') <= now() - %(silent_days)s * interval '1 day'
  and coalesce(c.at, '-infinity') <= now() - %(silent_days)s * interval '1 day'
"""

NO_CREDIT = """
select 'no_credit', p.id, p.id, null::uuid, null::uuid, p.name,
  case when p.credits_balance is null then 'The balance is not set'
       when p.credits_balance = 'NaN' then 'The balance is no number'
       else 'The balance is ' || replace(to_char(p.credits_balance, 'FM999,999,999,990.00'), '-', '−') end
  || format(', with %%s active number%%s.', n.count, case when n.count = 1 then '' else 's' end)
from organizations p
join (select organization_id, count(*) as count from phone_numbers
      where status = 'active' {of_tenants} group by organization_id) n on n.organization_id = p.id
where (p.credits_balance is null or p.credits_balance = 'NaN' or p.credits_balance <= 0) {tenants}
"""

IDLE_TRUNK = """
select 'idle_trunk', t.id, t.organization_id, null::uuid, null::uuid,
  concat_ws(' ', coalesce(nullif(t.provider, ''), 'unknown provider'),
            coalesce(nullif(t.sip_domain, ''), left(t.id::text, 8))),
  format('The tenant has no number of %%s.', coalesce(nullif(left(t.provider, 60), ''), 'an unnamed provider'))
from sip_trunks t
join organizations p on p.id = t.organization_id {tenants}
left join (
  select organization_id, array_agg(distinct lower(btrim(coalesce(provider, '')))) as providers from phone_numbers
  where status is distinct from 'released' {of_tenants} group by organization_id) n on n.organization_id = p.id
where (lower(btrim(t.provider)) = any (n.providers) or '' = any (n.providers)) is not true
"""

NUMBERS = (ASSIGNED, FORM, SAME_DIGITS, SILENT)
TENANTS = (NO_CREDIT, IDLE_TRUNK)
ONLY = {
    "numbers": "and n.id = any (%(numbers)s)",
    "tenants": "and p.id = any (%(tenants)s)",
    "of_tenants": "and organization_id = any (%(tenants)s)",
}
ALL_OF_THEM = dict.fromkeys(ONLY, "")

# Numbers that stand or fall with those that changed: of the agents, and those with the same digits.
REACHED = f"""
select n.id from phone_numbers n where n.id = any (%(numbers)s)
union select n.id from phone_numbers n where n.agent_id = any (%(agents)s)
union select c.subject_id from telephony_conflict c where c.partner_id = any (%(numbers)s)
union select o.id from phone_numbers n
  cross join lateral (select regexp_replace({REVERSED.format("n")}, '00$', '') as digits) d
  join phone_numbers o on {SAME}
  where n.id = any (%(numbers)s) and length(d.digits) >= 7
limit %(most)s
"""

# Brings the table up to date with what was found: {scope} is the part of it that was looked at.
KEEP = """
with found (rule, subject_id, organization_id, number_id, partner_id, label, text) as materialized (
  select f.rule, f.subject_id, f.organization_id, f.number_id, f.partner_id, left(f.label, 300), left(f.text, 1000)
  from ({found}) f (rule, subject_id, organization_id, number_id, partner_id, label, text)),
gone as (
  delete from telephony_conflict c where {scope} and not exists (
    select from found f where f.rule = c.rule and f.subject_id = c.subject_id)
  returning c.rule),
kept as (
  insert into telephony_conflict as c (rule, place, subject_id, organization_id, organization_name, number_id,
                                       partner_id, label, text, found_at)
  select f.rule, array_position(%(rules)s::text[], f.rule::text) - 1, f.subject_id, f.organization_id,
         coalesce(p.name, ''), f.number_id, f.partner_id, f.label, f.text, now()
  from found f left join organizations p on p.id = f.organization_id
  on conflict (rule, subject_id) do update set organization_id = excluded.organization_id,
    organization_name = excluded.organization_name, partner_id = excluded.partner_id, label = excluded.label,
    text = excluded.text
  where (c.organization_id, c.organization_name, c.partner_id, c.label, c.text) is distinct from
    (excluded.organization_id, excluded.organization_name, excluded.partner_id, excluded.label, excluded.text)
  returning c.rule, c.xmax = 0 as is_new)
{result}
"""
FOUND = "select rule, count(*) from found group by rule"
DIFFERENCES = """
select rule, sum(change) from (
  select rule, -1 from gone union all select rule, 1 from kept where is_new) d (rule, change) group by rule
"""


def keep(parts, narrow, scope, result):
    found = " union all ".join(f"({part.format(**narrow)})" for part in parts)
    return KEEP.format(found=found, scope=scope, result=result)


KEEP_ALL = keep(NUMBERS + TENANTS, ALL_OF_THEM, "true", FOUND)
KEEP_NUMBERS = keep(NUMBERS, ONLY, "c.number_id = any (%(numbers)s)", DIFFERENCES)
KEEP_TENANTS = keep(
    TENANTS, ONLY, "c.number_id is null and c.organization_id = any (%(tenants)s)", DIFFERENCES
)

# What changed since: every change of a number, trunk or tenant stands in the audit, every change of a balance in the
# ledger. Of an agent only what the rules read. Calls end a silence. The first column tells one change from the others.
CHANGED = """
select 'e' || e.id, e.table_name, e.row_id,
  array[e.organization_id::text, e.old ->> 'organization_id', e.new ->> 'organization_id']
from audit.event e
where e.at > %(since)s and (e.table_name in ('phone_numbers', 'sip_trunks', 'organizations') or e.table_name = 'agents'
  and (e.action <> 'update' or e.new ?| array['is_published', 'organization_id', 'name']))
union all
select 't' || t.id, 'organizations', t.organization_id::text, null from (
  select organization_id, max(id) as id from credit_transactions where created_at > %(since)s
  group by organization_id) t
union all
select 'c' || l.id, 'call_logs', l.phone_number_id::text, null from (
  select distinct on (phone_number_id) phone_number_id, id from call_logs
  where coalesce(created_at, '-infinity') > %(since)s
    and coalesce(created_at, '-infinity') <= now() + interval '1 day'
  order by phone_number_id, coalesce(created_at, '-infinity') desc) l
  join telephony_conflict c on c.subject_id = l.phone_number_id and c.rule = 'silent'
limit %(most)s
"""
