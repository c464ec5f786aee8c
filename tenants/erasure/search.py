"""The search for a person in every place, in one snapshot, and what remains outside our reach."""

import json
import zipfile
from dataclasses import dataclass, field

from psycopg.sql import Identifier

from backoffice.audit_models import models_by_table
from backoffice.masking import mask
from backoffice.models import Job
from backoffice.snapshot import snapshot
from tenants.erasure import sessions
from tenants.erasure.places import NOT_SEARCHED, PLATFORM, STAYS

SAMPLES = 3
CHUNK = 1 << 20
OVERLAP = 400
TEXT_TYPES = ("text", "varchar", "bpchar", "json", "jsonb")


@dataclass
class Findings:
    """What a search found.

    `places` is {place: {label, rows, columns {name: rows}, stays}}; `ids` are the rows to redact by table of the
    platform; `samples` is {place: {column: [text]}}, the person left out and other personal data masked.
    """

    places: dict = field(default_factory=dict)
    ids: dict = field(default_factory=dict)
    samples: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    owned: list = field(default_factory=list)
    stripe: list = field(default_factory=list)
    recordings: int = 0

    def as_json(self):
        return {
            "places": self.places,
            "files": self.files,
            "logins": self.logins,
            "owned": self.owned,
            "stripe": self.stripe,
            "recordings": self.recordings,
        }

    @property
    def to_redact(self):
        return sum(place["rows"] for place in self.places.values() if not place["stays"])


def search(person, *, actor, reason, report=lambda label: None):
    """The Findings of a whole search. `report` is called with the words of each place before it is read."""
    found = Findings()
    with snapshot() as cursor:
        cursor.execute(
            "select set_config('backoffice.actor', %s, true), set_config('backoffice.reason', %s, true)",
            [str(actor), reason],
        )
        for table, label, _ in PLATFORM:
            report(label)
            search_platform(cursor, person, table, label, found)
        for table in own_tables(cursor):
            report(table)
            search_own(cursor, person, table, found)
        report("Supabase's logins")
        look_beyond(cursor, person, found)
    if rows := len(sessions.named_sessions(person)):
        found.places[f"backoffice.{sessions.TABLE}"] = place(
            sessions.LABEL, range(rows), {"lists opened": rows}
        )
    report("Stored files")
    found.files = [
        str(job.pk) for job in Job.objects.exclude(result_name="") if is_named_in_file(person, job)
    ]
    return found


def search_platform(cursor, person, table, label, found):
    cursor.execute(
        "select id, columns, samples::text from audit.find_person(%s, %s, %s, %s)", [table, *person.arguments]
    )
    rows = {True: set(), False: set()}  # by whether the column stays
    columns = {True: {}, False: {}}
    for pk, names, samples in cursor:
        for name in names:
            remains = stays(table, name)
            rows[remains].add(pk)
            columns[remains][name] = columns[remains].get(name, 0) + 1
        keep_samples(found, table, samples)
    if rows[False]:
        found.ids[table] = sorted(rows[False])
        found.places[table] = place(label, rows[False], columns[False])
    if rows[True]:
        found.places[f"{table}:stays"] = place(label, rows[True], columns[True], stays=True)


def place(label, rows, columns, *, stays=False):
    return {"label": label, "rows": len(rows), "columns": columns, "stays": stays}


def keep_samples(found, key, samples):
    for name, text in json.loads(samples or "{}").items():
        kept = found.samples.setdefault(key, {}).setdefault(name, [])
        if text and text != "[erased]" and len(kept) < SAMPLES:  # more than the person alone
            kept.append(mask(text))


def own_tables(cursor):
    """Our own tables that hold texts and those of money, as "schema.table"; without those in which nothing is searched,
    and sessions, which are encoded.
    """
    cursor.execute(
        "select distinct n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid"
        " where n.nspname in ('backoffice', 'billing') and c.relkind = 'r'"
        " and a.attnum > 0 and not a.attisdropped and t.typname = any (%s) order by 1",
        [list(TEXT_TYPES)],
    )
    left_out = {f"backoffice.{sessions.TABLE}", *NOT_SEARCHED}
    return [name for (name,) in cursor.fetchall() if name not in left_out]


def quoted(table):
    return Identifier(*table.split(".", 1)).as_string()


