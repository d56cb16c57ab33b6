"""A page read as a browser would: its tags close, and what it would load or lead to is known."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "circle", "line", "rect", "path", "polyline", "input", "image"}


class Balance(HTMLParser):
    """Fails on a tag that is closed wrongly; collects what would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith(("data:", "#"))]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def outside(html: str) -> list[str]:
    """What the page would load from elsewhere or leads to; fails where its tags do not close or it holds a script."""
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "<script" not in html
    return parser.outside
