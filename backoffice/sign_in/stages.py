from allauth.mfa.stages import AuthenticateStage
from django.conf import settings


class SecondFactorStage(AuthenticateStage):
    """The second step of signing in. Skipped where the identity provider's own counts (OIDC_SECOND_FACTOR)."""

    def _should_handle(self, request):
        came_by_sso = "sociallogin" in (self.login.signal_kwargs or {})
        if came_by_sso and settings.OIDC_SECOND_FACTOR:
            return False
        return super()._should_handle(request)
