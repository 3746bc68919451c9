"""WCAG 2.2, 1.4.3 and 1.4.6, by our own count: axe skips what it cannot see."""

import re

import pytest

from course_lib.site.rendering import FILES

BLOCKS = re.findall(r":root \{(.*?)\n\s*\}", FILES["site.css"], re.DOTALL)
THEMES = dict(zip(("light", "dark", "print"), BLOCKS, strict=True))
GROUNDS = {"paper", "soft"}
TEXT = {"ink", "quiet", "link"}
LINES = {"line"}  # borders: 3:1


def colours(theme: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", THEMES[theme]))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_count_knows_the_two_ends():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_stands_out_from_both_grounds(theme):
    known = colours(theme)
    wanted = {
        name: 7.0 if name in TEXT else 3.0 if name in LINES else 4.5
        for name in known.keys() - GROUNDS
    }

    weak = [
        (name, ground, round(contrast(known[name], known[ground]), 2))
        for name, least in sorted(wanted.items())
        for ground in sorted(GROUNDS)
        if contrast(known[name], known[ground]) < least
    ]

    assert weak == []


def test_the_themes_name_the_same_colours():
    assert colours("light").keys() == colours("dark").keys() == colours("print").keys()


def test_no_rule_has_a_colour_of_its_own():
    rules = FILES["site.css"]
    for block in BLOCKS:
        rules = rules.replace(block, "")

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", rules) == []


def test_nothing_moves():
    assert not re.search(r"transition|animation|@keyframes|smooth", FILES["site.css"])
