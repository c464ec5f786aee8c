"""Sign-ins, and the audit of what people sign in with: their factors and their links to the identity provider.

Of these tables the audit keeps that a row came or went and its name, never what it holds (db/backoffice.sql).
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# {table: columns whose change alone is no entry}; they change at every use.
TABLES = {
    "mfa_authenticator": ["data", "last_used_at"],
    "socialaccount_socialaccount": ["extra_data", "last_login"],
}


def trigger(table, columns):
    arguments = ", ".join(f"'{word}'" for word in ["actor_optional", *columns])
    return migrations.RunSQL(
        f"create or replace trigger audit_record after insert or update or delete on {table} for each row"
        f" execute function audit.record({arguments})",
        f"drop trigger audit_record on {table}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0009_data_health"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("typed", models.CharField(blank=True, max_length=120, verbose_name="as typed")),
                ("address", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("signed_in", "Signed in"),
                            ("refused", "Failed"),
                            ("throttled", "Too many tries"),
                            ("reset", "Asked for another password"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("password", "Password"),
                            ("code", "Authenticator or recovery code"),
                            ("passkey", "Passkey"),
                            ("sso", "Single sign-on"),
                            ("mail", "Mail"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in",
                "ordering": ["-id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["account", "-id"], name="sign_in_of_account")],
            },
        ),
        *(trigger(table, columns) for table, columns in TABLES.items()),
    ]
