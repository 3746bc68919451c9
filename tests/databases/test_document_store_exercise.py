"""The random queries of exercise 03.6-document-store have the same answers in mongomock."""

from __future__ import annotations

import mongomock
import pytest

from course_lib.practice.opened import open_exercise
from course_lib.practice.running import tell

RANDOM = "answers 500 random queries like mongomock"


class Collection:
    """mongomock with the methods that this story calls."""

    def __init__(self) -> None:
        self._documents = mongomock.MongoClient().shop.products

    def insert_many(self, documents):
        self._documents.insert_many(documents)

    def find(self, query):
        return self._documents.find(query)


@pytest.mark.parametrize("seed", range(1, 21))
def test_the_reference_answers_like_mongomock(seed):
    opened = open_exercise("03.6-document-store")
    story = next(told for told in opened.checks.scenarios if told.meaning == RANDOM)

    told = tell(story, ("Collection",), {"Collection": Collection}, seed=seed)

    assert told.error == ""
    assert told.value == opened.expect(story, seed=seed)
