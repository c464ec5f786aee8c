"""Passkeys in a browser, with the browser's own virtual authenticator: kept, and signing in alone."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from backoffice.testing import make_user

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_passkey_is_added_and_signs_in_alone_and_after_the_password(live_app):
    page = live_app.page
    with live_app.database.django():
        user = make_user("support")
        # The suite's own quick hasher is not the served app's.
        user.password = PBKDF2PasswordHasher().encode("password", "salt", iterations=1000)
        user.save()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    def type_password():
        page.goto("/accounts/login/")
        page.fill("[name=login]", "support@example.test")
        page.fill("[name=password]", "password")
        page.get_by_role("button", name="Sign in", exact=True).click()

    def sign_out():
        page.goto("/accounts/logout/")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()

    type_password()
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=name]", "Laptop")
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    page.goto("/accounts/2fa/")
    assert "Laptop" in page.inner_text("main") and "Signs in alone" in page.inner_text("main")

    sign_out()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{live_app.url}/")

    sign_out()
    type_password()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{live_app.url}/")
    assert live_app.errors == []
