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

# Rule statement. A posting belongs to the first statement, of its own month (UTC) or a later one, that was made when
# the posting was there (`last_posting`): what comes for a closed month stands in the next one. Where the month before
# has no statement, earlier postings are in the opening.
STATEMENTS = """
with statements as materialized (
  select id, organization_id, organization_name, month, opening, closing, created_at, last_posting,
    sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex') as is_whole,
    coalesce(lag(month) over w = (month - interval '1 month')::date, false) as follows,
    lag(closing) over w as closing_before
  from billing.statement {one}
  window w as (partition by organization_id order by month)),
firsts as (
  select distinct on (organization_id) organization_id, month, last_posting
  from statements order by organization_id, month),
placed as (
  select t.organization_id, t.month as of_month, sum(t.amount) as amount,
    case when t.month < f.month and t.id <= f.last_posting then f.month
         when t.id <= s.last_posting then s.month
         else (select min(n.month) from billing.statement n
               where n.organization_id = t.organization_id and n.month >= t.month and n.last_posting >= t.id)
    end as month
  from (select id, organization_id, amount, date_trunc('month', created_at at time zone 'UTC')::date as month
        from credit_transactions) t
  join firsts f on f.organization_id = t.organization_id
  left join statements s on s.organization_id = t.organization_id and s.month = t.month
  group by 1, 2, 4),
sums as (
  select s.id, coalesce(sum(p.amount) filter (where p.of_month < s.month), 0) as earlier,
    coalesce(sum(p.amount) filter (where p.of_month = s.month), 0) as within
  from statements s left join placed p on p.organization_id = s.organization_id and p.month = s.month
  group by s.id),
compared as (
  select s.*, case when s.follows then s.closing_before else m.earlier end as opening_due,
    m.within + case when s.follows then m.earlier else 0 end as posted
  from statements s join sums m on m.id = s.id)
select organization_id, organization_name, id, month, created_at, is_whole, opening - opening_due, follows,
  closing - opening - posted
from compared
where not is_whole or opening <> opening_due or closing <> opening + posted
order by organization_id, month
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

# Costs of usage and calls per organization: of settled days (from `since` to before `until`), and newer. A row without
# a time belongs to no day; one of infinity is always newer.
COSTS = " union all ".join(
    f"""
select organization_id,
  sum(nullif({cost}, 'NaN')) filter (where coalesce(created_at, '-infinity') < %(until)s) as due,
  sum(nullif({cost}, 'NaN')) filter (where coalesce(created_at, '-infinity') >= %(until)s) as pending
from {table}
where coalesce(created_at, '-infinity') >= %(since)s and {cost} is not null {{and_one}} group by organization_id
"""
    for table, cost in (("usage_logs", "cost_usd"), ("call_logs", "cost"))
)
USED_EACH = f"""
with used as (
  select organization_id, coalesce(sum(due), 0) as due, coalesce(sum(pending), 0) as pending
  from ({COSTS}) c group by organization_id),
settled as (
  select organization_id, sum(usage_cost + call_cost) as cost, sum(estimated_cost) as estimated
  from billing.settlement {{one}} group by organization_id)
select coalesce(u.organization_id, s.organization_id) as organization_id, coalesce(u.pending, 0) as pending,
  coalesce(s.cost, 0) as settled, coalesce(u.due, 0) <> coalesce(s.cost - s.estimated, 0) as differs
from used u full join settled s on s.organization_id = u.organization_id
"""
USED = f"""
select coalesce(sum(pending), 0), coalesce(sum(settled), 0), array_agg(organization_id) filter (where differs)
from ({USED_EACH}) each
"""

# Rules late and corrected, row by row, for the organizations `ids` in which the sums differ. As the settlement has it:
# an estimate stays until there is a cost; what is no cost, below zero or moved to somebody else is not settled anew.
DUE = """
with settled as (
  select row_id, source, organization_id, sum(cost) as cost, bool_or(is_estimated) as is_estimated
  from billing.settled_row where organization_id = any(%(ids)s) group by row_id, source, organization_id),
rows as (
  select 'usage' as source, id, organization_id, created_at, cost_usd as cost
  from usage_logs
  where organization_id = any(%(ids)s) and coalesce(created_at, '-infinity') >= %(since)s
    and coalesce(created_at, '-infinity') < %(until)s
  union all
  select 'call', id, organization_id, created_at, cost
  from call_logs
  where organization_id = any(%(ids)s) and coalesce(created_at, '-infinity') >= %(since)s
    and coalesce(created_at, '-infinity') < %(until)s),
due as (
  select r.organization_id, r.created_at, r.cost - coalesce(s.cost, 0) as cost
  from rows r left join settled s on s.row_id = r.id and s.source = r.source
  where r.cost >= 0 and r.cost <> 'NaN' and r.organization_id = coalesce(s.organization_id, r.organization_id)
    and not (r.cost = 0 and coalesce(s.is_estimated, false)))
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
