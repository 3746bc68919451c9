"""A dashboard for a shop: queries, a roll-up table, a cache, and a board."""

from .board import Board
from .cache import Cache
from .queries import average, cohorts, funnel, revenue, top_n
from .rollup import Rollup
from .tables import create

__all__ = ["Board", "Cache", "Rollup", "average", "cohorts", "create", "funnel", "revenue", "top_n"]
