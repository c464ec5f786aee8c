from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from backoffice.models import StaffSession
from backoffice.sessions import ending

REASON = "Own sessions"


class MySessions(View):
    """Where one is signed in, and the buttons that end it. Open to everybody who is signed in."""

    def get(self, request):
        found = ending.of_account(request.user, request)
        context = {
            "page_title": "Your sessions",
            "sessions": found,
            "has_others": any(not session.is_this for session in found),
        }
        return render(request, "backoffice/my_sessions.html", context)


class EndSessions(View):
    http_method_names = ["post"]

    def end(self, sessions):
        mine = sessions.filter(account=self.request.user).exclude(pk=self.request.session.row.pk)
        count = ending.end(mine, actor=self.request.user, reason=REASON)
        messages.success(
            self.request,
            f"{count} session{'' if count == 1 else 's'} ended." if count else "It had ended already.",
        )
        return HttpResponseRedirect(reverse("my_sessions"))


class EndMine(EndSessions):
    """One of one's own, elsewhere; the one in hand is ended by signing out."""

    def post(self, request, pk):
        return self.end(StaffSession.objects.filter(pk=pk))


class EndOthers(EndSessions):
    def post(self, request):
        return self.end(StaffSession.objects.all())
