from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from backoffice import invitations
from backoffice.staff_forms import FirstPasswordForm


@method_decorator([login_not_required, never_cache], name="dispatch")
class AcceptInvitation(View):
    """Where an invited person sets the first password. Open to everybody who has the code."""

    def get(self, request):
        return self.show(FirstPasswordForm())

    def post(self, request):
        form = FirstPasswordForm(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        data = form.cleaned_data
        try:
            user = invitations.accept(data["code"], password=data["password1"], check=form.check_strength)
        except ValidationError as error:
            form.add_error("code" if invitations.WRONG in error.messages else "password1", error)
            return self.show(form, status=422)
        messages.success(request, f"Your password is set. Sign in as {user.email}.")
        return HttpResponseRedirect(resolve_url("account_login"))

    def show(self, form, status=200):
        return render(self.request, "account/invitation.html", {"form": form}, status=status)
