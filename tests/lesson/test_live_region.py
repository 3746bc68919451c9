"""A live region always has something new to say."""

from course_lib.lesson.live import region, say


def test_the_same_words_told_again_are_told_as_the_same() -> None:
    place, heard = region(), []
    place.observe(lambda change: heard.append(change["new"]), "value")

    for _ in range(3):
        say(place, "There is nothing to move that way.")

    assert heard == [
        "<p>There is nothing to move that way.</p>",
        "<p>As before:</p><p>There is nothing to move that way.</p>",
        "<p>There is nothing to move that way.</p>",
    ]
