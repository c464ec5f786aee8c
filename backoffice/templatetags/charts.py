"""Charts in templates (backoffice/charts.py)."""

from django import template

from backoffice import charts

register = template.Library()

register.simple_tag(charts.sparkline)
register.simple_tag(charts.share_bar)


@register.simple_tag
def bar_chart(points, label="", unit="", height=190):
    """Bars of [charts.Bar], or of (label, number) pairs."""
    bars = [
        point if isinstance(point, charts.Bar) else charts.Bar(str(point[0]), point[1])
        for point in points or ()
    ]
    return charts.bar_chart(bars, label, unit=unit, height=height)
