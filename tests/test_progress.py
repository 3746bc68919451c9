"""The record is kept, shared and mended; and it never breaks a lesson."""

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from course_lib import event_store, progress
from course_lib.clock import ManualClock

DAY = 86_400.0


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    monkeypatch.setenv("COURSE_HOME", str(folder))
    return folder


def test_what_was_recorded_comes_back_oldest_first():
    clock = ManualClock(now=100.0)

    assert progress.record("predict", "01.5", "opens", clock=clock) == ""
    clock.advance(5)
    progress.record("done", "01.5", clock=clock)

    assert progress.events() == [
        progress.Event(100.0, "predict", "01.5", "opens"),
        progress.Event(105.0, "done", "01.5", ""),
    ]


def test_events_are_found_by_kind_and_item():
    progress.record("hint", "01.5-circuit-breaker", "1")
    progress.record("hint", "02.1-atomic", "1")
    progress.record("done", "02.1-atomic")

    assert [e.item for e in progress.events("hint")] == ["01.5-circuit-breaker", "02.1-atomic"]
    assert [e.kind for e in progress.events(item="02.1-atomic")] == ["hint", "done"]
    assert len(progress.events("hint", "02.1-atomic")) == 1


def test_reading_before_anything_was_recorded_creates_nothing(home):
    assert progress.events() == []
    assert "Nothing recorded" in str(progress.summary())
    assert not home.exists()


def test_a_lesson_is_done_when_finished_and_an_exercise_when_once_right():
    progress.record("done", "00")
    progress.record("check", "right-then-wrong", "right")
    progress.record("check", "right-then-wrong", "wrong")
    progress.record("check", "only-wrong", "wrong")

    assert progress.done("00")
    assert progress.done("right-then-wrong")
    assert not progress.done("only-wrong")


def test_the_last_setting_counts():
    progress.set_setting("profile", "calm")
    progress.set_setting("profile", "plain")

    assert progress.setting("profile") == "plain"
    assert progress.setting("theme", "light") == "light"


def test_the_summary_names_what_is_done_and_counts_the_rest():
    progress.record("hint", "01.5-circuit-breaker")
    progress.record("done", "00")

    text = str(progress.summary())

    assert "Done: 00." in text
    assert "done 1, hint 1" in text


# Where the file is


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/break-it-first"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/u/.local/share/break-it-first"),
        ("linux", {}, "/u/.local/share/break-it-first"),
        ("darwin", {}, "/u/Library/Application Support/Break It First"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Break It First"),
        ("win32", {}, "/u/AppData/Local/Break It First"),
    ],
)
def test_the_record_lives_in_the_user_data_folder(monkeypatch, platform, variables, expected):
    for name in ("COURSE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(progress.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/u"))

    assert progress.home() == Path(expected)


# Boxes


def test_a_new_card_is_in_the_first_box_and_due():
    assert progress.box("breaker") == 1
    assert progress.due(["breaker", "pool"], clock=ManualClock()) == ["breaker", "pool"]


def test_a_card_answered_right_each_time_it_is_due_waits_3_then_7_then_21_days():
    clock = ManualClock()

    for days in (3, 7, 21, 21):
        progress.record("recall", "breaker", "right", clock=clock)
        clock.advance(days * DAY - 1)
        assert progress.due(["breaker"], clock=clock) == []
        clock.advance(1)
        assert progress.due(["breaker"], clock=clock) == ["breaker"]

    assert progress.box("breaker") == 4


def test_a_wrong_answer_sends_the_card_back_to_the_first_box_for_a_day():
    clock = ManualClock()
    progress.record("recall", "breaker", "right", clock=clock)
    clock.advance(3 * DAY)
    progress.record("recall", "breaker", "right", clock=clock)
    progress.record("recall", "breaker", "wrong", clock=clock)

    assert progress.box("breaker") == 1
    assert progress.due(["breaker"], clock=clock) == []
    clock.advance(DAY)
    assert progress.due(["breaker"], clock=clock) == ["breaker"]


def test_right_answers_before_the_card_is_due_do_not_move_it():
    clock = ManualClock()

    for _ in range(3):
        progress.record("recall", "breaker", "right", clock=clock)
        clock.advance(60)

    assert progress.box("breaker") == 2


# Export, import, erase


def test_an_export_imported_elsewhere_gives_the_same_events(tmp_path, monkeypatch):
    progress.record("done", "00", "sehr gut – ✓", clock=ManualClock(now=0.1 + 0.2))
    before = progress.events()

    assert progress.export(tmp_path / "mine.json") == 1
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "other"))
    assert progress.import_(tmp_path / "mine.json") == 1

    assert progress.events() == before


def test_importing_twice_adds_nothing_the_second_time(tmp_path):
    progress.record("done", "00")
    progress.export(tmp_path / "mine.json")
    progress.record("done", "01.5")

    assert progress.import_(tmp_path / "mine.json") == 0
    assert len(progress.events()) == 2


