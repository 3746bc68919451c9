"""The pages of marks: what a learner reads, and what an instructor reads about the class."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from course_lib.grading import class_report, page_parts
from course_lib.grading.class_report import class_page
from course_lib.grading.gradebooks import gradescope
from course_lib.grading.known_mistakes import known_mistakes, recognised
from course_lib.grading.marking import Mark, Marked
from course_lib.grading.pages import feedback_page
from course_lib.grading.roster import Learner
from course_lib.grading.rows import GradedRow
from course_lib.practice.feedback import Report, Row

TAKES, REFUSES, REFILLS = "takes chairs", "refuses more than there are", "refills"
SCENARIOS = [
    SimpleNamespace(meaning=m, task=t) for m, t in [(TAKES, 1), (REFUSES, 1), (REFILLS, 2)]
]
EXERCISE = SimpleNamespace(
    id="01.1-counter",
    title="A counter",
    is_project=False,
    checks=SimpleNamespace(points=4, scenarios=SCENARIOS),
)
KNOWN = {(REFUSES, "got 'given'"): ["off by one"], (REFUSES, "got"): ["takes first"]}


def marked(points, *outcomes, first="", got=""):
    """Marks of the three scenarios, worth 2, 1 and 1."""
    marks = tuple(
        Mark(each.meaning, each.task, worth if outcome == "right" else 0, worth, outcome)
        for each, worth, outcome in zip(SCENARIOS, (2, 1, 1), outcomes, strict=True)
    )
    outcome = "wrong" if first else "right"
    rows = (Row("Scenario", first), Row("Got", got, code=True)) if first else ()
    report = Report("01.1-counter: result", rows, outcome=outcome, scenario=first)
    return Marked("01.1-counter", points, 4, marks, report)


def right():
    return marked(4, "right", "right", "right")


def off_by_one():
    return marked(2, "right", "wrong", "left out", first=REFUSES, got="got 'given'")


def row(number, result=None, *, name="", problem=""):
    name = name or f"Learner {number}"
    return GradedRow(Learner(name), f"{number}.py", f"{number:03}-page", result, problem)


def report(*rows):
    return class_page(rows, [EXERCISE], {"01.1-counter": KNOWN}, "Nobody saw the seed.")


def words(page):
    """The page as text, tags taken out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1]))


def test_the_report_begins_with_how_many_have_a_mark_and_how_it_was_protected():
    page = words(report(row(1, right()), row(2, problem="Nothing was handed in.")))

    assert "1 of 2 have a mark. Nobody saw the seed." in page


def test_the_middle_mark_and_those_with_all_points_are_said():
    page = words(report(row(1, right()), row(2, right()), row(3, off_by_one())))

    assert "The middle mark is 4 of 4 points. 2 of 3 have them all." in page


def test_each_number_of_points_has_a_row_with_its_count():
    page = words(report(row(1, right()), row(2, off_by_one()), row(3, off_by_one())))

    assert "Points Learners 4 1 3 0 2 2 1 0 0 0" in page


def test_a_bar_is_as_long_as_its_number():
    page = report(row(1, right()), row(2, off_by_one()), row(3, off_by_one()))

    bars = re.findall(r'<th scope="row">(\d)<svg[^>]*>(?:<rect[^>]* width="([\d.]+)%)?', page)
    assert bars == [("4", "50.00"), ("3", ""), ("2", "100.00"), ("1", ""), ("0", "")]


def test_the_scenario_that_fails_first_most_often_comes_first():
    page = words(report(row(1, right()), row(2, off_by_one())))

    assert page.index(f"{REFUSES} 1 passed, 1 did not, 0 left out; task 1 1") < page.index(
        f"{TAKES} 2 passed, 0 did not, 0 left out; task 1 0"
    )
    assert f"{REFILLS} 1 passed, 0 did not, 1 left out; task 2 0" in page


def test_the_parts_of_a_scenarios_bar_lie_side_by_side():
    page = report(row(1, right()), row(2, off_by_one()))

    [bar] = re.findall(rf"{REFILLS}<svg[^>]*>(.*?)</svg>", page)
    assert re.findall(r'class="(\w+)" x="([\d.]+)%" width="([\d.]+)%', bar) == [
        ("blue", "0.00", "50.00"),
        ("grey", "50.00", "50.00"),
    ]


def test_a_known_mistake_is_counted_with_the_longest_words_that_fit():
    page = words(report(row(1, off_by_one()), row(2, off_by_one())))

    assert "off by one in “refuses more than there are”, with “got &#x27;given&#x27;”" in page
    assert "takes first" not in page


