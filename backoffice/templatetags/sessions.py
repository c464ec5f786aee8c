from django import template

register = template.Library()
WORDS = {
    "idle": "You were signed out because nothing was done for a while.",
    "too_long": "You were signed out because a sign-in holds for a limited time.",
    "by_hand": "This session was ended, by you elsewhere or by an admin.",
    "password": "You were signed out because the password of this account was changed.",
    "role": "You were signed out because your role was changed. Sign in to go on with the new one.",
    "suspended": "You were signed out because this account was suspended. Ask an admin of your team.",
    "factors": "You were signed out because the second factor of this account was reset.",
}


@register.simple_tag
def ended_words(request):
    """Why the session ended that led to the sign-in page, in a sentence; "" where none did."""
    return WORDS.get(request.GET.get("ended", ""), "")
