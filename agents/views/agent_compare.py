"""Comparing two agents of any tenants, or two versions of one."""

from django import forms
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from agents.models import Agent
from agents.versions import rows
from agents.versions.compare import SIDES, compare, parse, side_of
from agents.views.agent_versions import AgentPage
from backoffice import generic
from backoffice.forms import PickerField
from backoffice.search.typed import LONGEST_WORDS

MOST_VERSIONS = 50  # offered to choose from
NAMES = {"a": "First agent", "b": "Second agent"}


class CompareForm(forms.Form):
    """The two agents, and of each the version: "" is what is stored now."""

    def __init__(self, *args, chosen, versions, **kwargs):
        """`chosen` is {"a" or "b": Agent}, `versions` the key of the version asked for, by the same names."""
        super().__init__(*args, **kwargs)
        for name in SIDES:
            agents = Agent.objects.select_related("organization")
            self.fields[name] = PickerField(queryset=agents, label=NAMES[name])
            if agent := chosen.get(name):
                self.fields[f"{name}_version"] = forms.ChoiceField(
                    label=f"Its version ({agent})",
                    required=False,
                    choices=version_choices(agent, versions.get(name)),
                )


def version_choices(agent, asked):
    events = list(rows.events_of(agent).defer("old", "new")[:MOST_VERSIONS])
    choices = [("", "As stored now")]
    choices += [
        (str(event.pk), f"After change {event.pk}, {event.at:%Y-%m-%d %H:%M} UTC, {event.actor}")
        for event in events
    ]
    if asked is not None and str(asked) not in dict(choices):
        choices.append(
            (str(asked), f"After change {asked}" if asked else "Before the first change on record")
        )
    return choices


class AgentCompare(generic.ModelPage):
    """?a=<id>&b=<id>, each with @<version> or with a_version=, b_version=. POST takes two checked rows of a list."""

    model = Agent
    action = "view"
    page = "compare"

    def post(self, request):
        checked = list(dict.fromkeys(request.POST.getlist("row")))
        if len(checked) != 2 or "all" in request.POST:
            messages.warning(request, "Check two agents to compare them.")
            return HttpResponseRedirect(f"{self.url('list')}?{request.POST.get('query', '')}")
        return HttpResponseRedirect(f"{request.path}?{urlencode(dict(zip(SIDES, checked, strict=True)))}")

    def get(self, request):
        asked = {name: parse(request.GET.get(name, "")) for name in SIDES}
        for name in SIDES:
            version = request.GET.get(f"{name}_version", "")
            if version.isascii() and version.isdigit() and len(version) < 19:
                asked[name] = asked[name][0], int(version)
        ids = [pk for pk, _ in asked.values() if pk]
        found = Agent.objects.select_related("organization").in_bulk(ids)
        chosen = {name: found[pk] for name, (pk, _) in asked.items() if pk in found}
        errors = {
            name: "There is no such agent." for name in SIDES if request.GET.get(name) and name not in chosen
        }
        sides = {}
        if "_pick" not in request.GET:
            for name, agent in chosen.items():
                sides[name] = side_of(agent, asked[name][1])
                if sides[name] is None:
                    errors[name] = f"{agent} has no change {asked[name][1]}; it is shown as it is stored now."
                    asked[name] = asked[name][0], None
                    sides[name] = side_of(agent, None)
        return self.show(asked, chosen, sides, errors)

    def show(self, asked, chosen, sides, errors):
        ready = len(sides) == len(SIDES) and all(sides.values())
        one, other = (sides.get(name) for name in SIDES)
        context = {
            "page_title": "Compare two agents" if not ready else f"{one.agent} and {other.agent}",
            "crumbs": self.crumbs(),
            "form": self.form(asked, chosen),
            "errors": errors,
            "one": one,
            "other": other,
            "comparison": compare(one, other) if ready else None,
            "swapped_url": f"?a={other.name}&b={one.name}" if ready else "",
            "itself": ready and one.name == other.name,
        }
        missing = [text for text in errors.values() if text == "There is no such agent."]
        return self.render(context, status=422 if missing else 200, template="agents/agent_compare.html")

    def form(self, asked, chosen):
        initial = {}
        for name, agent in chosen.items():
            key = asked[name][1]
            initial |= {name: agent.pk, f"{name}_version": "" if key is None else str(key)}
        versions = {name: key for name, (_, key) in asked.items()}
        form = CompareForm(initial=initial, chosen=chosen, versions=versions)
        for name in SIDES:
            if self.request.GET.get("_pick") == name:
                typed = self.request.GET.get(f"{name}_search", "").strip()
                form.fields[name].widget.typed = typed[:LONGEST_WORDS]
        return form


class AgentCompareWith(AgentPage):
    """From an agent's page: it is the first of the two."""

    action = "view"
    page = "compare_with"
    label = "Compare"
    icon = "git-compare-arrows"

    def get(self, request, pk):
        return HttpResponseRedirect(f"{reverse('agents:agent_compare')}?a={self.object.pk}")
