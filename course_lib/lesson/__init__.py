"""What a lesson shows: pictures, bets, questions, hunts, sources and stop points.

    from course_lib.lesson import start, figure, predict

Static things (`start`, `stop_point`, `figure`, `table`, `show_source`,
`production_gap`, `progress_map`, `since`) appear where they are called. Interactive
things (`explorable`, `predict`, `quiz`, `parsons`, `recall`, `hunt`, `profile`)
are values: let them be the last line of a cell, or `display` them. Everything
has a twin in plain HTML and one in plain text, so that a saved page, an export
and a screen reader get the same content.

Nothing heavy is imported before a function needs it (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .expecting import expect as expect
    from .explorables import explorable as explorable
    from .furniture import start as start
    from .furniture import stop_point as stop_point
    from .hunting import hunt as hunt
    from .mapping import progress_map as progress_map
    from .parsons_problems import parsons as parsons
    from .pictures import figure as figure
    from .predicting import predict as predict
    from .profiles import profile as profile
    from .quizzes import quiz as quiz
    from .recalling import recall as recall
    from .sources import production_gap as production_gap
    from .sources import show_source as show_source
    from .tables import table as table
    from .version_boxes import since as since

_MODULE_OF = {
    "expect": "expecting",
    "explorable": "explorables",
    "figure": "pictures",
    "hunt": "hunting",
    "parsons": "parsons_problems",
    "predict": "predicting",
    "production_gap": "sources",
    "profile": "profiles",
    "progress_map": "mapping",
    "quiz": "quizzes",
    "recall": "recalling",
    "show_source": "sources",
    "since": "version_boxes",
    "start": "furniture",
    "stop_point": "furniture",
    "table": "tables",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"course_lib.lesson has no {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
