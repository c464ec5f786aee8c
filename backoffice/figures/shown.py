"""What the dashboard and the page of figures show of a Span: tiles, charts, breakdowns, notes, each with its rows."""

import datetime
from collections import defaultdict
from decimal import Decimal
from functools import cached_property

from django.apps import apps

from backoffice import charts
from backoffice.figure_models import Source
from backoffice.figures import measures, periods, read
from backoffice.figures.measures import BY_NAME, change
from backoffice.templatetags import ui

DAYS_DRAWN = 100  # of more days, weeks are drawn
TILES = ("active", "conversations", "calls", "minutes", "tokens", "cost")
CHARTS = (
    "active", "conversations", "messages", "calls", "minutes", "tokens", "cost", "call_cost", "failed_calls",
    "failed_conversations", "signups",
)  # fmt: skip
ADDED_UP = {Source.ACTIVE: False}  # a tenant that is active on two days is one
# Columns of the table by channel and of that by model.
PARTS = {
    "channel": ("Channel", ("conversations", "failed_conversations", "tokens", "cost")),
    "model": ("Model", ("usage", "tokens", "cost")),
}
BY = ("tokens", "cost", "conversations", "messages", "calls", "minutes", "call_cost", "failed_calls")
COLUMN_OF = {"minutes": "seconds"}
NOTES = (
    ("unpriced", "usage record{s} with tokens and no cost: the platform computes none"),
    ("zero", "call{s} without a duration: the platform never closes its log"),
)


