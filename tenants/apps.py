from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Tenants"

    def ready(self):
        from backoffice.context import COUNTS
        from tenants import suspensions  # noqa: F401, registers how a batch takes suspensions back
        from tenants.attention import waiting_count

        COUNTS["tenants:attentionitem_list"] = waiting_count
