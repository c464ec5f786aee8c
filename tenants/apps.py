from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Tenants"

    def ready(self):
        from backoffice.context import COUNTS
        from backoffice.health.ages import ages
        from backoffice.needs import needs as register
        from backoffice.views.picker import OFFERS
        from tenants import needs, suspensions  # noqa: F401, registers how a batch takes suspensions back
        from tenants.ages import age_of_attention
        from tenants.attention import WAITING
        from tenants.care import colleagues

        COUNTS["tenants:attentionitem_list"] = WAITING
        OFFERS["colleagues"] = colleagues
        ages(age_of_attention)
        register(needs.signs)
        register(needs.erasures)
