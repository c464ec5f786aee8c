from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Tenants"

    def ready(self):
        from backoffice.context import COUNTS
        from backoffice.health.ages import ages
        from backoffice.needs import needs as register
        from tenants import needs, suspensions  # noqa: F401, registers how a batch takes suspensions back
        from tenants.ages import age_of_attention
        from tenants.attention import WAITING

        COUNTS["tenants:attentionitem_list"] = WAITING
        ages(age_of_attention)
        register(needs.signs)
        register(needs.erasures)
