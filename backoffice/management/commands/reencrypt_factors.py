from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from backoffice.sign_in import cipher

ENCRYPTED = ("secret", "seed")


class Command(BaseCommand):
    help = "Writes the keys of second factors anew under SECRET_KEY, before an old one leaves SECRET_KEY_FALLBACKS."

    def handle(self, **options):
        unreadable = []
        factors = Authenticator.objects.exclude(
            type=Authenticator.Type.WEBAUTHN
        )  # passkeys hold public keys only
        for pk in factors.values_list("pk", flat=True):
            with transaction.atomic():
                factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
                if factor is None:
                    continue
                try:
                    for name in ENCRYPTED:
                        if name in factor.data:
                            factor.data[name] = cipher.reencrypt(factor.data[name])
                except cipher.KeyGone:
                    unreadable.append(factor)
                else:
                    factor.save(update_fields=["data"])
        self.stdout.write(f"Done. {len(unreadable)} cannot be read with any key given.")
        for factor in unreadable:
            self.stdout.write(
                f"- account {factor.user_id}: {factor.get_type_display()}; reset its second factor"
            )