class Figures:
    """The figures of a Span as one person may see them."""

    def __init__(self, span, user):
        self.span = span
        self.may_open = {
            name: measure.applies_to(span) and measure.may_open(user) for name, measure in BY_NAME.items()
        }
        self.sums = read.by_day(span)

    def total(self, measure, span):
        """The figure over all days of a span; the sums of both spans are read already."""
        days = (span.since,) if span.since == span.until else span.days
        found = [self.sums.get((measure.source, day)) for day in days]
        return sum([measure.value(sums) for sums in found if sums], 0)

    @cached_property
    def ends(self):
        """[(Span, Span before, at the axis, in words)] of the bars: a day each, or a week (from the first day on) where
        there are many.
        """
        size = 1 if self.span.length <= DAYS_DRAWN else 7
        back = datetime.timedelta(days=self.span.length)
        found = []
        for start in range(0, self.span.length, size):
            since = self.span.since + datetime.timedelta(days=start)
            until = min(since + datetime.timedelta(days=size - 1), self.span.until)
            span = self.span.of(since, until)
            found.append((span, self.span.of(since - back, until - back), short(since), long(span)))
        return found

    def tile(self, name, content=None):
        """{label, icon, url, value, note, spark}; active tenants are those of `content` (read.most)."""
        measure = BY_NAME[name]
        if not self.may_open[name]:
            return None
        if name == "active":
            total, before = content["active"], content["active_before"]
        else:
            total, before = self.total(measure, self.span), self.total(measure, self.span.before)
        daily = [measure.value(self.sums.get((measure.source, day))) for day in self.span.days]
        return {
            "name": name,
            "label": measure.label,
            "icon": measure.icon,
            "url": measure.url(self.span),
            "number": total,
            "value": measure.text(total),
            "unit": measure.unit if measure.unit == "USD" else "",
            "note": compared(measure.text(before), change(total, before)),
            "spark": charts.sparkline(daily, partial=self.is_current),
        }

    @property
    def is_current(self):
        return self.span.until >= periods.today()

    def failure_tile(self):
        """Calls that failed or were busy, of all."""
        if not (self.may_open["failed_calls"] and self.may_open["calls"]):
            return None
        rates = []
        for span in (self.span, self.span.before):
            failed = self.total(BY_NAME["failed_calls"], span)
            calls = self.total(BY_NAME["calls"], span)
            rates.append((failed, calls, percent(failed, calls)))
        (failed, calls, rate), (_, _, before) = rates
        tile = self.tile("failed_calls")
        words = f"{ui.number(failed)} of {ui.number(calls)} call{'' if calls == 1 else 's'}"
        return tile | {
            "label": "Failure rate of calls",
            "value": rate or "–",
            "note": f"{words}; before: {before}" if before else words,
        }

    def latency_tile(self):
        if not self.may_open["latency"]:
            return None
        measure = BY_NAME["latency"]
        now, before = read.latency(self.span)
        return {
            "name": "latency",
            "label": "Latency of replies (p95)",
            "icon": measure.icon,
            "url": measure.url(self.span),
            "number": now.measured if now else 0,
            "value": f"about {ui.milliseconds(now.p95)}" if now else "–",
            "note": (
                f"half within {ui.milliseconds(now.p50)}; {ui.number(now.measured)} measured"
                if now
                else "nothing was measured"
            )
            + (f"; before: {ui.milliseconds(before.p95)}" if before else ""),
        }

    def tiles(self, content):
        found = [self.tile(name, content) for name in TILES]
        return [tile for tile in (*found, self.failure_tile(), self.latency_tile()) if tile]

    def charts(self, names=CHARTS):
        """[{name, label, icon, unit, url, total, note, bars, is_empty, drawing}] of measures, a bar per day or week."""
        ends, current = self.ends, self.is_current
        for name in names:
            measure = BY_NAME[name]
            if not self.may_open[name] or (measure.source in ADDED_UP and len(ends) != self.span.length):
                continue
            bars = [
                charts.Bar(
                    label=label,
                    name=words,
                    value=self.total(measure, span),
                    before=self.total(measure, before),
                    url=measure.url(span),
                    is_partial=current and span.until == self.span.until,
                )
                for span, before, label, words in ends
            ]
            added = measure.source not in ADDED_UP
            total, before = (
                self.total(measure, span) if added else None for span in (self.span, self.span.before)
            )
            yield {
                "name": name,
                "label": measure.label,
                "icon": measure.icon,
                "unit": charts.unit_of(total, measure.unit),
                "url": measure.url(self.span),
                "total": measure.text(total) if added else "",
                "number": total,
                "note": compared(measure.text(before), change(total, before))
                if added
                else "each day by itself",
                "bars": bars,
                "is_empty": not any(bar.value or bar.before for bar in bars),
                "drawing": charts.bar_chart(
                    bars,
                    f"{measure.label} by {'day' if len(ends) == self.span.length else 'week'}",
                    unit=measure.unit,
                    places=measure.places,
                    key=name,
                    before=between(self.span.before),
                ),
            }

    def latency_chart(self):
        """The slowest 5 % by day, where something was measured; None elsewhere and where weeks are drawn."""
        if not self.may_open["latency"] or len(self.ends) != self.span.length:
            return None
        by_day = read.latency_by_day(self.span)
        if not by_day:
            return None
        measure = BY_NAME["latency"]
        bars = [
            charts.Bar(
                label=label,
                name=words,
                value=by_day[span.since].p95 if span.since in by_day else None,
                url=measure.url(span) if span.since in by_day else "",
                is_partial=self.is_current and span.since == self.span.until,
            )
            for span, _, label, words in self.ends
        ]
        return charts.bar_chart(bars, "Latency of replies by day (p95)", unit="ms", key="latency")

    def parts(self):
        """[{label, columns, rows: [{name, cells: [{text, url, before, share}]}]}], by channel and by model."""
        found = read.by_part(self.span)
        for part, (label, names) in PARTS.items():
            columns = [BY_NAME[name] for name in names if self.may_open[name]]
            if not columns:
                continue
            rows = [self.part_row(part, value, sums, columns) for value, sums in found[part].items()]
            rows = [row for row in rows if any(cell["number"] for cell in row["cells"])]
            rows.sort(key=lambda row: [-cell["number"] for cell in row["cells"]] + [row["name"]])
            for place in range(len(columns)):
                top = max((row["cells"][place]["number"] for row in rows), default=0)
                for row in rows:
                    row["cells"][place]["share"] = charts.share_bar(row["cells"][place]["number"], top)
            yield {"part": part, "label": label, "columns": columns, "rows": rows}

    def part_row(self, part, value, sums, columns):
        cells = []
        for measure in columns:
            now, before = sums.get(measure.source, (None, None))
            number, earlier = measure.value(now), measure.value(before)
            cells.append(
                {
                    "label": measure.label.removesuffix(" conversations"),  # short, for phones
                    "number": number,
                    "text": measure.text(number),
                    "url": measure.url(self.span, **{part: value or measures.NONE}) if number else "",
                    "before": measure.text(earlier),
                    "change": change(number, earlier),
                }
            )
        return {"name": value, "cells": cells}

    def tenants(self, by, content):
        """The tenants with the most of a measure, and the rest: {label, rows, rest, shared}."""
        measure = BY_NAME[by]
        most = content["most"][COLUMN_OF.get(by, by)]
        names = organization_names([tenant for tenant, _, _ in most if tenant])
        rows, told = [], 0
        top = max((Decimal(now) for _, now, _ in most), default=0)
        for tenant, now, before in most:
            number, earlier = (Decimal(text) / measure.divisor for text in (now, before))
            told += number
            own = {"organization": tenant} if tenant else {"shared": "yes"}
            rows.append(
                {
                    "tenant": tenant,
                    "record": names.get(tenant),
                    "number": number,
                    "text": measure.text(number),
                    "url": measure.url(self.span, **own),
                    "before": measure.text(earlier),
                    "change": change(number, earlier),
                    "share": charts.share_bar(Decimal(now), top),
                }
            )
        rest = self.total(measure, self.span) - told
        return {"measure": measure, "rows": rows, "rest": measure.text(rest) if rest > 0 else ""}

    def notes(self):
        """[(text, number, url)] of what the figures lack or hold that is odd."""
        for name, words in NOTES:
            measure = BY_NAME[name]
            number = self.total(measure, self.span) if self.may_open[name] else 0
            if number:
                yield words.format(s="" if number == 1 else "s"), number, measure.url(self.span)
        timeless = defaultdict(int)
        for (source, day), sums in self.sums.items():
            if day is None:
                timeless[source] += sums["rows"]
        for name in ("usage", "calls", "conversations"):
            measure = BY_NAME[name]
            if self.may_open[name] and (number := timeless[measure.source]):
                noun = measure.label.lower()
                words = (
                    f"{noun.removesuffix('s')} without a usable time is"
                    if number == 1
                    else f"{noun} without a usable time are"
                )
                yield f"{words} in no figure", number, timeless_url(measure, self.span)


def timeless_url(measure, span):
    """The rows of no day: the address without its days."""
    return measure.url(span, time="no").replace(
        f"{measure.from_name}={span.since}&{measure.to_name}={span.until}&", ""
    )


def compared(before, words):
    return f"before: {before}" + (f" ({words})" if words else "")


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else ""


def short(day):
    return f"{day.day} {day:%b}"


def long(span):
    if span.since == span.until:
        return f"{span.since:%a} {span.since.day} {span.since:%b} {span.since.year}"
    return between(span)


def between(span):
    """ "3 Nov to 2 Dec 2026", "3 Nov 2026"."""
    if span.since == span.until:
        return f"{short(span.since)} {span.since.year}"
    return f"{short(span.since)} to {short(span.until)} {span.until.year}"


def organization_names(ids):
    organizations = apps.get_model("tenants.Organization").objects.filter(pk__in=ids).only("name")
    return {str(row.pk): row for row in organizations}
