from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class AdminConfig(admin_apps.AdminConfig):
    """Django admin with our Site: `backoffice.apps.AdminConfig` stands in INSTALLED_APPS for `django.contrib.admin`."""

    default = False
    default_site = "backoffice.admin_site.Site"


class BackofficeConfig(AppConfig):
    default = True
    name = "backoffice"
    verbose_name = "Back office"

    def ready(self):
        from backoffice import checks  # noqa: F401, registers the comparison with the live database
        from backoffice.roles import sync_roles

        post_migrate.connect(sync_roles, sender=self)
