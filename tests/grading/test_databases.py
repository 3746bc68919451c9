"""Exercises with PostgreSQL in the sandbox: each learner has a server of their own."""

import pytest

from course_lib.grading.assignments import open_assignment
from course_lib.grading.marking import Marker
from course_lib.grading.notebook_cells import read_handed_in
from course_lib.grading.seeds import Seed
from course_lib.grading.warm_process import GraderFault, WarmProcess
from course_lib.index import ROOT, course
from course_lib.practice.answers import promise, read_variant

SHOP = "03.4-shop-database"
MUTANTS = {
    "03.3-bank-ledger": ["deferred_begin", "does_not_commit", "key_is_ignored"],
    SHOP: ["compares_with_or", "keeps_what_it_can_compute", "only_whole_names"],
    "03.5-migrations": ["postgresql_without_a_transaction", "sorts_as_text", "no_lock"],
}


@pytest.fixture(scope="module")
def mark(marker_of):
    """Marks the reference of an exercise with a change and with something below it."""

    def mark(id, below="", edits=lambda text: text):
        path = ROOT / course().exercise(id).source
        text = edits(path.read_text(encoding="utf-8"))
        if below:
            text += f'\n# %% id="below" tags=["solution"]\n{below}\n'
        return marker_of(id).mark(read_handed_in(path.name, text.encode("utf-8")))

    return mark


@pytest.mark.parametrize("id", MUTANTS)
def test_the_reference_gets_full_marks(id, mark):
    marked = mark(id)

    assert (marked.points, marked.report.outcome) == (marked.of_points, "right")


@pytest.mark.parametrize(("id", "name"), [(id, name) for id in MUTANTS for name in MUTANTS[id]])
def test_a_mistake_fails_where_it_must(id, name, mark):
    path = ROOT / course().exercise(id).proofs / "mutants" / f"{name}.toml"
    source = (ROOT / course().exercise(id).source).name

    marked = mark(id, edits=lambda text: read_variant(path).of({source: text})[source])

    scenario, words = promise(path)
    assert marked.report.scenario == scenario
    assert words in marked.report.text
    assert marked.points < marked.of_points


ENDLESS = """
def set_price(conn, product, price):
    conn.execute("BEGIN")
    while True:
        conn.execute("SELECT pg_sleep(60)")
"""
DROPPED = """
def set_price(conn, product, price):
    import psycopg
    place = {"host": conn.info.host, "port": conn.info.port, "dbname": "postgres"}
    who = {"user": conn.info.user, "password": conn.info.password}
    with psycopg.connect(**place, **who, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{conn.info.dbname}" WITH (FORCE)')
"""
KILLED = """
def set_price(conn, product, price):
    import os, signal
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try: os.kill(int(name), signal.SIGKILL)
            except OSError: pass
"""


@pytest.mark.parametrize(
    "below",
    [ENDLESS, DROPPED, KILLED],
    ids=["an endless transaction", "it drops the database", "it kills the server"],
)
def test_it_costs_only_the_scenarios_where_it_happens(below, mark):
    keeps_prices = "an order keeps the prices of its day"

    marked = mark(SHOP, below)

    lost = [each.meaning for each in marked.marks if each.outcome == "crashed"]
    assert keeps_prices in lost
    assert len(lost) <= 3
    assert marked.points >= 14
    assert all(each.outcome in ("right", "crashed", "left out") for each in marked.marks)


LOOKS = """
def create(conn):
    def look():
{body}
    raise OutOfStock(repr(look()))
"""


@pytest.fixture
def look(mark):
    """What a submission with this body of `look` sees, as text."""

    def look(body):
        indented = "\n".join(f"        {line}" for line in body.strip().splitlines())
        return mark(SHOP, LOOKS.format(body=indented)).report.text

    return look


def test_a_database_that_one_learner_leaves_is_not_there_for_the_next(look):
    leave = 'conn.execute("CREATE DATABASE left_here"); return "left"'
    find = """
rows = conn.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
return [name for name, in rows if not name.startswith("shop_checks")]
"""

    assert "OutOfStock: 'left'" in look(leave)
    assert "OutOfStock: ['postgres']" in look(find)


def test_a_server_of_the_graders_machine_cannot_be_reached(look):
    from course_lib.labs import postgres

    text = look(f"""
import socket
try: socket.create_connection(("127.0.0.1", {postgres().port}), timeout=1); return "reached"
except OSError as error: return error.errno
""")

    assert "OutOfStock: 111" in text


def test_the_empty_cluster_that_all_begin_with_cannot_be_changed(look):
    text = look("""
import os
tries = []
for above, folders, files in os.walk("/cluster"):
    for name in files[:5]:
        try: open(os.path.join(above, name), "a"); tries.append(name)
        except OSError: pass
return len(os.listdir("/cluster")), tries
""")

    assert "OutOfStock: (1, [])" in text


def test_without_namespaces_a_sentence_says_what_is_missing():
    with (
        WarmProcess([ROOT / "exercises"], namespaces=False) as warm,
        pytest.raises(GraderFault, match="A database for each learner needs namespaces"),
    ):
        Marker(warm, open_assignment(SHOP, ROOT), Seed())
