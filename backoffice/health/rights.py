"""Row level security, policies, grants and roles: what lets somebody read or write more than db/*.sql means to."""

from collections import defaultdict
from functools import cache

from backoffice.health.findings import BAD, INFO, WARN, Finding
from backoffice.health.schema_differences import RERUN
from backoffice.health.wanted import ROLES, wanted
from backoffice.table_checks import location, platform_models

COMMANDS = {"r": "read", "a": "add", "w": "change", "d": "delete", "*": "do everything with"}
# Whom anybody on the internet can be: the keys of the browser app are public.
OUTSIDERS = ("PUBLIC", "anon", "authenticated")
# Columns that a deployment added by hand belong to the browser app, which db/master_schema.sql lets write them.
BROWSER_MAY_WRITE = ("public.agents", "public.organizations")

DEFINERS = """
select 'public.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')'
from pg_proc p
where p.pronamespace = 'public'::regnamespace and p.prosecdef and has_function_privilege('anon', p.oid, 'EXECUTE')
order by 1
"""
VIEWS = """
select c.oid::regclass::text
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
  and not coalesce(c.reloptions, '{}') && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']
  and (has_table_privilege('anon', c.oid, 'SELECT') or has_table_privilege('authenticated', c.oid, 'SELECT'))
order by 1
"""
NEW_OBJECTS = """
select d.defaclrole::regrole::text, coalesce(n.nspname, 'every schema'), d.defaclobjtype,
  array_agg(distinct coalesce(r.rolname::text, 'PUBLIC'))
from pg_default_acl d
left join pg_namespace n on n.oid = d.defaclnamespace
cross join lateral aclexplode(d.defaclacl) a
left join pg_roles r on r.oid = a.grantee
where coalesce(n.nspname, 'public') = 'public' and d.defaclobjtype in ('r', 'f')
  and coalesce(r.rolname, 'PUBLIC') in ('PUBLIC', 'anon', 'authenticated')
group by 1, 2, 3 order by 1, 2, 3
"""
ROLE_POWERS = """
select r.rolname, array_remove(array[
    case when r.rolsuper then 'SUPERUSER' end, case when r.rolbypassrls then 'BYPASSRLS' end,
    case when r.rolcreaterole then 'CREATEROLE' end, case when r.rolcreatedb then 'CREATEDB' end,
    case when r.rolreplication then 'REPLICATION' end], null),
  array(select m.rolname::text from pg_roles m where m.oid <> r.oid and pg_has_role(r.oid, m.oid, 'MEMBER')
        order by 1)
from pg_roles r where r.rolname in ('backoffice', 'backoffice_preview', 'anon', 'authenticated') order by 1
"""


def rights_findings(catalog):
    yield from security_findings(catalog)
    yield from policy_findings(catalog)
    yield from grant_findings(catalog)
    yield from executable_findings(catalog)
    yield from round_about_findings(catalog)
    yield from role_findings(catalog)


@cache
def mapped_tables():
    return {".".join(location(model)) for model in platform_models()}


def security_findings(catalog):
    """Tables with row level security off; those that models map are the system check's."""
    ours = set(wanted()["row_security"])
    for table, (is_on, owner) in catalog.row_security.items():
        on = f"alter table {table} enable row level security;"
        if table in ours and not is_on and table not in mapped_tables():
            text = f"Row level security is off for table {table}."
            yield Finding("rights", "rls_off", table, BAD, text, on)
        elif table.startswith("public.") and table not in wanted()["columns"] and not is_on:
            reach = [role for role in OUTSIDERS if (table, role) in catalog.grants]
            text = f"Table {table}, which is not of the platform's schema, has row level security off"
            if reach:
                text += f", and {', '.join(reach)} may use it through the Data API: it is open to everybody."
                yield Finding("rights", "open_table", table, BAD, text, on)
            else:
                yield Finding(
                    "rights", "open_table", table, INFO, f"{text}; nobody outside has rights on it.", on
                )
        if owner in ("anon", "authenticated"):
            text = f"Table {table} belongs to {owner}, whom no policy holds back."
            yield Finding("rights", "owner", table, BAD, text, f"alter table {table} owner to postgres;")


