"""What a browser loads and sees: bytes of stylesheets and scripts on each kind of page, and how far things move.

    python bench/frontend.py http://localhost:8000   # of a `make run` that runs; see --help

Bytes are those of the bodies as they came over the line. The shift is the browser's own figure (layout-shift, without
what somebody caused): the most of a desk and a phone, light and dark, each with an empty cache and bars to scroll that
take room. Prints what shifted.
"""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
LOOKS = [
    {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    for width, height in ((1280, 800), (390, 844))
    for scheme in ("light", "dark")
]
FIRST = " first "  # the record of the first row of this list
PAGES = {
    "sign-in": "/accounts/login/",
    "home": "/",
    "figures": "/figures/",
    "list": "/tenants/organizations/",
    "tenant": "/tenants/organizations/ first ",
    "conversations": "/agents/conversations/",
    "transcript": "/agents/conversations/ first ",
    "transcript search": "/agents/search/?q=hello",
    "samples": "/agents/samples/",
    "agent": "/agents/agents/ first ",
    "form": "/agents/samples/add/",
    "ledger": "/billing/ledger/",
    "prices": "/billing/prices/",
    "ledger, narrowed": "/billing/ledger/?direction=added",
    "ledger of a tenant": "/tenants/organizations/ first ledger/",
    "month overview": "/billing/overview/",
    "reconciliation": "/billing/reconciliation/",
    "search": "/search/?q=a",
    "health": "/health/",
    "changes": "/audit/changes/",
    "settings": "/me/",
    "not found": "/nowhere/",
}
WATCH = """
    window.moved = [];
    const name = ({ node }) => node?.id || node?.className || node?.nodeName;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            if (!entry.hadRecentInput) window.moved.push([entry.value, entry.sources.map(name)]);
    }).observe({ type: "layout-shift", buffered: true });
"""
LOADED = """
    performance.getEntriesByType("resource").filter((entry) => entry.encodedBodySize).map((entry) =>
        [new URL(entry.name).pathname, entry.encodedBodySize])
"""


def sign_in(page, site, account, password):
    page.goto(f"{site}/accounts/login/")
    page.fill("[name=login]", account)
    page.fill("[name=password]", password)
    page.click("main button:has-text('Sign in')")
    page.wait_for_url(f"{site}/")


def look(browser, address, looks, cookies):
    """({"css": bytes, "js": bytes, "html": bytes}, files, the most shift, what moved) of one page."""
    sizes, files, most, what = {}, 0, 0, []
    for one in looks:
        with browser.new_context(**one) as context:
            context.add_cookies(cookies)
            context.add_init_script(WATCH)
            page = context.new_page()
            page.goto(address, wait_until="networkidle")
            page.wait_for_timeout(300)
            for pixels in (400, 4000):
                page.mouse.wheel(0, pixels)
                page.wait_for_timeout(100)
            found = page.evaluate(LOADED)
            sizes = {
                kind: sum(size for path, size in found if path.endswith(f".{kind}")) for kind in ("css", "js")
            }
            files = sum(path.endswith((".css", ".js")) for path, _ in found)
            sizes["html"] = page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")
            moved = page.evaluate("window.moved")
            if (shift := sum(value for value, _ in moved)) > most:
                most, what = shift, [one["viewport"]["width"], *(sources for _, sources in moved)]
    return sizes, files, most, what


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site")
    parser.add_argument("--account", default="manager@example.test")
    parser.add_argument("--password", default="")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--only", default="", help="names of pages, by commas")
    options = parser.parse_args()
    password = options.password or (ROOT / "var" / "demo-password").read_text().strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.browser, args=["--no-sandbox"], ignore_default_args=["--hide-scrollbars"]
        )
        page = browser.new_page()
        sign_in(page, options.site, options.account, password)
        cookies = page.context.cookies()
        print(f"{'page':20} {'css':>7} {'js':>7} {'files':>6} {'html':>8} {'shift':>7}")
        for name, path in PAGES.items():
            if options.only and name not in options.only.split(","):
                continue
            if FIRST in path:
                of, below = path.split(FIRST)
                page.goto(options.site + of)
                path = page.locator(".row-link").first.get_attribute("href") + below
            signed_in = [] if name == "sign-in" else cookies
            sizes, files, shift, what = look(browser, options.site + path, LOOKS, signed_in)
            print(
                f"{name:20} {sizes['css']:7,} {sizes['js']:7,} {files:6} {sizes['html']:8,} {shift:7.4f}",
                *what,
                flush=True,
            )


if __name__ == "__main__":
    main()
