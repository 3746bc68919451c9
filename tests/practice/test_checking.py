"""What a check says about every kind of answer."""

import html
import re
import sys
import threading

import pytest

from course_lib.practice import check, reports
from course_lib.practice.checking import check_namespace, judge, nearly, unreadable_cell
from course_lib.practice.opened import open_exercise

ID = "01.1-counter"


def test_a_right_answer_is_right_with_all_points(learner, counter):
    report = learner(counter("pass"))

    assert report.right
    assert (report.points, report.of_points) == (4, 4)
    assert "Marking uses other inputs." in report.text
    assert f'solution("{ID}")' in report.text


def test_nothing_written_is_not_started(learner):
    report = learner("")

    assert report.outcome == "not started"
    assert "Missing: Counter" in report.text


def test_the_stub_is_not_started_and_names_the_task(learner, counter):
    report = learner(counter("raise NotImplementedError"))

    assert report.outcome == "not started"
    assert "task 1" in report.headline
    assert "did not pass yet" not in report.text


def test_a_wrong_answer_gets_done_expected_got_and_one_next_step(learner, counter):
    report = learner(counter("self.chairs -= 1"))

    assert report.outcome == "wrong"
    assert report.text.splitlines() == [
        f"{ID}: not right yet, task 1",
        "Scenario: takes chairs",
        "What was done: A counter with 10 chairs, a few taken.",
        "Expected: 6",
        "Got: 5",
        "Next: Take n away from chairs.",
        "1 more scenario did not pass yet.",
    ]


def test_the_first_entry_that_differs_is_shown(learner, counter):
    report = learner(counter("if n > self.chairs == 3:", "    self.chairs = 5", "    raise TooFew"))

    assert "Look at: 'left afterwards'" in report.text
    assert "Expected: 3" in report.text
    assert "Got: 5" in report.text


def test_points_are_those_of_the_scenarios_that_passed(learner, counter):
    code = counter("pass").replace("self.chairs += n", "self.chairs = n")

    report = learner(code)

    assert report.scenario == "refills"
    assert (report.points, report.of_points) == (3, 4)


def test_a_scenario_is_left_out_when_one_it_needs_failed(learner, counter):
    report = learner(counter("print('12345', end='')", "return None"))

    assert "Your code printed 5 characters" in report.text  # told once, not three times


def test_a_crash_names_the_error_and_the_learners_own_line(learner, counter):
    report = learner(counter("rest = {}", "rest['chair']"))

    assert report.outcome == "crashed"
    assert "Error: KeyError: 'chair'" in report.text
    assert "Your code: line 10 of cell: rest['chair']" in report.text
    assert "checks.py" not in report.text
    assert "Traceback" not in report.text


def test_a_crash_before_any_line_of_the_learner_has_no_line(learner):
    report = learner("class TooFew(Exception): pass\nclass Counter: pass")

    assert "Error: TypeError: Counter() takes no arguments" in report.text
    assert "Your code" not in report.text


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (("import sys", "sys.exit(3)"), "SystemExit: 3"),
        (("raise KeyboardInterrupt",), "KeyboardInterrupt"),
        (("raise GeneratorExit",), "GeneratorExit"),
        (("return self.take(n)",), "RecursionError: maximum recursion depth exceeded"),
        (("raise MemoryError",), "MemoryError"),
    ],
)
def test_what_would_end_a_program_is_reported_not_passed_on(learner, counter, lines, error):
    report = learner(counter(*lines))

    assert report.outcome == "crashed"
    assert f"Error: {error}" in report.text


def test_an_error_whose_text_calls_exit_is_still_only_reported(learner, counter):
    lines = ("class Rude(Exception):", "    def __str__(self): raise SystemExit", "raise Rude")

    assert "Error: Rude" in learner(counter(*lines)).text


@pytest.mark.parametrize(
    "lines",
    [
        ("while True: pass",),
        ("while True:", "    try: pass", "    except: pass"),
        ("import time", "time.sleep(1000)"),
        ("import threading", "lock = threading.Lock()", "lock.acquire()", "lock.acquire()"),
        ("class Slow:", "    def __repr__(self):", "        while True: pass", "return Slow()"),
    ],
)
def test_code_that_never_ends_ran_too_long(root, learner, counter, lines):
    lower_limits(root)

    report = learner(counter(*lines))

    assert report.outcome == "crashed"
    assert "ran too long" in report.headline
    assert "stopped after 0.1 s" in report.text
    assert "of cell:" in report.text
    assert "2 more scenarios did not pass yet." in report.text


