"""Samples: drawing one from the list of conversations, and its results."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from agents.conversations import samples
from agents.conversations.reviews import rate_sentence
from agents.filters import SampleFilter
from agents.models import Sample
from agents.review_forms import SampleForm, new_seed
from agents.tables import SampleTable
from agents.views.reviews import REVIEW
from agents.views.sample_review import Decisions
from backoffice import generic, keyset
from backoffice.filters import Query, chips
from backoffice.generic.lists import open_list
from backoffice.generic.memory import PLACES, list_url

ITEMS_PER_PAGE = 100


def drawn_from(user, query):
    """(the list's page in that state, the state without what is no filter)."""
    page = open_list(samples.LIST, user, query)
    page.filterset.is_valid()  # so that its form knows what applies
    return page, str(
        Query(page.request.GET).without("sort", "columns", "view", "_pick", *PLACES)
    ).removeprefix("?")


class SampleList(generic.ListView):
    model = Sample
    table_class = SampleTable
    filterset_class = SampleFilter
    orders = {"created": generic.Order(keyset.F("created_at"), by_time=True)}
    title = "Samples for review"
    not_exported = ["query"]
    note = "Conversations drawn at random from a filtered list, to be reviewed one after the other."
    nothing_yet = "Filter the list of conversations, then draw a sample of what is left."

    def row_context(self, rows):
        found = samples.results(rows)
        for row in rows:
            row.results = found[row.pk]
            row.rate_sentence = rate_sentence(row.results)
        return {}

    def extra_context(self):
        if not self.request.user.has_perm(REVIEW):
            return {}
        return {"add_url": reverse("agents:sample_add"), "add_label": "Draw a sample"}


class SampleDraw(generic.ModelPage):
    """Name, size and seed of a sample of the list in the state that the address names."""

    model = Sample
    permission = REVIEW
    action = "draw"  # not "add": a sample is never typed
    page = "form"

    def deed(self):
        return "draw samples"

    def get(self, request):
        return self.show(SampleForm(initial={"seed": new_seed()}), request.GET.urlencode())

    def post(self, request):
        form = SampleForm(request.POST)
        page, query = drawn_from(request.user, request.POST.get("query", ""))
        for field in page.filterset.form:
            for error in field.errors:
                form.add_error("query", f"{field.label}: {error} Correct the filter first.")
        if form.is_valid():
            sample = form.save(commit=False)
            sample.query = query
            try:
                samples.draw_sample(sample, actor=request.user, conversations=page.filterset.qs)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, f"Sample {sample} was drawn from {sample.of:,} conversations.")
                return HttpResponseRedirect(sample.get_absolute_url())
        return self.show(form, query, status=422)

    def show(self, form, query, status=200):
        page, query = drawn_from(self.request.user, query)
        context = {
            "form": form,
            "query": query,
            "chips": chips(page.filterset, Query(page.request.GET)),
            "total": keyset.total(page.filterset.qs, filtered=page.filterset.is_filtered),
            "list_url": list_url(samples.LIST, query),
            "page_title": "Draw a sample",
            "crumbs": self.crumbs(),
            "cancel_url": list_url(samples.LIST, query),
        }
        return self.render(context, status=status)


class SampleDetail(generic.DetailView):
    model = Sample
    fields = ["filter", "of", "size", "seed", "owner_name", "created_at", "id"]

    def show_filter(self, sample):
        """In words, with a link to what it finds now, for those who may see that."""
        if not self.request.user.has_perm("agents.view_conversation"):
            return "Filter", sample.query or "none: all conversations"
        page, query = drawn_from(self.request.user, sample.query)
        words = ", ".join(chip["text"] for chip in chips(page.filterset, Query(page.request.GET)))
        url = list_url(samples.LIST, query)
        return "Filter", format_html('<a href="{}">{}</a>', url, words or "none: all conversations")

    def extra_context(self):
        sample, user, given = self.object, self.request.user, self.request.GET
        part = given.get("part", "")
        if part not in samples.PARTS:
            raise Http404("There is no such part.")
        after = int(given["after"]) if given.get("after", "").isdecimal() and len(given["after"]) < 6 else 0
        items = samples.items_of(sample, part, after, ITEMS_PER_PAGE + 1)
        figures = samples.results([sample])[sample.pk]
        may_review = user.has_perm(REVIEW)
        return {
            "results": figures,
            "rate_sentence": rate_sentence(figures),
            "items": items[:ITEMS_PER_PAGE],
            "parts": self.parts(figures, part),
            "first_url": self.address(part) if after else "",
            "next_url": self.address(part, items[ITEMS_PER_PAGE - 1].position)
            if len(items) > ITEMS_PER_PAGE
            else "",
            "may_review": may_review,
            "review_url": reverse("agents:sample_review", args=[sample.pk]) if may_review else "",
            "can_undo": may_review and bool(Decisions(self.request, sample).last()),
            "delete_url": reverse("agents:sample_delete", args=[sample.pk])
            if samples.may_delete(sample, user)
            else "",
        }

    def address(self, part, after=0):
        query = "&".join(f"{name}={value}" for name, value in (("part", part), ("after", after)) if value)
        return f"{self.request.path}?{query}#items" if query else f"{self.request.path}#items"

    def parts(self, figures, wanted):
        counts = {**figures, "": figures["total"], "waiting": figures["waiting"] + figures["gone"]}
        return [
            {"label": label, "count": counts[name], "url": self.address(name), "current": name == wanted}
            for name, label in samples.PARTS.items()
        ]


class SampleDelete(generic.ActionView):
    model = Sample
    permission = REVIEW
    action = "remove"  # not "delete": that right nobody has
    service = staticmethod(samples.delete_sample)
    label = "Delete"
    icon = "trash-2"
    danger = True
    explanation = (
        "The sample goes, and how far it was reviewed. Outcomes, labels and notes of its conversations stay."
    )
    success = "Sample {object} was deleted."

    def deed(self):
        return "delete samples"

    def dispatch(self, request, *args, **kwargs):
        if self.may_open(request.user) and not samples.may_delete(self.object, request.user):
            raise PermissionDenied(
                f"A sample is deleted by whoever drew it, and by admins; this one is by {self.object.owner_name}."
            )
        return super().dispatch(request, *args, **kwargs)

    def success_url(self):
        return self.url("list")
