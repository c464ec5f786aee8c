import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "organization_name",
                    models.CharField(editable=False, max_length=255, verbose_name="tenant's name"),
                ),
                ("text", models.TextField(max_length=5000, verbose_name="note")),
                ("ticket", models.CharField(blank=True, default="", max_length=500)),
                ("author_name", models.CharField(editable=False, max_length=310, verbose_name="written by")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="written",
                    ),
                ),
                ("edited_at", models.DateTimeField(editable=False, null=True, verbose_name="edited")),
                ("pinned_at", models.DateTimeField(editable=False, null=True, verbose_name="pinned")),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="notes",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "default_permissions": ["view", "add", "change"],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="note_newest"),
                    models.Index(fields=["organization", "-created_at", "-id"], name="note_of_tenant"),
                    models.Index(fields=["author", "-created_at", "-id"], name="note_of_author"),
                ],
            },
        ),
        migrations.RunSQL(
            "alter table tenants_note alter organization_id set not null", migrations.RunSQL.noop
        ),
        # The expression of tenants.models.notes.Words.
        migrations.RunSQL(
            r"create index note_words on tenants_note using gin"
            r" (to_tsvector('simple'::regconfig, regexp_replace(text || ' ' || ticket, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')))",
            "drop index note_words",
        ),
        migrations.RunSQL(
            "create or replace trigger audit_record after insert or update or delete on tenants_note for each row"
            " execute function audit.record('edited_at')",
            "drop trigger audit_record on tenants_note",
        ),
    ]
