"""Data health: an overview, a page per section, the button that checks again."""

from dataclasses import replace

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from backoffice import generic
from backoffice.health.ages import read_ages
from backoffice.health.checking import open_job, start_check
from backoffice.health.facts import fact_of
from backoffice.health.findings import GOOD, LEVELS, OF_ROWS, SECTIONS, WARN, verdict
from backoffice.health.rules import all_rules
from backoffice.health.sizes import GROWTH_DAYS, sizes
from backoffice.health.store import FRESH_ENOUGH_SECONDS, PARTS, check_catalog, look_at_catalog
from backoffice.models import HealthCheck, HealthFinding

# More findings than that of one section are in the list of all findings only.
SHOWN = 300
FIRST = 3
# Tables below this size stand apart.
SMALL_BYTES = 1024 * 1024
VERDICTS = {"bad": "Bad", "warn": "Worth mending", "good": "Good"}
NOTHING_YET = "Nothing was checked yet: the worker does it within a minute of its start."


class HealthPage(generic.ModelPage):
    model = HealthFinding
    action = "view"
    page = "health"

    def deed(self):
        return "see the data's health"

    def crumbs(self):
        return [("Data health", reverse("health"))]

    def shared(self):
        checks = {check.part: check for check in HealthCheck.objects.all()}
        return {
            "checks": checks,
            "rows_check": checks.get("rows"),
            "may_check": self.request.user.has_perm("backoffice.run_health_check"),
            "open_job": open_job(),
            "levels": LEVELS,
        }


class HealthOverview(HealthPage):
    """Every section with its verdict, its counts, and the first of what is wrong."""

    def get(self, request):
        is_now = look_at_catalog(FRESH_ENOUGH_SECONDS)
        context = self.shared() | {"is_old": not is_now}
        counts = {}
        for section, level, count in (
            HealthFinding.objects.order_by().values_list("section", "level").annotate(Count("pk"))
        ):
            counts.setdefault(section, {})[level] = count
        worst = list(HealthFinding.objects.filter(level__in=["bad", "warn"])[:SHOWN])
        cards = []
        for name, section in SECTIONS.items():
            found = counts.get(name, {})
            check = context["checks"].get(PARTS[name])
            cards.append(
                {
                    "label": section.label,
                    "icon": section.icon,
                    "url": reverse("health_section", args=[name]),
                    "verdict": verdict(found) if check else "",
                    "counts": [
                        (LEVELS[level], found[level], level) for level in list(LEVELS)[:3] if level in found
                    ],
                    "first": [finding for finding in worst if finding.section == name][:FIRST],
                    "well": section.all_well,
                    "check": check,
                }
            )
        context |= {
            "page_title": "Data health",
            "cards": [*cards, sizes_card(context["checks"].get("sizes")), ages_card()],
            "verdicts": VERDICTS,
            "nothing_yet": NOTHING_YET,
        }
        return self.render(context, template="backoffice/health.html")


def sizes_card(check):
    tables = sizes() if check else []
    waiting = [size for size in tables if size.needs_vacuum]
    return {
        "label": "Sizes of tables",
        "icon": "hard-drive",
        "url": reverse("health_section", args=["sizes"]),
        "verdict": ("warn" if waiting else "good") if check else "",
        "counts": [("Want a vacuum", len(waiting), WARN)] if waiting else [],
        "tables": tables[:FIRST],
        "check": check,
    }


def ages_card():
    found = read_ages()
    levels = [age.verdict for age in found]
    return {
        "label": "Age of rollups and indexes",
        "icon": "clock",
        "url": reverse("health_section", args=["ages"]),
        "verdict": verdict(levels),
        "counts": [
            (label, levels.count(level), level)
            for level, label in (("bad", "Bad"), ("warn", "Old"))
            if level in levels
        ],
        "ages": sorted((age for age in found), key=lambda age: list(VERDICTS).index(age.verdict))[:FIRST],
        "check": None,
        "is_live": True,
    }


class HealthSection(HealthPage):
    """One section, with everything that was found in it."""

    def get(self, request, section):
        context = self.shared() | {
            "crumbs": self.crumbs(),
            "verdicts": VERDICTS,
            "nothing_yet": NOTHING_YET,
            "section_name": section,
        }
        if section == "sizes":
            context |= {"page_title": "Sizes of tables", "growth_days": GROWTH_DAYS}
            found = sizes()
            context["sizes"] = [size for size in found if size.total_bytes >= SMALL_BYTES]
            context["small"] = [size for size in found if size.total_bytes < SMALL_BYTES]
            return self.render(context, template="backoffice/health_sizes.html")
        if section == "ages":
            context |= {"page_title": "Age of rollups and indexes", "ages": self.ages()}
            return self.render(context, template="backoffice/health_ages.html")
        if section not in SECTIONS:
            raise Http404("There is no such section.")
        if section not in OF_ROWS:
            context["is_old"] = not look_at_catalog()
        known = SECTIONS[section]
        findings = list(HealthFinding.objects.filter(section=section)[: SHOWN + 1])
        context["checks"] = {check.part: check for check in HealthCheck.objects.all()}
        context |= {
            "page_title": known.label,
            "known": known,
            "findings": findings[:SHOWN],
            "is_more": len(findings) > SHOWN,
            "verdict": verdict(finding.level for finding in findings),
            "check": context["checks"].get(PARTS[section]),
        }
        if section in OF_ROWS:
            rules = all_rules()
            rows = [(finding, rules.get(finding.rule)) for finding in findings]
            counted = {finding.rule for finding in findings}
            context |= {
                "found": [row for row in rows if row[0].level != GOOD],
                "nothing_found": [row for row in rows if row[0].level == GOOD],
                "not_counted": [
                    rule for rule in rules.values() if rule.section == section and rule.name not in counted
                ],
            }
            return self.render(context, template="backoffice/health_rules.html")
        context["fact"] = fact_of(section)
        context["missing"] = any(finding.rule in ("index_missing", "index_invalid") for finding in findings)
        return self.render(context, template="backoffice/health_section.html")

    def ages(self):
        """Those whose page the reader may not see without a link to it."""
        for age in read_ages():
            may_open = not age.permission or self.request.user.has_perm(age.permission)
            yield age if may_open else replace(age, url="")


class HealthCheckNow(HealthPage):
    """The button: reads the catalog at once, and looks at rows in a job, which the page of the job follows."""

    http_method_names = ["post"]
    permission = "backoffice.run_health_check"

    def deed(self):
        return "check the data's health"

    def post(self, request):
        check_catalog()
        job = start_check(request.user)
        if job.owner_id != request.user.pk:
            messages.info(request, "A check is under way already; reload this page to see what it found.")
            return HttpResponseRedirect(reverse("health"))
        return HttpResponseRedirect(job.get_absolute_url())
