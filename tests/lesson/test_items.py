import pytest

from course_lib.lesson.items import BUG_CLASSES, ItemError, find, items_of, load_items

GOOD = """
[[item]]
id = "01.5-minimum"
lesson = "01.5"
kind = "single"
use = ["checkpoint"]
question = "Which state?"
choice = [
    { text = "closed", right = true, why = "Too few calls." },
    { text = "open", why = "Only after ten." },
]
"""


def test_an_item_is_read_with_its_choices() -> None:
    (item,) = load_items(GOOD)

    assert (item.id, item.kind, item.use) == ("01.5-minimum", "single", ("checkpoint",))
    assert [(choice.text, choice.right) for choice in item.choice] == [
        ("closed", True),
        ("open", False),
    ]


def test_a_file_without_items_is_empty() -> None:
    assert load_items("") == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("single", "essay"), "has the kind 'essay'; use one of"),
        (('question = "Which state?"\n', ""), "needs question"),
        (("right = true, ", ""), "has 0 right choices"),
        (('"open", why', '"open", right = true, why'), "has 2 right choices"),
        (('"open", why', '"closed", why'), "two choices with the same text"),
        (('why = "Only after ten."', 'why = ""'), "needs text and why in choice 2"),
        (("why =", "reason ="), "unknown fields in choice 1: reason"),
        (('"checkpoint"', '"exam"'), "has the use exam"),
        (("01.5-minimum", "minimum"), "needs an id that begins with 01.5-"),
        (("question =", "task ="), "has unknown fields: task"),
        (('kind = "single"', 'kind = "number"'), "needs answer"),
        (("[[item]]", "[[item"), "items.toml: "),
    ],
)
def test_a_mistake_is_one_sentence(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(ItemError, match=sentence):
        load_items(GOOD.replace(*change))


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ItemError) as caught:
        load_items(GOOD.replace("right = true, ", "") + GOOD)

    assert len(str(caught.value).splitlines()) == 2


def test_a_number_needs_a_number() -> None:
    text = GOOD.replace("single", "number").split("choice")[0] + 'answer = "three"\nwhy = "So."'

    with pytest.raises(ItemError, match="needs a number as its answer"):
        load_items(text)


def test_reasons_must_fit_the_pairs_of_lines() -> None:
    text = (
        GOOD.replace("single", "order").split("choice")[0] + 'lines = ["a", "b"]\nwhy = ["1", "2"]'
    )

    with pytest.raises(ItemError, match="has 2 reasons for 1 pairs of lines"):
        load_items(text)


def test_a_line_may_not_come_twice() -> None:
    text = (
        GOOD.replace("single", "parsons").split("choice")[0]
        + 'lines = ["a", "b"]\ndistractors = [{ text = "a", why = "No." }]'
    )

    with pytest.raises(ItemError, match="two lines with the same text"):
        load_items(text)


def test_a_hunt_needs_one_of_the_24_classes() -> None:
    text = GOOD.replace("single", "hunt").replace(
        "choice =", 'story = "S."\nlesson_learned = "L."\nbug_class = "bad luck"\nchoice ='
    )

    assert len(BUG_CLASSES) == 24
    with pytest.raises(ItemError, match="'bad luck', which is none of the 24"):
        load_items(text)


def test_an_unknown_id_names_the_others(questions: None) -> None:
    with pytest.raises(ItemError, match=r'no question "01\.5-maximum"'):
        find("01.5-maximum")


@pytest.mark.parametrize("lesson", ["00", "01.5"])
def test_the_questions_of_the_course_have_no_mistakes(lesson: str) -> None:
    assert items_of(lesson)
