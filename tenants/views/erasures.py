"""Erasure of a person: search, findings, erasure, certificate. For admins."""

import json

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from backoffice import generic
from backoffice.forms import ReasonForm
from tenants.closing.procedure import stored_blockers_of
from tenants.erasure import certificate as certificates
from tenants.erasure.person import person_of, phone_digits
from tenants.erasure.places import ELSEWHERE, PLATFORM
from tenants.erasure.procedure import (
    PERMISSION,
    discard_search,
    erase_person,
    request_erasure,
    start_search,
    take_up_request,
)
from tenants.filters import ErasureFilter
from tenants.models import Erasure, Organization, UserProfile
from tenants.tables import ErasureTable


class PersonForm(ReasonForm):
    mail = forms.EmailField(label="Mail address", max_length=254, required=False)
    phone = forms.CharField(
        label="Phone number",
        max_length=40,
        required=False,
        help_text="With its country code, such as +49 170 1234567. It is found in any format.",
    )
    with_national = forms.BooleanField(
        label="Also without the country code",
        required=False,
        help_text="As 0170 1234567. Abroad that can be somebody else's number: look at the samples before erasing.",
    )
    field_order = ["mail", "phone", "with_national", "reason"]

    def clean(self):
        cleaned = super().clean()
        if self.errors:
            return cleaned
        if not cleaned.get("mail") and not cleaned.get("phone"):
            raise ValidationError("Give a mail address, a phone number, or both.")
        cleaned["person"] = person_of(
            cleaned["mail"], cleaned["phone"], with_national=cleaned["with_national"]
        )
        return cleaned


class ConfirmForm(forms.Form):
    """Asks to type the mail address or the number again."""

    confirm = forms.CharField(
        label="Type the mail address or the phone number",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        max_length=254,
    )

    def __init__(self, *args, person, **kwargs):
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_confirm(self):
        if not self.person or not self.person.is_typed(self.cleaned_data["confirm"]):
            raise ValidationError("This is not who was searched.")
        return self.cleaned_data["confirm"]


class ErasurePage(generic.ModelPage):
    model = Erasure
    action = "view"
    permission = PERMISSION

    def deed(self):
        return "erase persons"

    def crumbs(self):
        return [("Erasures", reverse("tenants:erasure_list"))]


class ErasureList(ErasurePage, generic.ListView):
    page = "list"
    queryset = Erasure.objects.select_related("owner")
    table_class = ErasureTable
    filterset_class = ErasureFilter
    orders = {"created": generic.Order(F("created_at"), by_time=True)}
    nothing_yet = (
        "A person is searched first, by mail address or phone number; nothing is changed until you confirm what"
        " was found."
    )

    def extra_context(self):
        return {"add_label": "Erase a person"}


