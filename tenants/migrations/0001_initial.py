import uuid
from decimal import Decimal

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=255)),
                (
                    "credits_balance",
                    models.DecimalField(
                        blank=True,
                        db_default=Decimal("0.00"),
                        decimal_places=2,
                        editable=False,
                        max_digits=10,
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "organization",
                "db_table": "organizations",
                "ordering": ["name", "id"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="UserProfile",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=255, unique=True, verbose_name="e-mail")),
                ("full_name", models.CharField(blank=True, max_length=255, null=True)),
                (
                    "company_name",
                    models.CharField(blank=True, max_length=255, null=True, verbose_name="company"),
                ),
                (
                    "phone_number",
                    models.CharField(blank=True, max_length=50, null=True, verbose_name="phone"),
                ),
                ("avatar_url", models.CharField(blank=True, null=True, verbose_name="avatar URL")),
                (
                    "subscription_tier",
                    models.CharField(
                        blank=True, db_default="free", max_length=50, null=True, verbose_name="tier"
                    ),
                ),
                (
                    "stripe_customer_id",
                    models.CharField(
                        blank=True, max_length=255, null=True, verbose_name="Stripe customer id"
                    ),
                ),
                (
                    "stripe_subscription_id",
                    models.CharField(
                        blank=True, max_length=255, null=True, verbose_name="Stripe subscription id"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "user profile",
                "db_table": "user_profiles",
                "ordering": ["email"],
                "permissions": [("change_tier", "Can change tier and Stripe ids")],
                "managed": False,
            },
        ),
    ]
