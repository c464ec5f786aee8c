"""What a database's catalog says, in forms that can be compared."""

ACCESS = """
    select kind, name, part, grantee, privilege_type, is_grantable from (
        select 'relation' as kind, c.oid::regclass::text as name, '' as part, c.relacl as given,
            acldefault(case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner) as normal
        from pg_class c where c.relkind in ('r', 'v', 'm', 'S', 'p', 'f') and {c}
        union all
        select 'column', a.attrelid::regclass::text, a.attname, a.attacl, null
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        where a.attacl is not null and not a.attisdropped and {c}
        union all
        select 'function', c.oid::regprocedure::text, '', c.proacl, acldefault('f', c.proowner)
        from (select *, pronamespace as relnamespace from pg_proc) c where {c}
        union all
        select 'type', c.oid::regtype::text, '', c.typacl, acldefault('T', c.typowner)
        from (select *, typnamespace as relnamespace from pg_type where typrelid = 0 and typelem = 0) c where {c}
        union all
        select 'schema', nspname, '', nspacl, acldefault('n', nspowner)
        from pg_namespace where nspname in ('public', 'audit', 'billing', 'transcripts', 'figures', 'backoffice')
        union all
        select 'database', 'this', '', datacl, acldefault('d', datdba)
        from pg_database where datname = current_database()
    ) o
    cross join lateral (
        select case grantee when 0 then 'public' else grantee::regrole::text end as grantee,
            privilege_type, is_grantable
        from aclexplode(coalesce(given, normal))
    ) a
    order by kind, name, part, grantee, privilege_type
""".replace(
    "{c}",
    "c.relnamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures', 'backoffice')",
)

COLUMNS = """
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid) as expression, a.attidentity::text
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attname
"""

POLICIES = """
    select schemaname, tablename, policyname, permissive, roles::text[], cmd, qual, with_check
    from pg_policies order by 1, 2, 3
"""

TRIGGERS = """
    select pg_get_triggerdef(t.oid) as definition, t.tgenabled::text
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace::regnamespace::text in ('public', 'auth', 'audit', 'billing', 'transcripts', 'figures') order by 1
"""

INDEXES = """
    select schemaname, tablename, indexname, indexdef from pg_indexes
    where schemaname in ('public', 'audit', 'billing', 'transcripts', 'figures', 'backoffice', 'auth') order by 1, 2, 3
"""

CONSTRAINTS = """
    select conrelid::regclass::text as relation, conname, pg_get_constraintdef(oid) as definition, convalidated
    from pg_constraint
    where connamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures', 'auth') and contype <> 'n' order by 1, 2
"""

FUNCTIONS = """
    select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner, p.prosecdef, p.proconfig,
        p.prosqlbody is not null as is_bound,
        pg_get_functiondef(p.oid) as definition
    from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures', 'backoffice', 'auth') order by 1
"""

RELATIONS = """
    select c.oid::regclass::text as name, c.relkind::text, c.relowner::regrole::text as owner, c.relrowsecurity,
        c.relforcerowsecurity, c.relfilenode::text
    from pg_class c where c.relnamespace::regnamespace::text in ('public', 'audit', 'billing', 'transcripts', 'figures', 'backoffice', 'auth') order by 1
"""

SCHEMAS = (
    "select nspname, nspowner::regrole::text from pg_namespace where nspname not like 'pg\\_%' order by 1"
)

ROLES = """
    select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolbypassrls,
        r.rolreplication, r.rolconfig,
        array(select g.roleid::regrole::text from pg_auth_members g where g.member = r.oid order by 1) as member_of
    from pg_roles r where r.rolname not like 'pg\\_%' order by 1
"""

PARTS = {
    "access": ACCESS,
    "columns": COLUMNS,
    "policies": POLICIES,
    "triggers": TRIGGERS,
    "indexes": INDEXES,
    "constraints": CONSTRAINTS,
    "functions": FUNCTIONS,
    "relations": RELATIONS,
    "schemas": SCHEMAS,
    "roles": ROLES,
}


def part(database, name):
    with database.connect("embedded_admin") as connection:
        return connection.execute(PARTS[name]).fetchall()


def dump(database):
    """Everything that loading could have changed, by part; a table that was rewritten shows too (relfilenode)."""
    return {name: part(database, name) for name in PARTS}


def access(database):
    """Who may do what, one tuple each: (kind, object, column, role, privilege, grantable)."""
    return {tuple(row.values()) for row in part(database, "access")}
