import uuid
from decimal import Decimal

import django.db.models.functions.datetime
from django.db import migrations, models

import backoffice.keyset


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CreditTransaction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("organization_name", models.CharField()),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12)),
                ("balance_after", models.DecimalField(decimal_places=2, max_digits=12)),
                ("kind", models.CharField()),
                ("reason", models.CharField()),
                ("reference", models.CharField(blank=True, null=True)),
                ("note", models.TextField(blank=True, null=True)),
                ("actor", models.CharField(verbose_name="by")),
                ("actor_id", models.BigIntegerField(blank=True, null=True)),
                ("idempotency_key", models.CharField(blank=True, null=True, unique=True)),
                ("db_role", models.CharField(verbose_name="database role")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "credit transaction",
                "db_table": "credit_transactions",
                "ordering": ["-id"],
                "permissions": [("post_credit", "Can post a credit adjustment")],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="UsageLog",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "tokens_used",
                    models.IntegerField(blank=True, db_default=0, null=True, verbose_name="tokens"),
                ),
                (
                    "cost_usd",
                    models.DecimalField(
                        blank=True,
                        db_default=Decimal("0"),
                        decimal_places=4,
                        max_digits=10,
                        null=True,
                        verbose_name="cost (USD)",
                    ),
                ),
                ("model_used", models.CharField(blank=True, max_length=100, null=True, verbose_name="model")),
                ("channel", models.CharField(blank=True, max_length=50, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "usage record",
                "db_table": "usage_logs",
                "ordering": [
                    models.OrderBy(backoffice.keyset.OldestIfNull(models.F("created_at")), descending=True),
                    "-id",
                ],
                "managed": False,
            },
        ),
    ]
