"""check_page sees what a strict CSP would block however a hostile text wrote it."""

import pytest

from backoffice.testing_crud import Markup


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<SCRIPT type='module'>alert(1)</SCRIPT>",
        "<style>p {}</style>",
        '<p class="a"\nstyle="color: red">',
        "<p STYLE>",
        "<img src=x onerror=alert(1)>",
        "<img/onerror=alert(1)/src=x>",
        '<a title="x" onclick="y" odd">a</a>',
        '<a title="he said "hi" onclick=y">a</a>',
        '<b onclick=x">b',
        "<!-- one --><b onclick='x'>",
        '<a href="?a>b" onclick=x>',
    ],
)
def test_what_is_inline_is_seen(html):
    assert len(Markup(html).blocked) == 1


def test_what_is_in_the_page_is_seen_and_text_is_not():
    page = Markup(
        '<script src="/a.js"></script><script type="application/json">{}</script><!-- <h1 id="no"> -->'
        "<h1 class=big id=one>It's &lt;h1 id=&quot;no&quot;&gt; onclick=</h1>"
        "<p data-id='no' title=\"<h1 id='no'>\">it's</p><P ID='two'>"
    )
    assert (page.headings, page.ids, page.blocked) == (1, ["one", "two"], [])
