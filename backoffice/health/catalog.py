"""What the database's catalog says about the objects of db/*.sql, in the shape in which `wanted.json` holds it.

Reads the system catalog alone: no table is opened, nothing waits for a lock, and any role may do it.
"""

from functools import cached_property

SCHEMAS = ("public", "audit", "billing", "transcripts")

COLUMNS = """
select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and n.nspname = any (%(schemas)s)
order by 1, a.attnum
"""
# Columns that fill themselves where nobody gives a value.
DEFAULTS = """
select n.nspname || '.' || c.relname, a.attname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and n.nspname = any (%(schemas)s) and (a.atthasdef or a.attidentity <> '')
order by 1, 2
"""
# Time zones with which roles begin here, where somebody said so; the role is null for those of everybody.
TIME_ZONES = """
select r.rolname, split_part(setting, '=', 2)
from pg_db_role_setting s cross join unnest(s.setconfig) setting
left join pg_roles r on r.oid = s.setrole
where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and lower(split_part(setting, '=', 1)) = 'timezone'
order by 1 nulls first, 2
"""
# The definition without names: what is after "using".
INDEXES = """
select n.nspname || '.' || t.relname, x.relname, split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2),
  i.indisunique, i.indisprimary, i.indisvalid and i.indisready, i.indexrelid,
  exists (select from pg_constraint k where k.conindid = i.indexrelid)
from pg_index i
join pg_class x on x.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname = any (%(schemas)s) and t.relkind in ('r', 'p')
order by 1, 3, 2
"""
FOREIGN_KEYS = """
select n.nspname || '.' || t.relname, a.attname, pn.nspname || '.' || p.relname, k.confdeltype, k.convalidated
from pg_constraint k
join pg_class t on t.oid = k.conrelid join pg_namespace n on n.oid = t.relnamespace
join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
join pg_attribute a on a.attrelid = t.oid and a.attnum = k.conkey[1]
where k.contype = 'f' and cardinality(k.conkey) = 1 and n.nspname = any (%(schemas)s)
order by 1, 2, 3
"""
POLICIES = """
select n.nspname || '.' || c.relname, p.polname, p.polcmd, p.polpermissive,
  array(select coalesce(r.rolname::text, 'PUBLIC') from unnest(p.polroles) u (oid)
        left join pg_roles r on r.oid = u.oid order by 1),
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s)
order by 1, 2
"""
ROW_SECURITY = """
select n.nspname || '.' || c.relname, c.relrowsecurity, pg_get_userbyid(c.relowner)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname = any (%(schemas)s)
order by 1
"""
GRANTS = """
select n.nspname || '.' || c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, null
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
left join pg_roles r on r.oid = a.grantee
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any (%(schemas)s) and a.grantee <> c.relowner
union all
select n.nspname || '.' || c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, col.attname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute col on col.attrelid = c.oid and col.attnum > 0 and not col.attisdropped
cross join lateral aclexplode(col.attacl) a
left join pg_roles r on r.oid = a.grantee
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any (%(schemas)s) and a.grantee <> c.relowner
order by 1, 2, 3, 4
"""
# Triggers on our tables, and those elsewhere (auth.users, schema backoffice) that call a function of ours.
TRIGGERS = """
select n.nspname || '.' || c.relname, t.tgname, fn.nspname || '.' || f.proname, t.tgtype, t.tgenabled
from pg_trigger t
join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
join pg_proc f on f.oid = t.tgfoid join pg_namespace fn on fn.oid = f.pronamespace
where not t.tgisinternal and (n.nspname = any (%(schemas)s) or fn.nspname = any (%(schemas)s))
order by 1, 2
"""
FUNCTIONS = """
select n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')', md5(p.prosrc), p.prosecdef,
  coalesce((select array_agg(setting order by setting) from unnest(p.proconfig) setting), '{}'),
  array(select distinct coalesce(r.rolname::text, 'PUBLIC')
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
        where a.grantee <> p.proowner and a.privilege_type = 'EXECUTE' order by 1)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any (%(schemas)s)
  and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')  -- those of extensions
order by 1
"""


class Catalog:
    """The catalog as it is at this moment. Each part is one query, made when it is first asked for."""

    def __init__(self, cursor, schemas=SCHEMAS):
        self.cursor = cursor
        self.schemas = list(schemas)

    def read(self, sql):
        self.cursor.execute(sql, {"schemas": self.schemas})
        return self.cursor.fetchall()

    @cached_property
    def columns(self):
        """{table: {column: type}}"""
        found = {}
        for table, column, kind in self.read(COLUMNS):
            found.setdefault(table, {})[column] = kind
        return found

    @cached_property
    def defaults(self):
        """{table: [columns with a default]}"""
        found = {}
        for table, column in self.read(DEFAULTS):
            found.setdefault(table, []).append(column)
        return found

    @cached_property
    def time_zones(self):
        """[(role or None, time zone)]"""
        return self.read(TIME_ZONES)

    @cached_property
    def indexes(self):
        """[(table, name, definition, is_unique, is_primary, is_valid, oid, backs a constraint)]"""
        return self.read(INDEXES)

    @cached_property
    def foreign_keys(self):
        """{(table, column, parent): (what a delete does, is it checked for the rows that were there)}"""
        return {tuple(row[:3]): tuple(row[3:]) for row in self.read(FOREIGN_KEYS)}

    @cached_property
    def policies(self):
        """{(table, name): {command, permissive, roles, using, check}}"""
        return {
            (table, name): {
                "command": command,
                "permissive": permissive,
                "roles": list(roles),
                "using": plain(using),
                "check": plain(check),
            }
            for table, name, command, permissive, roles, using, check in self.read(POLICIES)
        }

    @cached_property
    def row_security(self):
        """{table: (is it on, owner)}"""
        return {table: (is_on, owner) for table, is_on, owner in self.read(ROW_SECURITY)}

    @cached_property
    def grants(self):
        """{(table, role): {right: {columns}, of which None is the whole table}}"""
        found = {}
        for table, role, right, column in self.read(GRANTS):
            found.setdefault((table, role), {}).setdefault(right, set()).add(column)
        return found

    @cached_property
    def triggers(self):
        """{(table, name): (function, type, enabled)}; `enabled` is O or A where it fires."""
        return {(table, name): tuple(rest) for table, name, *rest in self.read(TRIGGERS)}

    @cached_property
    def functions(self):
        """{name with arguments: (fingerprint of its text, runs as its owner, settings, [who may call it])}"""
        return {
            name: (text, definer, list(conf), list(who))
            for name, text, definer, conf, who in self.read(FUNCTIONS)
        }


def plain(expression):
    """One line, for versions of PostgreSQL break lines differently."""
    return None if expression is None else " ".join(expression.split())
