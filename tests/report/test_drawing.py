"""Lines as SVG: every point where its numbers say, whatever the numbers are."""

import math
import re
from xml.etree import ElementTree

import pytest

from multigan.report.drawing import Line, drawing, number, ticks


def texts(svg: str) -> list[str]:
    return list(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.3, 0.4, [-0.2, 0, 0.2, 0.4]),
        (640, 6400, [2000, 4000, 6000]),
        (11.9, 12.3, [11.9, 12.0, 12.1, 12.2, 12.3]),
    ],
)
def test_ticks_are_round_numbers_of_the_range(low: float, high: float, found: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(found)


def test_samples_are_counted_in_whole_ones() -> None:
    assert ticks(0, 3, least=1) == [0, 1, 2, 3]
    assert [number(x) for x in (-0.0, 0.1 + 0.2, 1500.0, 1e-7)] == ["0", "0.3", "1500", "1e-07"]


def test_points_lie_where_their_numbers_say() -> None:
    root = ElementTree.fromstring(drawing("loss", [Line("loss", [0, 5, 10], [0, 1, 0], "#123456")]))
    _, path = (p for p in root if p.tag.endswith("path"))
    places = [list(map(float, p.split())) for p in path.attrib["d"][1:].split("L")]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 == y2 > y1  # down is up on a page
    assert path.attrib["stroke"] == "#123456"


def test_what_is_not_finite_parts_a_line() -> None:
    y = [1.0, 2.0, math.nan, 3.0, math.inf, 1e300, 2.0, 1.0]
    svg = drawing("loss", [Line("loss", [float(i) for i in range(8)], y, "#123456")])
    line = re.search(r'd="([^"]*)"[^>]*stroke="#123456"', svg)
    assert line is not None
    assert line[1].count("M") == 3
    assert svg.count("<circle") == 1
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize("y", [[math.nan, math.nan], [3.0, 3.0], [0.0, 0.0], [-1e-9, 1e99]])
def test_any_values_can_be_drawn(y: list[float]) -> None:
    ElementTree.fromstring(drawing("loss", [Line("loss", [0.0, 1.0], y, "#123456")]))


def test_several_lines_have_a_legend_that_takes_as_many_rows_as_it_needs() -> None:
    one = Line("a <run>", [0.0, 1.0], [0.0, 1.0], "#123456", "5 2")
    alone, many = drawing("loss", [one]), drawing("loss", [one] * 12)
    assert "a &lt;run&gt;" not in texts(alone)
    assert texts(many).count("a &lt;run&gt;") == 12
    heights = [float(re.search(r'viewBox="0 0 331 (\S+)"', s)[1]) for s in (alone, many)]
    assert heights[1] > heights[0] + 20
    assert many.count('stroke-dasharray="5 2"') == 24
