"""The teacher edition of a small course: everything found, nothing lost."""

from __future__ import annotations

import re

import pytest

from course_lib.practice.source import BadExercise
from course_lib.site import SiteError

from .conftest import INDEX

LESSON, EXERCISE = "lessons/00_start.html", "exercises/00_start/1_till.html"


def words(html):
    """The words of the main part, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]).split())


@pytest.fixture
def lesson(small):
    small.build()
    return small.read(LESSON)


@pytest.fixture
def exercise(small):
    small.build()
    return small.read(EXERCISE)


def test_there_is_a_page_for_each_lesson_and_exercise_and_an_index(small):
    pages = [name for name in small.build() if name.endswith(".html")]

    assert pages == [EXERCISE, "index.html", LESSON]
    assert f'href="{LESSON}"' in small.read("index.html")
    assert f'href="{EXERCISE}"' in small.read("index.html")
    assert "The till exercise 00-till, warm-up, 5 minutes" in words(small.read("index.html"))


def test_a_lesson_says_its_minutes_its_goals_and_its_timetable(lesson):
    text = words(lesson)

    assert "What is a till? 20 minutes." in text
    assert "What learners can do afterwards open a till." in text
    assert "1 10 minutes Try it A till opens." in text


def test_a_prediction_has_the_right_answer_each_misconception_and_the_code(lesson):
    text = words(lesson)

    assert "Predict, vote, run: What is in the till? The code def in_the_till (): ..." in text
    assert "Right: 7 Ada put it there. Misconception: nothing It was so in the morning." in text


def test_a_hunt_has_its_code_its_observations_and_its_class_of_bug(lesson):
    text = words(lesson)

    assert "Bug hunt: Which observation shows it? Money is missing. The code class Counts" in text
    assert "Does not show it: Count once. It looks right." in text
    assert "Right: Count twice. Now it is less." in text
    assert "It shows: 7, then 6. Class of bug: lost update." in text


def test_what_comes_after_a_stop_point_stands_in_the_next_part(lesson):
    places = [
        "Part 1, up to minute 10</h2>",
        "What is in the till?</h4>",
        "If there is time</h2>",
        "Which observation shows it?</h4>",
    ]
    assert [*map(lesson.index, places)] == sorted(map(lesson.index, places))


def test_the_open_task_at_the_start_is_there_with_its_code(lesson):
    assert "Try it first Open the till. till () # your idea" in words(lesson)


def test_a_link_without_a_page_here_becomes_text(lesson):
    assert "elsewhere.txt" not in lesson


def test_a_lesson_leads_to_the_exercises_that_need_it(lesson):
    assert '<a href="../exercises/00_start/1_till.html">The till</a>, 5 minutes' in lesson


def test_an_exercise_says_level_minutes_points_and_counts(exercise):
    text = words(exercise)

    assert "00-till, warm-up, 5 minutes, 4 points, after 00 The lesson ." in text
    assert "Scenarios: 2; other right designs: 1; known mistakes: 2." in text


def test_each_scenario_has_its_points_and_how_many_mistakes_it_catches(exercise):
    assert "gives what was put in 1 3 1 takes nothing 2 1 1" in words(exercise)


def test_a_mistake_stands_with_its_scenario_its_message_and_what_it_changes(exercise):
    text = words(exercise)

    assert "takes nothing: 1 What was done A till with 0 in it." in text
    assert (
        "never empty Learners read: “Got: 1”. "
        "Before, in 1_till.py return money After return money or 1" in text
    )


def test_a_mistake_that_is_a_whole_file_is_compared_with_the_nearest_right_answer(small):
    long = "\n".join(f"line_{number} = 0" for number in range(20))
    near = "tests/exercises/00_start/1_till/also_right/near.py"
    small.write(near, f"{long}\ndef till(money):\n    return money\n")
    wrong = '# fails "takes nothing" with "Got: 9"\n' + f"{long}\ndef till(money):\n    return 9\n"
    small.write("tests/exercises/00_start/1_till/mutants/nine.py", wrong)
    small.build()

    text = words(small.read(EXERCISE))

    assert (
        "nine Learners read: “Got: 9”. Before, in near.py "
        "def till(money): return money After def till(money): return 9" in text
    )


def test_a_mistake_far_from_every_right_answer_is_shown_whole(exercise):
    assert "“Got: None”. All of gives_nothing.py def till(money): money" in words(exercise)


def test_hints_reference_and_other_designs_with_their_words_are_there(exercise):
    text = words(exercise)

    assert "What is in it? Give it back. One line." in text
    assert "The reference 1_till.py def till(money): return money" in text
    assert "with a name With a name for the result. The code of" in text


def test_the_task_keeps_its_headings_below_the_pages_own(exercise):
    assert "<h3" in exercise[exercise.index("The task</h2>") :]
    assert exercise.count("<h1") == 1
    assert '<a href="../../lessons/00_start.html">the lesson</a>' in exercise


def test_folded_headings_are_not_in_the_contents(exercise):
    contents = exercise.split('class="contents"')[1].split("</nav>")[0]

    assert "Known mistakes" in contents
    assert "never empty" not in contents


def test_the_edition_is_not_written_where_learners_look(small):
    small.out = small.root / "work" / "teacher"

    with pytest.raises(SiteError, match="where learners look; name a folder outside of it"):
        small.build()

    assert not small.out.exists()


def test_the_edition_does_not_replace_the_learners_pages(small):
    from course_lib.site import build

    build(small.out, root=small.root, course=small.course)

    with pytest.raises(SiteError, match="holds other files"):
        small.build()


def test_a_second_build_gives_the_same_bytes(small):
    small.build()
    before = {path: path.read_bytes() for path in small.out.rglob("*.html")}

    small.build()

    assert {path: path.read_bytes() for path in small.out.rglob("*.html")} == before


def test_a_mistake_that_promises_nothing_stops_the_build(small):
    small.write("tests/exercises/00_start/1_till/mutants/silent.py", "def till(money): ...\n")

    with pytest.raises(BadExercise, match="must begin with: # fails"):
        small.build()


def test_the_command_writes_the_edition_and_says_where_it_is(small, capsys):
    from course_lib.export.command import main

    small.write("course.toml", INDEX)

    code = main(["teacher", str(small.out)], root=small.root)

    assert code == 0
    assert f"3 pages written; open {small.out / 'index.html'}" in capsys.readouterr().out


def test_the_command_takes_no_single_exercise(small):
    from course_lib.export.command import main

    small.write("course.toml", INDEX)

    with pytest.raises(ValueError, match="has all lessons and exercises; name only the folder"):
        main(["teacher", str(small.out), "00-till"], root=small.root)


def test_whole_messages_come_from_running_the_mistakes(small, capsys):
    from course_lib.export.command import main

    small.write("course.toml", INDEX)

    main(["teacher", str(small.out), "--messages"], root=small.root)

    assert capsys.readouterr().err == "00-till: running its known mistakes\n"
    text = words(small.read(EXERCISE))
    assert "never empty Learners read 00-till: not right yet, task 2 Scenario: takes" in text
    assert "What was done: A till with 0 in it. Expected: 0 Got: 1 Next: Read task 2" in text
    assert "gives nothing Learners read 00-till: not right yet, task 1 Scenario: gives" in text