def test_export_overwrites_no_file(tmp_path):
    (tmp_path / "mine.json").write_text("a letter")

    with pytest.raises(FileExistsError, match="choose another name"):
        progress.export(tmp_path / "mine.json")

    assert (tmp_path / "mine.json").read_text() == "a letter"


GOOD = [1.0, "done", "00", ""]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"format": "another", "version": 1, "events": []}',
        b'{"format": "break-it-first progress", "version": 2, "events": []}',
        b'{"format": "break-it-first progress", "version": 1}',
        *(
            json.dumps(
                {"format": "break-it-first progress", "version": 1, "events": [GOOD, bad]}
            ).encode()
            for bad in (
                [1.0, "done", "00"],
                ["yesterday", "done", "00", ""],
                [float("nan"), "done", "00", ""],
                [True, "done", "00", ""],
                [1.0, "done", 7, ""],
                None,
                10**400,
                [10**400, "done", "00", ""],
            )
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_and_adds_nothing(tmp_path, content):
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(content)

    with pytest.raises(ValueError, match="is not a progress file of this course"):
        progress.import_(wrong)

    assert progress.events() == []


def test_a_file_too_large_to_be_ours_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_LARGEST_IMPORT", 10)
    (tmp_path / "large.json").write_bytes(b" " * 11)

    with pytest.raises(ValueError, match="larger than 10 bytes"):
        progress.import_(tmp_path / "large.json")


def test_erase_leaves_no_file_behind(home):
    progress.record("done", "00")
    (home / "progress.damaged-1.db").write_bytes(b"old")

    assert progress.erase() == 1

    assert list(home.iterdir()) == []


# What goes wrong


def test_recording_in_a_folder_that_cannot_exist_returns_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "home"))

    sentence = progress.record("done", "00")

    assert sentence.startswith("Your progress was not recorded")
    assert "\n" not in sentence


def test_recording_on_a_full_disk_returns_a_sentence(monkeypatch):
    def full(*_args, **_kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(event_store, "insert", full)

    assert "disk is full" in progress.record("done", "00")


def test_a_record_locked_for_too_long_returns_a_sentence(home, monkeypatch):
    progress.record("done", "00")
    monkeypatch.setattr(event_store, "_BUSY_SECONDS", 0.0)
    other = sqlite3.connect(home / "progress.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    sentence = progress.record("done", "01.5")
    other.close()

    assert "locked" in sentence
    assert [e.item for e in progress.events()] == ["00"]


def test_a_file_that_is_no_database_is_set_aside_and_reported_once(home):
    home.mkdir()
    (home / "progress.db").write_bytes(b"not a database at all" * 100)

    assert progress.record("done", "00") == ""

    assert progress.done("00")
    assert (home / "progress.damaged-1.db").read_bytes().startswith(b"not a database")
    assert "damaged-1.db" in progress.notice()
    assert progress.notice() == ""


def test_a_second_damaged_file_does_not_replace_the_first(home):
    home.mkdir()
    for content in (b"first" * 200, b"second" * 200):
        (home / "progress.db").write_bytes(content)
        progress.record("done", "00")

    assert (home / "progress.damaged-1.db").read_bytes() == b"first" * 200
    assert (home / "progress.damaged-2.db").read_bytes() == b"second" * 200


def test_what_can_still_be_read_from_a_damaged_file_is_rescued(home):
    event_store.insert(
        home / "progress.db",
        [progress.Event(float(n), "done", f"{n:04}", "x" * 200) for n in range(1000)],
    )
    content = bytearray((home / "progress.db").read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    (home / "progress.db").write_bytes(content)

    items = {e.item for e in progress.events("done")}

    assert {"0000", "0999"} <= items
    assert 900 < len(items) < 1000
    assert f"{len(items)} of its entries" in progress.notice()


def test_a_journal_is_set_aside_with_its_file_and_not_played_into_the_fresh_one(home):
    home.mkdir()
    (home / "progress.db").write_bytes(b"not a database at all" * 100)
    (home / "progress.db-journal").write_bytes(b"left behind")

    event_store._set_aside(home / "progress.db")

    assert not (home / "progress.db-journal").exists()
    assert (home / "progress.damaged-1.db-journal").read_bytes() == b"left behind"


def test_a_fresh_file_moved_aside_by_mistake_loses_nothing(home):
    progress.record("done", "00")

    rescued = event_store._set_aside(home / "progress.db")

    assert [e.item for e in rescued if e.kind == "done"] == ["00"]


def test_a_damaged_file_that_another_kernel_moved_first_is_left_to_it(home):
    home.mkdir()

    assert event_store._set_aside(home / "progress.db") == []
    assert list(home.iterdir()) == []


def test_many_threads_lose_no_event():
    start = threading.Barrier(8)

    def learner(number):
        start.wait()
        for n in range(10):
            assert progress.record("done", f"{number}-{n}") == ""

    threads = [threading.Thread(target=learner, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({e.item for e in progress.events()}) == 80
