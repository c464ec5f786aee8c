"""The statements of a check. Each reads all organizations, or one where {one} narrows it (`id`)."""

OF_ONE = "where organization_id = %(id)s"

# Rules balance, chain, vanished, repaired: one pass over the ledger. At least one row, with the totals.
LEDGER = """
with steps as (
  select organization_id, id, amount,
    balance_after - lag(balance_after, 1, 0::numeric) over (partition by organization_id order by id) as step
  from credit_transactions {one}),
ledgers as (
  select organization_id, sum(amount) as total, count(*) as rows, max(id) as last_id,
    count(*) filter (where step <> amount) as gaps, min(id) filter (where step <> amount) as gap_id,
    max(id) filter (where step <> amount) as last_gap_id
  from steps group by organization_id),
compared as materialized (
  select coalesce(o.id, l.organization_id) as organization_id, o.id is not null as is_there, o.name,
    coalesce(nullif(o.credits_balance, 'NaN'), 0) as balance, coalesce(l.total, 0) as total,
    coalesce(l.rows, 0) as rows, l.last_id, coalesce(l.gaps, 0) as gaps, l.gap_id, l.last_gap_id
  from ledgers l
  full join (select id, name, credits_balance from organizations {only_id}) o on o.id = l.organization_id),
totals as (
  select count(*) filter (where is_there) as organizations,
    coalesce(sum(balance) filter (where is_there), 0) as balance,
    coalesce(sum(total), 0) as ledger, coalesce(sum(rows), 0)::bigint as rows
  from compared)
select t.organizations, t.balance, t.ledger, t.rows,
  c.organization_id, c.is_there, coalesce(c.name, last.organization_name) as name, c.balance, c.total, c.gaps,
  c.last_id, last.created_at, c.gap_id, gap.created_at,
  nullif(gap.balance_after - gap.amount - coalesce((
    select b.balance_after from credit_transactions b
    where b.organization_id = c.organization_id and b.id < c.gap_id order by b.id desc limit 1), 0), 'NaN'),
  coalesce(last.balance_after = c.total and repair.kind = 'outside'
           and repair.reason = 'Changed while the ledger was off', false)
from totals t
left join compared c on c.gaps > 0 or (case when c.is_there then c.balance <> c.total else c.total <> 0 end)
left join credit_transactions last on last.id = c.last_id
left join credit_transactions gap on gap.id = c.gap_id
left join credit_transactions repair on repair.id = c.last_gap_id
order by c.organization_id
"""

# What each organization has, those that are gone but for their ledger too.
BALANCES = """
select coalesce(o.id, l.organization_id), coalesce(o.name, l.name),
  coalesce(nullif(o.credits_balance, 'NaN'), 0), coalesce(l.total, 0)
from (
  select organization_id, max(organization_name) as name, sum(amount) as total
  from credit_transactions {one} group by organization_id) l
full join (select id, name, credits_balance from organizations {only_id}) o on o.id = l.organization_id
order by 1
"""

# Rule settlement. A settlement and its posting are made in one transaction.
SETTLEMENTS = """
with parts as (
  select settlement_id, sum(cost) filter (where source = 'usage') as usage,
    sum(cost) filter (where source = 'call') as calls
  from billing.settled_row {one} group by settlement_id),
compared as (
  select s.*, t.id as posting_id, t.organization_id as posted_to, t.kind as posted_as, t.amount as posted,
    t.created_at as posted_at, coalesce(p.usage, 0) as usage_of_rows, coalesce(p.calls, 0) as calls_of_rows
  from (select * from billing.settlement {one}) s
  left join credit_transactions t on t.id = s.transaction_id
  left join parts p on p.settlement_id = s.id)
select organization_id, organization_name, id, day, amount, posting_id, posted_to, posted_as, posted,
  usage_cost, call_cost, usage_of_rows, calls_of_rows, coalesce(posted_at, created_at)
from compared
where (posting_id is null and amount <> 0)
   or posted_to <> organization_id or posted_as <> 'settlement' or posted <> -amount
   or usage_cost <> usage_of_rows or call_cost <> calls_of_rows
order by organization_id, day
"""
ORPHANS = """
select t.organization_id, t.organization_name, t.id, t.amount, t.created_at
from credit_transactions t
where t.kind = 'settlement' and t.db_role = 'backoffice' {and_one}
  and not exists (select from billing.settlement s where s.transaction_id = t.id)
order by t.organization_id, t.id
"""

