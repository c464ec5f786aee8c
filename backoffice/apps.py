from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_login_failed
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
        from backoffice import background, checks, own_needs  # noqa: F401, checks compare with the live database
        from backoffice.context import COUNTS
        from backoffice.figures import follow
        from backoffice.health import checking, own_ages  # noqa: F401, registers ages
        from backoffice.health.store import BAD_ONES
        from backoffice.metrics import count
        from backoffice.needs import needs
        from backoffice.roles import sync_roles
        from backoffice.sign_in import events

        background.every(checking.ROUND_SECONDS, checking.follow)
        COUNTS["health"] = BAD_ONES

        post_migrate.connect(sync_roles, sender=self)
        background.every(5, follow.follow)
        if settings.METRICS_BIND_WORKER and not settings.SERVING:
            from backoffice.metrics import look

            background.every(look.EVERY_SECONDS, look.look)
        user_login_failed.connect(count.login_failed)
        if settings.SENTRY_DSN:
            from backoffice import sentry

            sentry.start()
        background.every(events.ROUND_SECONDS, events.prune)
        needs(own_needs.failed_jobs)
        needs(own_needs.reveals)