def test_a_known_mistake_names_who_made_it_and_links_to_their_pages():
    page = report(row(7, off_by_one()))

    who = page[page.index("<summary>Who") : page.index("</details>")]
    assert '<a href="feedback/007-page.html">Learner 7</a>' in who


def test_of_a_very_common_mistake_only_the_first_are_named(monkeypatch):
    monkeypatch.setattr(class_report, "NAMED", 2)

    page = words(report(*(row(n, off_by_one()) for n in range(1, 6))))

    assert "Who Learner 1 Learner 2 and 3 more" in page


def test_failures_that_no_known_mistake_explains_are_counted():
    unknown = marked(0, "crashed", "left out", "left out", first=TAKES, got="None")

    page = words(report(row(1, unknown), row(2, off_by_one())))

    assert "1 more failed at a scenario in a way that fits no known mistake" in page


def test_who_has_not_started_made_no_mistake():
    result = marked(0, *["not started"] * 3, first=TAKES)
    result = replace(result, report=replace(result.report, outcome="not started"))

    page = words(report(row(1, result)))

    assert "fits no known mistake" not in page
    assert "Learner 1 01.1-counter: result 0" in page


def test_one_learner_is_no_learners():
    assert "What 1 learner did in each scenario" in words(report(row(1, right())))


def test_who_has_no_mark_is_listed_with_the_reason():
    page = words(report(row(1, right()), row(2, problem=".pdf is no notebook.")))

    assert "The 1 without a mark, and why Name File Why Learner 2 2.py .pdf is no notebook." in page


def test_an_exercise_in_which_nobody_has_a_mark_says_so():
    assert "Nobody has a mark for this exercise." in words(report(row(1, problem="Not there.")))


def test_a_crowd_is_counted_and_not_listed():
    crowd = [row(n, right()) for n in range(1, 10_001)]

    page = report(*crowd, row(10_001, problem="Nothing was handed in."))

    assert len(page) < 30_000
    assert "There are 10000, so they are not listed here" in page
    assert "Learner 10001" in page
    assert "Learner 5000" not in page


def test_what_learners_wrote_is_escaped_in_the_report():
    page = report(row(1, off_by_one(), name="<b>Ana"), row(2, problem="<script>", name="\udc80"))

    assert "&lt;b&gt;Ana" in page
    assert "<b>" not in page
    assert "<script>" not in page
    page.encode("utf-8")


def test_feedback_says_the_points_and_what_to_mend_first():
    page = words(feedback_page(row(1, off_by_one()), "A counter"))

    assert "Learner 1: A counter 2 of 4 points 1 of 3 scenarios passed." in page
    assert page.index("What to mend first") < page.index("Every scenario")


def test_feedback_names_parts_as_the_exercise_does():
    marked = row(1, off_by_one())

    assert "task 1" in words(feedback_page(marked, "A counter"))
    assert "milestone 1" in words(feedback_page(marked, "A project", part="milestone"))
    assert '"name": "Milestone 1: ' in gradescope(marked, part="milestone")


def test_feedback_explains_the_outcomes_that_are_there_and_no_other():
    page = words(feedback_page(row(1, off_by_one()), "A counter"))

    assert "Not right yet your code ran" in page
    assert "Left out it builds on" in page
    assert "Crashed" not in page


def test_feedback_says_that_there_were_other_answers():
    several = replace(row(1, right()), among=3)

    page = words(feedback_page(several, "A counter"))

    assert "Handed in as 1.py . It is one of 3 answers, and the others were not marked." in page


def test_feedback_on_a_right_answer_has_nothing_to_mend():
    page = words(feedback_page(row(1, right()), "A counter"))

    assert "4 of 4 points 3 of 3 scenarios passed." in page
    assert "mend" not in page


def test_feedback_without_a_mark_says_why_and_what_was_handed_in():
    page = words(feedback_page(row(3, problem=".pdf is no notebook."), "A counter"))

    assert "There is no mark: .pdf is no notebook. Handed in as 3.py ." in page


def test_an_answer_that_cannot_be_read_is_no_known_mistake(root):
    known = known_mistakes(root / "tests/exercises/01_shop/1_counter/mutants")
    unreadable = marked(0, "left out", "left out", "left out")

    assert known
    assert recognised(unreadable, known) is None


COLOURS = re.compile(r"--(\w+): (#[0-9a-f]{6})")


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["blue", "orange", "grey", "line"])
def test_a_bar_stands_out_from_the_page(theme, colour):
    light, dark = page_parts._STYLE.split("@media (prefers-color-scheme: dark)")
    colours = dict(COLOURS.findall({"light": light, "dark": dark}[theme]))

    assert contrast(colours[colour], colours["paper"]) >= 3
    assert contrast(colours[colour], colours["soft"]) >= 3
