"""Who signed in, who tried to and was refused."""

from django.conf import settings
from django.db import models


class SignIn(models.Model):
    """One sign-in, or one that failed. Kept for SIGN_IN_DAYS; never what was typed but the beginning of an address."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        REFUSED = "refused", "Failed"
        THROTTLED = "throttled", "Too many tries"
        RESET = "reset", "Asked for another password"

    class Method(models.TextChoices):
        PASSWORD = "password"
        CODE = "code", "Authenticator or recovery code"
        PASSKEY = "passkey"
        SSO = "sso", "Single sign-on"
        MAIL = "mail", "Mail"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sign_ins", db_index=False
    )
    typed = models.CharField("as typed", max_length=120, blank=True)  # of an unknown account, masked
    address = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=Kind)
    method = models.CharField(max_length=12, choices=Method)

    class Meta:
        default_permissions = ()
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"], name="sign_in_of_account")]
        verbose_name = "sign-in"

    def __str__(self):
        return f"{self.get_kind_display()}: {self.account or self.typed}"
