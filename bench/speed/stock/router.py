class Router:
    """The platform's rows are in the platform's database, Django's own tables in one beside it."""

    def db_for_read(self, model, **hints):
        return "platform" if model._meta.app_label == "platform" else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == "default" and app_label != "platform"