def lower_limits(root):
    checks = root / "exercises/01_shop/1_counter/checks.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(text.replace("points=2,", "points=2, limit=0.1,"), encoding="utf-8")


def test_the_check_is_as_good_as_new_after_a_loop(root, learner, counter):
    lower_limits(root)
    learner(counter("while True: pass"))

    assert learner(counter("pass")).right


def test_a_hundred_megabytes_of_print_stay_out_of_the_way(learner, counter, capsys):
    report = learner(counter("print('x' * 40_000_000)"))

    assert report.right
    assert "Your code printed 120,000,003 characters; they are not shown." in report.text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "value",
    [
        "'<script>alert(1)</script>' * 10_000",
        "10**40_000",
        "self",
        "type('Evil', (), {'__eq__': lambda *a: True, '__repr__': lambda s: 'x' * 10**7})()",
        "[[[[[[[[n]]]]]]]] * 1000",
    ],
)
def test_any_value_fits_in_the_report_and_is_escaped(learner, counter, value):
    report = learner(counter(f"return {value}"))

    assert report.outcome == "wrong"
    assert len(report.text) <= 600
    assert "<script" not in report._repr_html_()


def test_html_and_text_say_the_same(learner, counter):
    report = learner(counter("print('x')", "return '<b>&'"))

    words = html.unescape(re.sub(r"<[^>]+>", " ", report._repr_html_()))

    assert words.split() == re.sub(r"(?m)^([A-Z][a-z ]+):", r"\1", report.text).split()


def test_a_near_miss_of_the_name_is_offered(learner, counter):
    report = learner(counter("pass").replace("class Counter", "class Conuter"))

    assert report.outcome == "not started"
    assert "there is Conuter, which is nearly the same" in report.text
    assert "Rename Conuter to Counter" in report.text


def test_only_names_of_the_learners_own_are_offered():
    import collections

    assert nearly("Counter", {"__name__": "learner", "counter": collections.Counter}) == ""


BROKEN = "class Counter:\n    def take(self, n)\n        return n\n"


def test_a_cell_that_does_not_parse_is_named_even_if_an_older_one_ran(learner, counter):
    good = counter("pass")

    report = learner(good, In=["", good, BROKEN, "check()"])

    assert report.outcome == "crashed"
    assert "Python cannot read your newest cell" in report.text
    assert "SyntaxError: expected ':'" in report.text
    assert "line 2: def take(self, n)" in report.text


def test_a_broken_cell_that_was_mended_is_forgotten(learner, counter):
    good = counter("pass")

    assert learner(good, In=["", BROKEN, good]).right


def test_broken_cells_about_other_things_do_not_matter(learner, counter):
    good = counter("pass")

    assert learner(good, In=["", good, "def other(:"]).right


@pytest.mark.parametrize("history", [None, 5, ["", 7], {}])
def test_an_odd_history_is_ignored(history):
    assert unreadable_cell(history, ("Counter",)) is None


def test_threads_left_running_do_not_break_the_next_check(learner, counter):
    release = threading.Event()
    try:
        lines = ("import threading", "threading.Thread(target=release.wait).start()")
        learner(counter(*lines), release=release)
        assert learner(counter("pass")).right
    finally:
        release.set()


def test_a_real_ctrl_c_stops_the_check_even_if_it_was_swallowed(learner, counter):
    lines = (
        "import signal",
        "try: signal.raise_signal(signal.SIGINT)",
        "except BaseException: pass",
    )

    with pytest.raises(KeyboardInterrupt):
        learner(counter(*lines))


def test_outside_the_main_thread_a_check_works_the_same(learner, counter):
    results = []
    thread = threading.Thread(target=lambda: results.append(learner(counter("pass"))))

    thread.start()
    thread.join(30)

    assert results[0].right