def policy_findings(catalog):
    known = {(table, name): policy for table, name, policy in wanted()["policies"]}
    for (table, name), policy in catalog.policies.items():
        if table not in wanted()["columns"]:
            continue  # somebody else's table
        subject = f"“{name}” on {table}"
        quoted = name.replace('"', '""')
        drop = f'drop policy "{quoted}" on {table};'
        mine = known.get((table, name))
        if mine is None:
            yield strange_policy(table, name, policy, subject, drop)
        elif mine != policy:
            # Whether another condition lets in more cannot be told, so for outsiders it counts as if it did.
            is_open = policy["permissive"] and set(policy["roles"]) & set(OUTSIDERS)
            level = BAD if is_open else WARN
            differs = ", ".join(part for part in mine if mine[part] != policy[part])
            text = f"Policy {subject} is not as in db/*.sql (it differs in {differs}): {conditions(policy)}"
            yield Finding("rights", "policy_changed", subject, level, text, RERUN)
    for table, name in known:
        if (table, name) not in catalog.policies and table in catalog.row_security:
            text = f"Policy “{name}” on {table} is missing: whom it lets in sees no rows."
            yield Finding("rights", "policy_missing", f"“{name}” on {table}", WARN, text, RERUN)


def strange_policy(table, name, policy, subject, drop):
    who = ", ".join(policy["roles"])
    what = COMMANDS[policy["command"]]
    outsiders = any(role in OUTSIDERS for role in policy["roles"])
    if policy["permissive"] and outsiders:
        token = any("conversation_token" in (policy[part] or "") for part in ("using", "check"))
        open_to_all = not token and not any(
            "auth.uid()" in (policy[part] or "") for part in ("using", "check")
        )
        ending = (
            " It asks for no token and no log-in, and permissive policies add up: it undoes the others."
            if open_to_all
            else " Permissive policies add up: it lets in more than ours do."
        )
        text = f"Policy {subject} is not ours and lets {who} {what} rows: {conditions(policy)}.{ending}"
        return Finding("rights", "policy_open", subject, BAD, text, drop)
    text = f"Policy {subject} is not ours ({who} may {what} rows: {conditions(policy)})."
    return Finding("rights", "policy_strange", subject, WARN if policy["permissive"] else INFO, text, drop)


def conditions(policy):
    parts = [f"{word} {policy[part]}" for word, part in (("where", "using"), ("if", "check")) if policy[part]]
    return "; ".join(parts)[:300] or "without a condition"


def grant_findings(catalog):
    """Rights on tables. Those of role backoffice on tables with a model are the system check's."""
    known = {(table, role): rights for table, role, rights in wanted()["grants"]}
    mapped = mapped_tables()
    others = defaultdict(set)
    for (table, role), rights in catalog.grants.items():
        if table not in wanted()["columns"]:
            continue
        if role not in ROLES:
            others[role].add(table)
            continue
        if role == "backoffice" and table in mapped:
            continue
        mine = known.get((table, role), {})
        excess = [
            said for right, columns in rights.items() if (said := too_much(table, role, right, columns, mine))
        ]
        if excess:
            level = BAD if role in OUTSIDERS or role == "backoffice" else WARN
            text = f"{role} has rights on {table} that db/*.sql does not give: {'; '.join(excess)}."
            remedy = f"{RERUN} It takes all rights away and gives those that are meant."
            yield Finding("rights", "grant_excess", f"{role} on {table}", level, text, remedy)
    for (table, role), rights in known.items():
        if table not in catalog.columns or (role == "backoffice" and table in mapped):
            continue
        have = catalog.grants.get((table, role), {})
        lacking = [right for right, columns in rights.items() if lacks(columns, have.get(right, set()))]
        if lacking:
            text = (
                f"{role} lacks rights on {table} that db/*.sql gives: {', '.join(sorted(lacking)).lower()}."
            )
            yield Finding("rights", "grant_missing", f"{role} on {table}", WARN, text, RERUN)
    for role, tables in sorted(others.items()):
        text = f"Role {role} has rights on {len(tables)} of our tables; db/*.sql does not know it."
        yield Finding("rights", "grant_other_role", role, INFO, f"{text} {', '.join(sorted(tables))}."[:900])


