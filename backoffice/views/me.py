import zoneinfo

from django import forms
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from backoffice import services
from backoffice.generic import safe_next
from backoffice.models import User


class SettingsForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["first_name", "last_name", "time_zone", "theme"]
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"})}
        help_texts = {"time_zone": "All times are shown in this zone, such as Europe/London."}


class Me(View):
    """One's own settings. Open to everybody who is signed in."""

    def get(self, request):
        return self.show(SettingsForm(instance=request.user))

    def post(self, request):
        form = SettingsForm(request.POST, instance=User.objects.get(pk=request.user.pk))
        if not form.is_valid():
            return self.show(form, status=422)
        services.save(form.instance, actor=request.user, reason="Own settings")
        messages.success(request, "Your settings were saved.")
        return HttpResponseRedirect(reverse("me"))

    def show(self, form, status=200):
        zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC")
        context = {"form": form, "zones": zones, "page_title": "Your settings", "submit": "Save"}
        return render(self.request, "backoffice/me.html", context, status=status)


class Theme(View):
    """The light switch in the top bar."""

    http_method_names = ["post"]

    def post(self, request):
        theme = request.POST.get("theme", "")
        if theme in User.Theme.values:
            user = User.objects.get(pk=request.user.pk)
            user.theme = theme
            services.save(user, actor=request.user, reason="Own settings")
        return HttpResponseRedirect(safe_next(request, reverse("home")))
