"""Everything of a tenant as a ZIP: per table one file of JSON lines and one CSV, with a manifest and checksums.

One repeatable-read snapshot, streamed out of COPY: memory stays flat however large the tenant is.
"""

import hashlib
import json
import zipfile

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from psycopg.sql import Identifier, quote

from backoffice import jobs, schema, services
from backoffice.display import SECRET_KEY
from backoffice.models import User
from backoffice.snapshot import snapshot
from backoffice.spreadsheets import FORMULA
from tenants.closing.parts import all_parts
from tenants.models import Organization

KIND = "tenant_archive"
PERMISSION = "tenants.close_organization"
TEXT_TYPES = ("text", "varchar", "bpchar", "name")
README = """Everything that the platform and its back office hold about one organization.

manifest.json says what this is, who made it, when and why, and for every table its columns, rows and checksums.
Each table is here twice: as JSON lines (one JSON object per line, exact) and as CSV (for spreadsheets: texts that
a spreadsheet would take for a formula have an apostrophe in front).

To verify the files after unpacking:  sha256sum -c SHA256SUMS
To verify this archive as a whole, compare the output of  sha256sum <file>  with the checksum that the back office
shows for the job and, after closing, in the record of the closing.

Secrets (passwords, tokens, headers, keys) are replaced by "[secret]"; passwords of SIP trunks are not in it at all.
"""


def start_archive(organization, *, actor, reason):
    return jobs.start(
        KIND,
        title=f"Everything of {organization}"[:200],
        owner=actor,
        organization=str(organization.pk),
        reason=reason,
    )


def acting_owner(job):
    """Who asked for the job, if that person still may; raises PermissionDenied."""
    owner = User.objects.get(pk=job.owner_id)
    if not owner.is_active or not owner.has_perm(PERMISSION):
        raise PermissionDenied("Whoever asked for this may not do it any more.")
    return owner


@jobs.kind(KIND, permission=PERMISSION, resumable=True)
def make_archive(job, progress):
    """params: organization, reason. Leaves as params["made"]: sha256, as_of, rows by table."""
    owner = acting_owner(job)
    organization = Organization.objects.get(pk=job.params["organization"])
    job.result_path.parent.mkdir(parents=True, exist_ok=True)
    with snapshot() as cursor:
        as_of = one(cursor, "select transaction_timestamp()")
        tables = [Table(cursor, part, organization.pk) for part in all_parts()]
        progress.start(2 * sum(table.rows for table in tables))
        with zipfile.ZipFile(job.result_path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            sums = []
            for table in tables:
                table.write(archive, cursor, progress)
                sums += table.files
            manifest = json.dumps(describe(job, owner, organization, as_of, tables), indent=2)
            for name, text in (("manifest.json", manifest + "\n"), ("README.txt", README)):
                archive.writestr(name, text)
                sums.append({"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest()})
            archive.writestr("SHA256SUMS", "".join(f"{file['sha256']}  {file['name']}\n" for file in sums))
    checksum = file_checksum(job.result_path)
    rows = {table.part.table: table.rows for table in tables}
    services.log_read(
        "export",
        organization,
        actor=owner,
        organization_id=organization.pk,
        reason=job.params["reason"],
        detail=f"Everything, {sum(rows.values()):,} rows as of {as_of.isoformat()} with SHA-256 {checksum}",
    )
    job.params["made"] = {"sha256": checksum, "as_of": as_of.isoformat(), "rows": rows}
    job.result_name = f"organization-{organization.pk}-{as_of:%Y%m%d-%H%M%S}.zip"
    job.message = f"{sum(rows.values()):,} rows of {len(rows)} tables. SHA-256 {checksum}"


def describe(job, owner, organization, as_of, tables):
    return {
        "format": 1,
        "what": "Everything of one organization",
        "organization": {"id": str(organization.pk), "name": organization.name},
        "as_of": as_of.isoformat(),
        "made_at": timezone.now().isoformat(),
        "made_by": str(owner),
        "reason": job.params["reason"],
        "job": str(job.pk),
        "schema": schema.fingerprint(),
        "tables": [table.describe() for table in tables],
    }


class Table:
    """One table of the archive, as the snapshot has it."""

    def __init__(self, cursor, part, organization_id):
        self.part = part
        self.files = []
        cursor.execute(
            "select a.attname, t.typname, has_column_privilege(a.attrelid, a.attnum, 'SELECT')"
            " from pg_attribute a join pg_type t on t.oid = a.atttypid"
            " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
            [part.table],
        )
        columns = cursor.fetchall()
        self.columns = [(name, kind) for name, kind, is_readable in columns if is_readable]
        self.left_out = [name for name, _, is_readable in columns if not is_readable]
        self.where = part.where.replace("%(id)s", f"'{organization_id}'::uuid")
        self.rows = one(cursor, f"select count(*) from {part.table} t where {self.where}")

    def expression(self, name, kind):
        """The column, without secrets."""
        column = Identifier(name).as_string()
        if not self.part.redact or kind not in (*TEXT_TYPES, "json", "jsonb"):
            return f"t.{column}"
        arrow = "->>" if kind in TEXT_TYPES else "->"
        key = quote(name)
        redacted = f"audit.redact(jsonb_build_object({key}, t.{column})) {arrow} {key}"
        if kind not in TEXT_TYPES or name == "config" or SECRET_KEY.search(name):
            return redacted
        # Of other texts only JSON and addresses hide secrets: millions of messages are not looked into for nothing.
        return f"case when t.{column} ~* '^(\\s*[[{{]|https?://)' then {redacted} else t.{column} end"

    def safe_cell(self, name, kind):
        """The column as a spreadsheet may open it."""
        if kind not in TEXT_TYPES:
            return self.expression(name, kind)
        return f"regexp_replace({self.expression(name, kind)}, '{FORMULA}', '''')"

    def select(self, cell):
        cells = ", ".join(
            f"{cell(name, kind)} as {Identifier(name).as_string()}" for name, kind in self.columns
        )
        return f"select {cells} from {self.part.table} t where {self.where}"

    def write(self, archive, cursor, progress):
        lines = f"select row_to_json(r)::text from ({self.select(self.expression)}) r"
        # JSON holds no control characters, so with these two nothing in it is quoted or escaped once more.
        raw = "(format csv, quote e'\\x01', delimiter e'\\x02')"
        self.add(archive, cursor, progress, "jsonl", f"copy ({lines}) to stdout with {raw}")
        self.add(
            archive,
            cursor,
            progress,
            "csv",
            f"copy ({self.select(self.safe_cell)}) to stdout with (format csv, header)",
        )

    def add(self, archive, cursor, progress, kind, statement):
        name = f"{self.part.file_name}.{kind}"
        digest, size = hashlib.sha256(), 0
        with archive.open(name, "w", force_zip64=True) as file, cursor.copy(statement) as copy:
            for number, row in enumerate(copy):
                digest.update(row)
                size += len(row)
                file.write(row)
                if kind == "jsonl" or number:  # the first row of the CSV is its head
                    progress.step()
        self.files.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})

    def describe(self):
        return {
            "table": self.part.table,
            "what": self.part.label,
            "rows": self.rows,
            "columns": [{"name": name, "type": kind} for name, kind in self.columns],
            "left_out": self.left_out,
            "secrets_redacted": self.part.redact,
            "files": self.files,
        }


def one(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchone()[0]


def file_checksum(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