def too_much(table, role, right, columns, mine):
    """The right and its columns that are not given by db/*.sql, in words; "" for none."""
    given = mine.get(right, [])
    if "*" in given:
        return ""
    if None in columns:
        return right.lower()
    extra = columns - set(given)
    if role == "authenticated" and table in BROWSER_MAY_WRITE and right in ("INSERT", "UPDATE"):
        extra &= set(wanted()["columns"][table])
    return f"{right.lower()} {', '.join(sorted(extra))}" if extra else ""


def lacks(given, have):
    return None not in have and ("*" in given or bool(set(given) - have))


def executable_findings(catalog):
    """Functions of ours that more may call than db/*.sql means to."""
    for name, _, definer, _, callers in wanted()["functions"]:
        if name not in catalog.functions:
            continue
        extra = set(catalog.functions[name][3]) - set(callers) - {"postgres"}
        if extra := sorted(role for role in extra if role in ROLES):
            level = BAD if definer or "PUBLIC" in extra else WARN
            text = f"{', '.join(extra)} may call function {name}, which db/*.sql does not allow."
            yield Finding("rights", "function_grant", name, level, text, RERUN)


def round_about_findings(catalog):
    """What goes round row level security in schema public and is not ours: it is somebody else's, so only named."""
    ours = {name for name, *_ in wanted()["functions"]}
    catalog.cursor.execute(DEFINERS)
    for (name,) in catalog.cursor.fetchall():
        if name not in ours:
            text = f"Function {name} runs with its owner's rights and may be called by anybody: check what it shows."
            yield Finding("rights", "definer_function", name, WARN, text)
    catalog.cursor.execute(VIEWS)
    for (name,) in catalog.cursor.fetchall():
        text = (
            f"View {name} reads with its owner's rights, past row level security, and outsiders may read it."
        )
        remedy = f"alter view {name} set (security_invoker = on);"
        yield Finding("rights", "view", name, BAD, text, remedy)
    catalog.cursor.execute(NEW_OBJECTS)
    for role, schema, _, who in catalog.cursor.fetchall():
        text = (
            f"New tables that {role} makes in {schema} are given to {', '.join(who)} by themselves: each needs row "
            "level security from its first moment."
        )
        place = "" if schema == "every schema" else f" in schema {schema}"
        remedy = (
            f"alter default privileges for role {role}{place} revoke all on tables from {', '.join(who)};"
        )
        yield Finding("rights", "default_privileges", f"{role} in {schema}", INFO, text, remedy)


def role_findings(catalog):
    catalog.cursor.execute(ROLE_POWERS)
    found = {role: (powers, memberships) for role, powers, memberships in catalog.cursor.fetchall()}
    for role in ("backoffice", "backoffice_preview", "anon", "authenticated"):
        if role not in found:
            yield Finding("rights", "role_missing", role, BAD, f"Role {role} does not exist.", RERUN)
            continue
        powers, memberships = found[role]
        if role == "backoffice_preview":
            if "authenticated" not in memberships:
                text = f"Role {role} is no member of authenticated: the tenant's view shows nothing."
                yield Finding("rights", "role_member_missing", role, WARN, text, RERUN)
            memberships = [other for other in memberships if other != "authenticated"]
        if powers:
            undo = " ".join(f"no{power.lower()}" for power in powers)
            text = f"Role {role} is {', '.join(powers)}: policies or grants do not hold it back."
            yield Finding("rights", "role_powers", role, BAD, text, f"alter role {role} {undo};")
        if memberships:
            # Policies for a role hold for its members, too.
            text = (
                f"Role {role} is a member of {', '.join(memberships)}: it has what these may read and write."
            )
            remedy = f"revoke {', '.join(memberships)} from {role};"
            yield Finding("rights", "role_member", role, BAD, text, remedy)