def own_columns(cursor, table):
    """[(name, is JSON, is unique, width)] of the columns with texts of one of our own tables."""
    cursor.execute(
        "select a.attname::text, t.typname in ('json', 'jsonb'), exists (select from pg_index i"
        " where i.indrelid = a.attrelid and i.indisunique and (a.attnum = any (i.indkey::smallint[])"
        # a column inside of an expression, such as lower(name)
        " or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid"
        " and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))),"
        " case when t.typname = 'varchar' and a.atttypmod > 4 then a.atttypmod - 4 end"
        " from pg_attribute a join pg_type t on t.oid = a.atttypid"
        " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and t.typname = any (%s)"
        " order by a.attnum",
        [quoted(table), list(TEXT_TYPES)],
    )
    return cursor.fetchall()


def named(column):
    """SQL: whether a column names the person of %(pattern)s, %(mail)s and %(digits)s."""
    text = f"t.{Identifier(column).as_string()}::text"
    return f"coalesce(audit.may_name({text}, %(mail)s, %(digits)s) and {text} ~* %(pattern)s, false)"


def terms(cursor, person):
    """The parameters of `named`."""
    cursor.execute("select audit.person_pattern(%s, %s, %s)", person.arguments)
    (pattern,) = cursor.fetchone()
    return {"pattern": pattern, "mail": person.mail or None, "digits": person.digits or None}


def search_own(cursor, person, table, found):
    texts = [name for name, *_ in own_columns(cursor, table)]
    remain = {name for name in texts if stays(table, name)}
    for columns, key in (([n for n in texts if n not in remain], table), (sorted(remain), f"{table}:stays")):
        if columns:
            any_of = " or ".join(named(name) for name in columns)
            counts = ", ".join(f"count(*) filter (where {named(name)})" for name in columns)
            cursor.execute(
                f"select count(*), {counts} from {quoted(table)} t where {any_of}", terms(cursor, person)
            )
            rows, *by_column = cursor.fetchone()
            if rows:
                found.places[key] = {
                    "label": f"Back office: {words(table)}",
                    "rows": rows,
                    "columns": {n: count for n, count in zip(columns, by_column, strict=True) if count},
                    "stays": key != table,
                }


def stays(table, column):
    """Whether what is found there is listed and not redacted."""
    return (table, column) in STAYS or (table, "") in STAYS


def words(table):
    """One of our own tables for people to read."""
    model = models_by_table().get(table)
    return str(model._meta.verbose_name_plural) if model else table.partition(".")[2].replace("_", " ")


def look_beyond(cursor, person, found):
    """What has to be done outside: logins, Stripe, recordings, and organizations that the person owns."""
    cursor.execute(
        "select id::text, created_at::date::text from audit.person_logins(%s, %s, %s)", person.arguments
    )
    found.logins = [{"id": pk, "created": created} for pk, created in cursor.fetchall()]
    cursor.execute(
        "select o.id::text from public.organizations o where o.owner_id = any (audit.person_ids(%s, %s, %s))"
        " order by o.created_at limit 100",
        person.arguments,
    )
    found.owned = [pk for (pk,) in cursor.fetchall()]
    cursor.execute(
        "select stripe_customer_id from public.user_profiles where id = any (audit.person_ids(%s, %s, %s))"
        " and stripe_customer_id <> ''",
        person.arguments,
    )
    found.stripe = [name for (name,) in cursor.fetchall()]
    cursor.execute(
        "select count(*) from public.call_logs where id = any (%s::uuid[]) and recording_url <> ''",
        [found.ids.get("call_logs", [])],
    )
    (found.recordings,) = cursor.fetchone()


def is_named_in_file(person, job):
    """Whether a stored result of a job names the person, or cannot be read; packed files are looked into."""
    try:
        if not zipfile.is_zipfile(job.result_path):
            with job.result_path.open("rb") as file:
                return is_named_in_stream(person, file)
        with zipfile.ZipFile(job.result_path) as packed:
            for name in packed.namelist():
                with packed.open(name) as file:
                    if is_named_in_stream(person, file):
                        return True
        return False
    except FileNotFoundError:
        return False
    except (OSError, zipfile.BadZipFile):
        return True


def is_named_in_stream(person, file):
    before = b""
    while block := file.read(CHUNK):
        if person.is_named_in((before + block).decode("utf-8", "replace")):
            return True
        before = block[-OVERLAP:]
    return False