# Rule statement. The ledger of a month is what has its time in it, in UTC.
STATEMENTS = """
with statements as materialized (
  select id, organization_id, organization_name, month, opening, closing, created_at,
    sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex') as is_whole,
    lag(month) over w = (month - interval '1 month')::date as follows, lag(closing) over w as closing_before
  from billing.statement {one}
  window w as (partition by organization_id order by month)),
posted as materialized (
  select organization_id, date_trunc('month', created_at at time zone 'UTC')::date as month, sum(amount) as amount
  from credit_transactions
  where organization_id in (select organization_id from statements) group by 1, 2),
starts as (
  select s.id, coalesce(sum(p.amount), 0) as ledger_before
  from statements s left join posted p on p.organization_id = s.organization_id and p.month < s.month
  where s.follows is not true group by s.id)
select s.organization_id, s.organization_name, s.id, s.month, s.created_at, s.is_whole,
  s.opening - case when s.follows then s.closing_before else b.ledger_before end as opening_off,
  coalesce(s.follows, false), s.closing - s.opening - coalesce(p.amount, 0) as closing_off
from statements s
left join posted p on p.organization_id = s.organization_id and p.month = s.month
left join starts b on b.id = s.id
where not s.is_whole or s.opening <> case when s.follows then s.closing_before else b.ledger_before end
   or s.closing <> s.opening + coalesce(p.amount, 0)
order by s.organization_id, s.month
"""
HAS_STATEMENTS = "select exists (select from billing.statement {one})"

OUTSIDE = """
select count(*), coalesce(sum(abs(t.amount)), 0)
from credit_transactions t
where t.kind = 'outside' {and_one}
  and not exists (select from billing.adoption a where a.transaction_id = t.id)
  and not exists (select from credit_transactions r where r.reverses_id = t.id
                  group by r.reverses_id having sum(r.amount) = -t.amount)
"""

WATERMARK = "select max(day) from billing.settlement_day where finished_at is not null"

# Costs of usage and calls per organization: of settled days (from `since` to before `until`), and newer. {costs} is
# COSTS once per table. A row without a time belongs to no day; one of infinity is always newer.
COSTS = """
select organization_id,
  sum(nullif({cost}, 'NaN')) filter (where coalesce(created_at, '-infinity') < %(until)s) as due,
  sum(nullif({cost}, 'NaN')) filter (where coalesce(created_at, '-infinity') >= %(until)s) as pending
from {table}
where coalesce(created_at, '-infinity') >= %(since)s and {cost} is not null {and_one} group by organization_id
"""
USED = """
with used as (
  select organization_id, coalesce(sum(due), 0) as due, coalesce(sum(pending), 0) as pending
  from ({costs}) c group by organization_id),
settled as (
  select organization_id, sum(usage_cost + call_cost) as cost, sum(estimated_cost) as estimated
  from billing.settlement {one} group by organization_id)
select coalesce(u.organization_id, s.organization_id), coalesce(u.pending, 0), coalesce(s.cost, 0),
  coalesce(u.due, 0) <> coalesce(s.cost - s.estimated, 0)
from used u full join settled s on s.organization_id = u.organization_id
"""

# Rules late and corrected, row by row, for the organizations `ids` in which the sums differ. An estimated row that
# still has no cost of its own owes nothing.
DUE = """
with settled as (
  select row_id, source, sum(cost) as cost, bool_or(is_estimated) as is_estimated
  from billing.settled_row where organization_id = any(%(ids)s) group by row_id, source),
rows as (
  select 'usage' as source, id, organization_id, created_at, coalesce(nullif(cost_usd, 'NaN'), 0) as cost
  from usage_logs
  where organization_id = any(%(ids)s) and coalesce(created_at, '-infinity') >= %(since)s
    and coalesce(created_at, '-infinity') < %(until)s
  union all
  select 'call', id, organization_id, created_at, coalesce(nullif(cost, 'NaN'), 0)
  from call_logs
  where organization_id = any(%(ids)s) and coalesce(created_at, '-infinity') >= %(since)s
    and coalesce(created_at, '-infinity') < %(until)s),
due as (
  select r.organization_id, r.created_at,
    case when s.is_estimated and r.cost = 0 then 0 else r.cost - coalesce(s.cost, 0) end as cost
  from rows r left join settled s on s.row_id = r.id and s.source = r.source)
select d.organization_id, o.name,
  coalesce(sum(d.cost) filter (where d.cost > 0), 0), count(*) filter (where d.cost > 0),
  min(d.created_at) filter (where d.cost > 0),
  coalesce(-sum(d.cost) filter (where d.cost < 0), 0), count(*) filter (where d.cost < 0),
  min(d.created_at) filter (where d.cost < 0)
from due d left join organizations o on o.id = d.organization_id
where d.cost <> 0
group by d.organization_id, o.name
order by d.organization_id
"""
