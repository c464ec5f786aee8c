from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"

    def ready(self):
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        from backoffice import checks  # noqa: F401, registers the comparison with the live database
        from backoffice.roles import sync_roles

        post_migrate.connect(sync_roles, sender=self)
        # One door: Django admin's own log-in form knows no rate limits.
        admin.site.login = secure_admin_login(admin.site.login)