class ErasureCreate(ErasurePage):
    page = "action"

    def get(self, request):
        profile = None
        if pk := request.GET.get("profile", ""):
            try:
                profile = UserProfile.objects.filter(pk=pk).first()
            except ValidationError:
                raise Http404 from None
        initial = {"with_national": True} | (known_of(profile) if profile else {})
        return self.show(PersonForm(initial=initial), profile)

    def post(self, request):
        form = PersonForm(request.POST)
        if form.is_valid():
            try:
                erasure = start_search(
                    form.cleaned_data["person"], actor=request.user, reason=form.cleaned_data["reason"]
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return HttpResponseRedirect(erasure.get_absolute_url())
        return self.show(form, status=422)

    def show(self, form, profile=None, status=200):
        context = {
            "form": form,
            "page_title": "Erase a person",
            "crumbs": self.crumbs(),
            "submit": "Search",
            "profile": profile,
            "places": [label for _, label, _ in PLATFORM],
            "cancel_url": reverse("tenants:erasure_list"),
        }
        return self.render(context, status=status, template="tenants/erasure_add.html")


def known_of(profile):
    """What a profile says about how the person is reached, where it can be searched for."""
    initial = {"mail": "" if profile.email.endswith(".invalid") else profile.email}
    try:
        phone_digits(profile.phone_number or "")
        initial["phone"] = profile.phone_number
    except ValidationError:
        pass
    return initial


class UserProfileErase(generic.ObjectPage):
    """From a profile's page to the search for its person."""

    model = UserProfile
    page = "erase"
    permission = PERMISSION
    label = "Erase this person"
    icon = "user-x"

    @classmethod
    def applies_to(cls, profile):
        return True

    def deed(self):
        return "erase persons"

    def get(self, request, pk):
        return HttpResponseRedirect(f"{reverse('tenants:erasure_add')}?profile={self.object.pk}")


class UserProfileRequestErasure(generic.ActionView):
    """Support prepares what an admin does: who, why, and what has to be resolved first."""

    model = UserProfile
    permission = "tenants.change_userprofile"
    template_name = "tenants/request_erasure.html"
    label = "Request erasure"
    icon = "user-x"
    success = "The erasure of {object} was requested: it waits for an admin."

    @staticmethod
    def service(profile, *, actor, reason):
        known = known_of(profile)
        if not known["mail"] and "phone" not in known:
            raise ValidationError("The profile has neither a mail address nor a phone number to search for.")
        person = person_of(known["mail"], known.get("phone", ""), with_national=True)
        return request_erasure(person, actor=actor, reason=reason)

    def context(self):
        owned = list(self.object.organizations.order_by("name", "id")[:20])
        return {
            "owned": stored_blockers_of(owned).items(),
            "known": known_of(self.object),
        }


class ErasureObject(generic.ObjectPage, ErasurePage):
    queryset = Erasure.objects.select_related("owner", "job")

    def crumbs(self):
        crumbs = ErasurePage.crumbs(self)
        return (
            crumbs if self.page == "detail" else [*crumbs, (str(self.object), self.object.get_absolute_url())]
        )


class ErasureDetail(ErasureObject):
    """The search while it runs, what it found, and after the erasure the certificate."""

    page = "detail"

    def get(self, request, pk):
        return self.show(request)

    def show(self, request, form=None, status=200):
        erasure = self.object
        findings = erasure.findings or {}
        context = {
            "object": erasure,
            "form": form or ConfirmForm(person=None),
            "page_title": str(erasure),
            "crumbs": self.crumbs(),
            "job": erasure.job,
            "places": list(places_of(erasure)),
            "remains": certificates.remains(found_again(findings)) if findings else [],
            "files": findings.get("files", []),
            "owned": Organization.objects.filter(pk__in=findings.get("owned", [])),
            "earlier": Erasure.objects.filter(
                fingerprints__contains=erasure.fingerprints[:1], status=Erasure.Status.ERASED
            ).exclude(pk=erasure.pk)[:10]
            if erasure.fingerprints
            else [],
            "elsewhere": ELSEWHERE,
            "is_intact": certificates.is_intact(erasure.certificate) if erasure.certificate else None,
        }
        return self.render(context, status=status, template="tenants/erasure_detail.html")


def found_again(findings):
    from tenants.erasure.search import Findings

    return Findings(**{name: value for name, value in findings.items() if name != "ids"})


def places_of(erasure):
    """The places of a search for the page: words, rows, columns, samples, where to look."""
    urls = {name: url for name, _, url in PLATFORM}
    certified = {place["place"]: place["rows"] for place in (erasure.certificate or {}).get("redacted", [])}
    order = {table: number for number, table in enumerate(urls)}  # the database keeps none
    found = (erasure.findings or {}).get("places", {}).items()
    for name, place in sorted(found, key=lambda item: (order.get(item[0].partition(":")[0], 99), item[0])):
        table = name.removesuffix(":stays")
        samples = (erasure.samples_secret or {}).get(table, {})
        yield {
            **place,
            "url": reverse(urls[table]) if table in urls else "",
            "redacted": certified.get(name),
            "samples": [
                (name, texts) for name, texts in samples.items() if texts and name in place["columns"]
            ],
        }


class ErasureTakeUp(ErasureDetail):
    """From a request to the search."""

    page = "take_up"
    http_method_names = ["post"]

    def post(self, request, pk):
        try:
            take_up_request(self.object, actor=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(self.object.get_absolute_url())


class ErasureErase(ErasureDetail):
    """Takes the typed confirmation; the page of the search shows the form."""

    page = "erase"
    http_method_names = ["post"]

    def post(self, request, pk):
        from tenants.erasure.person import Person

        erasure = self.object
        person = Person(**erasure.subject_secret) if erasure.is_open else None
        form = ConfirmForm(request.POST, person=person)
        if form.is_valid():
            try:
                erase_person(erasure, actor=request.user, reason=erasure.reason)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return HttpResponseRedirect(erasure.get_absolute_url())
        return self.show(request, form, status=422)


class ErasureDiscard(generic.ActionView):
    model = Erasure
    permission = PERMISSION
    label = "Discard"
    icon = "x"
    explanation = "The search is forgotten, and with it the address and number that it kept."
    success = "The search was discarded."
    service = staticmethod(discard_search)

    def crumbs(self):
        return [
            ("Erasures", reverse("tenants:erasure_list")),
            (str(self.object), self.object.get_absolute_url()),
        ]


class ErasureCertificate(ErasureObject):
    """The certificate as a file; `kind` is "txt" or "json"."""

    page = "certificate"
    kind = "txt"

    def get(self, request, pk):
        certificate = self.object.certificate
        if certificate is None:
            raise Http404
        text = (
            certificates.as_text(certificate)
            if self.kind == "txt"
            else json.dumps(certificate, indent=2, ensure_ascii=False)
        )
        content_type = "text/plain" if self.kind == "txt" else "application/json"
        response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="erasure-{self.object.pk}.{self.kind}"'
        return response
