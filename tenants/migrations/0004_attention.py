import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_closing_permission"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SignLookup",
            fields=[
                ("id", models.IntegerField(default=1, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField()),
                ("signs", models.IntegerField()),
            ],
            options={
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="AttentionItem",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("organization_name", models.CharField(max_length=255, verbose_name="tenant's name")),
                ("kind", models.CharField(max_length=50)),
                ("cause", models.CharField(max_length=200)),
                ("text", models.CharField(max_length=1000, verbose_name="sign")),
                ("numbers", models.JSONField(default=dict)),
                ("url", models.CharField(blank=True, max_length=500, verbose_name="leads to")),
                ("position", models.BigIntegerField()),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(verbose_name="changed or last seen")),
                ("gone_at", models.DateTimeField(null=True, verbose_name="gone")),
                ("done_at", models.DateTimeField(null=True, verbose_name="done")),
                (
                    "done_by_name",
                    models.CharField(blank=True, default="", max_length=310, verbose_name="done by"),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
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
                        related_name="attention_items",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign",
                "ordering": ["position", "id"],
                "permissions": [
                    ("act_on_tenant", "Can take, snooze and finish what needs attention"),
                    ("follow_tenant", "Can follow tenants"),
                ],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at", None), ("gone_at", None)),
                        fields=["position", "id"],
                        name="attention_worst",
                    ),
                    models.Index(
                        condition=models.Q(("done_at", None), ("gone_at", None)),
                        fields=["first_seen_at", "id"],
                        name="attention_oldest",
                    ),
                    models.Index(fields=["position", "id"], name="attention_position"),
                    models.Index(fields=["first_seen_at", "id"], name="attention_first_seen"),
                    models.Index(
                        condition=models.Q(("done_at", None), ("gone_at", None)),
                        fields=["kind", "position", "id"],
                        name="attention_kind",
                    ),
                    models.Index(
                        models.F("organization"),
                        models.OrderBy(models.F("first_seen_at"), descending=True),
                        name="attention_of_tenant",
                    ),
                    models.Index(
                        condition=models.Q(("gone_at__isnull", False)),
                        fields=["gone_at"],
                        name="attention_gone",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("gone_at", None)),
                        fields=("organization", "cause"),
                        name="attention_cause_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Care",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("organization_name", models.CharField(max_length=255)),
                ("assignee_name", models.CharField(blank=True, default="", max_length=310)),
                ("assigned_at", models.DateTimeField(null=True)),
                ("snoozed_at", models.DateTimeField(null=True)),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("snoozed_by_name", models.CharField(blank=True, default="", max_length=310)),
                ("snooze_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "assignee",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
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
                        related_name="cares",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "default_permissions": [],
                "indexes": [
                    models.Index(
                        condition=models.Q(("assignee__isnull", False)),
                        fields=["assignee"],
                        name="care_assignee",
                    ),
                    models.Index(
                        condition=models.Q(("snoozed_until__isnull", False)),
                        fields=["snoozed_until"],
                        name="care_snoozed",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("organization",), name="care_of_tenant")],
            },
        ),
        migrations.CreateModel(
            name="Follow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("organization_name", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="follows",
                        to="tenants.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": [],
                "constraints": [models.UniqueConstraint(fields=("user", "organization"), name="follow_once")],
            },
        ),
        migrations.RunSQL(
            [
                f"alter table {table} alter organization_id set not null"
                for table in ("tenants_attentionitem", "tenants_care", "tenants_follow")
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "create or replace trigger audit_record after insert or update or delete on tenants_care for each row"
            " execute function audit.record()",
            "drop trigger audit_record on tenants_care",
        ),
        # What people do is recorded; what the look-up keeps is not, and has no actor.
        migrations.RunSQL(
            "create or replace trigger audit_record after update on tenants_attentionitem for each row"
            " when (old.done_at is distinct from new.done_at) execute function audit.record('last_seen_at')",
            "drop trigger audit_record on tenants_attentionitem",
        ),
    ]
