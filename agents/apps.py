from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Agents and conversations"

    def ready(self):
        from agents.conversations import index
        from backoffice import background

        background.every(3, index.follow)