def test_output_streams_are_back_after_a_check(learner, counter):
    before = sys.stdout, sys.stderr

    learner(counter("import sys", "sys.exit()"))

    assert (sys.stdout, sys.stderr) == before


def test_the_same_seed_gives_the_same_report(root, counter):
    namespace = {}
    exec(counter("self.chairs -= 1"), namespace)

    texts = {check_namespace(ID, namespace, seed=5, root=root).text for _ in range(3)}

    assert len(texts) == 1


def test_another_seed_gives_other_inputs(root, counter):
    namespace = {}
    exec(counter("self.chairs -= 1"), namespace)

    texts = {check_namespace(ID, namespace, seed=seed, root=root).text for seed in range(10)}

    assert len(texts) > 1


def test_an_unknown_exercise_is_a_sentence(root):
    report = check_namespace("01.1-conter", {}, root=root)

    assert report.text == 'There is no exercise "01.1-conter". Did you mean "01.1-counter"?'


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_reference_that_fails_is_the_authors_fault(root, learner, counter):
    edit(root / "solutions/01_shop/1_counter.py", "self.chairs -= n", "1 / 0")

    report = learner(counter("pass"))

    assert "this exercise is broken, not your code" in report.headline
    assert 'the reference in "takes chairs" stops: ZeroDivisionError' in report.text


def test_a_scenario_that_gives_an_object_is_the_authors_fault(root, learner, counter):
    edit(root / "exercises/01_shop/1_counter/checks.py", "return counter.take", "return counter, (")
    edit(root / "exercises/01_shop/1_counter/checks.py", "rng.randint(1, 9))", "rng.random()))")

    assert "return plain built-in values" in learner(counter("pass")).text


def test_an_edited_source_counts_at_once(root, learner, counter):
    assert learner(counter("pass")).right

    edit(root / "exercises/01_shop/1_counter/checks.py", ".refill(5)", ".refill(6), 1")

    assert learner(counter("pass")).right
    assert not learner(counter("pass").replace("+= n", "+= 5")).right


def test_check_takes_the_callers_names_and_records_the_outcome(root, counter):
    from course_lib import progress

    namespace = {"check": check, "root": root, "__name__": "__main__"}
    exec(counter("pass") + f"\nreport = check('{ID}', root=root)", namespace)

    assert namespace["report"].right
    assert [(e.item, e.value) for e in progress.events(kind="check")] == [(ID, "right")]


def test_an_outcome_that_only_repeats_the_last_is_not_recorded_again(learner, counter):
    from course_lib import progress

    for lines in ("pass", "pass", "1 / 0", "1 / 0", "pass"):
        reports.recorded(learner(counter(lines)))

    outcomes = [event.value for event in progress.events(kind="check")]
    assert outcomes == ["right", "crashed", "right"]


def test_when_recording_fails_the_report_says_so_and_nothing_more(monkeypatch, learner, counter):
    from course_lib import progress

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(progress, "record", full)

    report = reports.recorded(learner(counter("pass")))

    assert report.right
    assert report.closing[-1] == "Your progress could not be saved (OSError)."


def test_every_report_fits_with_the_longest_words_an_author_may_use(root, learner, counter):
    checks = root / "exercises/01_shop/1_counter/checks.py"
    edit(checks, '"takes chairs", task=1', f'"{"m" * 80}", task=1')
    edit(checks, 'needs=("takes chairs",)', f'needs=("{"m" * 80}",)')
    edit(checks, "A counter with 10 chairs, a few taken.", "d" * 120)
    edit(checks, "Take n away from chairs.", "s" * 160)

    for lines in (("return 'x' * 999",), ("raise ValueError('v' * 999)",)):
        report = learner(counter("print('x' * 10**6)", *lines))
        assert len(report.text) <= 600


def test_with_first_only_nothing_is_told_after_the_first_that_fails(root, counter):
    code = counter("n = n + 1") + "\n    def refill(self, n): told.append(n)\n"
    told = []
    namespace = {"__name__": "learner", "told": told}
    exec(code, namespace)
    opened = open_exercise(ID, root)

    first = judge(opened, namespace, seed=1, first_only=True)

    assert (first.scenario, told) == ("takes chairs", [])
    assert judge(opened, namespace, seed=1).scenario == "takes chairs"
    assert told == [5]
