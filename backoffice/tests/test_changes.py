"""How a change of one value is told in histories."""

from backoffice.templatetags.changes import changed


def test_short_values_stand_side_by_side():
    html = changed("<a>", None)
    assert "&lt;a&gt;</del>" in html and "not set" in html


def test_of_long_ones_only_what_differs_is_shown():
    words = " ".join(f"word{n}" for n in range(300))
    html = changed(f"{words} before <b> {words}", f"{words} after <b> {words}")
    assert "<del>before</del>" in html and "<ins>after</ins>" in html
    assert "word150" not in html and "<b>" not in html


def test_a_key_inside_json():
    common = {f"key{n}": f"value {n}" for n in range(30)}
    html = changed({**common, "prompt": "old"}, {**common, "prompt": "new"})
    assert "<del>old</del>" in html and "<ins>new</ins>" in html and "key15" not in html


def test_huge_ones_are_not_compared():
    assert changed("a " * 10_000, "b " * 10_000).startswith("<del")
