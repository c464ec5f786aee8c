"""How tests look at a page in the browser: does it fit desk and phone, is it accessible in light and dark."""

import itertools

from axe_playwright_python.sync_playwright import Axe

DESK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
# A colour halfway to that of the other look is nobody's contrast.
END_TRANSITIONS = """
    for (const one of document.getAnimations())
        if (one.effect.getComputedTiming().endTime !== Infinity) one.finish()
"""
# Where a fault is is told by its HTML: looking for a selector of each element takes a fifth of axe's time.
AXE = {"preload": False, "resultTypes": ["violations"], "selectors": False}
RUN_AXE = """
    ([exclude, options]) => axe.run({ exclude }, options).then((found) =>
        found.violations.map((one) => [one.id, one.nodes[0].html.slice(0, 200)]))
"""
NAVIGATION = ".sidebar"


class Looker:
    """Looks at the open page on desk and phone; what it finds is in `faults`: {name: [what]}.

    axe takes up to a second for a page, so each is held against its rules in one of the two looks, by turns. The
    navigation, a third of its work on a list, is the same on every page: it is held against them once in each look.
    """

    def __init__(self, page):
        self.page = page
        self.faults = {}
        self.turns = itertools.cycle([(DESK, PHONE), (PHONE, DESK)])
        self.navigation_seen = []

    def look(self, name, *, axe=True):
        for look in next(self.turns) if axe else (DESK, PHONE):
            self.page.set_viewport_size(look["viewport"])
            self.page.emulate_media(color_scheme=look["color_scheme"])
            self.page.evaluate(END_TRANSITIONS)
            if wide := overflow(self.page):
                self.note(name, f"{wide} px too wide for {look['viewport']['width']} px")
        if axe:  # in the look that is left
            seen = look in self.navigation_seen
            for violation in violations(self.page, without=[NAVIGATION] if seen else []):
                self.note(name, violation)
            self.navigation_seen.append(look)

    def note(self, name, what):
        self.faults.setdefault(name, []).append(what)


def overflow(page):
    """By how many pixels the page is wider than its window. A page that a click has opened may still be empty."""
    page.wait_for_load_state()
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def violations(page, without=()):
    """[[rule, HTML of the first place]] that axe finds on the open page, outside of what these selectors name."""
    page.evaluate(Axe().axe_script)
    return page.evaluate(RUN_AXE, [list(without), AXE])
