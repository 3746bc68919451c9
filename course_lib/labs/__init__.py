"""Labs: real things to experiment on, each one small enough to read.

Servers that fail on request (`serve`, `Faults`), a bad network (`tcp_proxy`),
databases (`postgres`, `sqlite`, `duckdb`) and consoles on them (`two_consoles`),
shop data from a seed (`shop`), threads on simulated time (`VirtualTime`) and a
shop whose payment service hangs (`shop_under_load`). Everything stays on
127.0.0.1. A name is loaded when it is first used, so this import costs nothing.
`from course_lib.labs import crash` kills a function at any of its disk calls.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers take this name as True; importing typing takes 10 ms
if TYPE_CHECKING:
    from course_lib.labs.consoles import ConsoleEvent as ConsoleEvent
    from course_lib.labs.consoles import Consoles as Consoles
    from course_lib.labs.consoles import Story as Story
    from course_lib.labs.consoles import two_consoles as two_consoles
    from course_lib.labs.faults import Faults as Faults
    from course_lib.labs.faults import cut as cut
    from course_lib.labs.faults import error as error
    from course_lib.labs.faults import hang as hang
    from course_lib.labs.faults import latency as latency
    from course_lib.labs.faults import ok as ok
    from course_lib.labs.faults import slow_body as slow_body
    from course_lib.labs.faults import too_many as too_many
    from course_lib.labs.faults import wrong_length as wrong_length
    from course_lib.labs.network import TcpProxy as TcpProxy
    from course_lib.labs.network import tcp_proxy as tcp_proxy
    from course_lib.labs.overload import shop_under_load as shop_under_load
    from course_lib.labs.overload_run import Run as Run
    from course_lib.labs.postgres_database import Database as Database
    from course_lib.labs.postgres_server import PostgresMissing as PostgresMissing
    from course_lib.labs.postgres_server import PostgresServer as PostgresServer
    from course_lib.labs.postgres_server import postgres as postgres
    from course_lib.labs.server import Server as Server
    from course_lib.labs.server import serve as serve
    from course_lib.labs.shop_data import Customer as Customer
    from course_lib.labs.shop_data import Order as Order
    from course_lib.labs.shop_data import OrderLine as OrderLine
    from course_lib.labs.shop_data import Product as Product
    from course_lib.labs.shop_data import Shop as Shop
    from course_lib.labs.shop_data import shop as shop
    from course_lib.labs.small_databases import SqliteFile as SqliteFile
    from course_lib.labs.small_databases import duckdb as duckdb
    from course_lib.labs.small_databases import sqlite as sqlite
    from course_lib.labs.virtual_time import Stuck as Stuck
    from course_lib.labs.virtual_time import VirtualTime as VirtualTime
    from course_lib.labs.web_shop import shop_app as shop_app

# No module is called like a function in it: `course_lib.labs.shop` could then
# mean the module or the function, depending on what was imported before.
_MODULES = {
    "consoles": "ConsoleEvent Consoles Story two_consoles",
    "faults": "Faults cut error hang latency ok slow_body too_many wrong_length",
    "network": "TcpProxy tcp_proxy",
    "overload": "shop_under_load",
    "overload_run": "Run",
    "postgres_database": "Database",
    "postgres_server": "PostgresMissing PostgresServer postgres",
    "server": "Server serve",
    "shop_data": "Customer Order OrderLine Product Shop shop",
    "small_databases": "SqliteFile duckdb sqlite",
    "virtual_time": "Stuck VirtualTime",
    "web_shop": "shop_app",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
