"""Exhibits as HTML that needs nothing beside it: for the page of a run, and for the demo."""

import base64
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader

from multigan.domains.shown import Exhibit


@lru_cache
def environment() -> Environment:
    """The templates, and what they turn pictures and sounds into."""
    made = Environment(
        loader=PackageLoader("multigan.report", "templates"), autoescape=True, trim_blocks=True
    )
    made.filters |= {"url": _url, "png": lambda content: data_url(content, "image/png")}
    return made


def exhibits_html(shown: Sequence[Exhibit]) -> str:
    """Exhibits with their own style, to stand within another page."""
    style = environment().get_template("exhibits.css").render()
    body = environment().get_template("exhibits.html.j2").module.exhibits(shown)  # type: ignore[attr-defined]
    return f'<style>{style}</style><div class="pair">{body}</div>'


def data_url(content: bytes, media: str) -> str:
    """A file as the address of itself."""
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def _url(exhibit: Exhibit) -> str:
    assert isinstance(exhibit.content, bytes)
    return data_url(exhibit.content, exhibit.media)
