from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"

    def ready(self):
        from backoffice import checks  # noqa: F401, registers the comparison with the live database
        from backoffice.roles import sync_roles

        post_migrate.connect(sync_roles, sender=self)
