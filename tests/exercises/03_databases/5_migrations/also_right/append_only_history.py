# Nothing is ever deleted: each step adds a line to a history, and the last line of a number
# says where it is. A small scanner of its own finds the statements.
import importlib.util
from enum import Enum


class State(Enum):
    PENDING = "pending"
    APPLIED = "applied"


class Wrong(Exception):
    pass


class Step:
    def __init__(self, number, name, paths):
        self.number, self.name, self.paths = number, name, paths

    def text(self, kind):
        return self.paths[kind].read_bytes().decode("utf-8")

    def mark(self):
        kind = "py" if "py" in self.paths else "up.sql"
        return hashlib.md5(self.text(kind).encode(), usedforsecurity=False).digest()

    def ways(self):
        if "py" in self.paths:
            spec = importlib.util.spec_from_file_location(f"step_{self.number}", self.paths["py"])
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return {way: getattr(module, way) for way in ("up", "down") if hasattr(module, way)}
        found = {}
        for way in ("up", "down"):
            if f"{way}.sql" in self.paths:
                found[way] = lambda conn, text=self.text(f"{way}.sql"): run_all(conn, text)
        return found


def run_all(conn, text):
    for statement in scan(text):
        conn.execute(statement)


def scan(text):
    token = r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\w+|\s+|."
    statement, words, depth = "", [], 0
    for piece in re.findall(token, text, re.DOTALL):
        statement += piece
        if piece.isidentifier():
            words.append(piece.upper())
            if words[0] == "CREATE" and "TRIGGER" in words[:3]:
                depth += {"BEGIN": 1, "CASE": 1, "END": -1}.get(words[-1], 0)
        if piece == ";" and depth == 0:
            yield statement
            statement, words = "", []
    if statement.strip():
        yield statement


class Migrator:
    def __init__(self, conn, dir, clock=None):
        self.table = "history_of_the_schema"
        self.conn, self.dir = conn, dir
        self.clock = SystemClock() if clock is None else clock

    def steps(self):
        files = {}
        for path in self.dir.iterdir():
            if path.name.endswith((".sql", ".py")):
                stem, _, kind = path.name.partition(".")
                digits, _, name = stem.partition("_")
                files.setdefault(int(digits), {}).setdefault(name, {})[kind] = path
        if any(len(names) > 1 for names in files.values()):
            raise Wrong("a number is there twice")
        for expected, number in enumerate(sorted(files), 1):
            if expected != number:
                raise Wrong(f"{expected} is missing")
        return {n: Step(n, *next(iter(files[n].items()))) for n in sorted(files)}

    def marks(self):
        tables = self.conn.execute("SELECT count(*) FROM pragma_table_info(?)", (self.table,))
        if tables.fetchone() == (0,):
            return {}
        rows = self.conn.execute(f"SELECT number, way, mark FROM {self.table} ORDER BY rowid")
        last = {number: (way, mark) for number, way, mark in rows}
        return {number: mark for number, (way, mark) in last.items() if way == "up"}

    def plan(self, to=None):
        marks = self.marks()
        return [n for n in self.steps() if n not in marks and n <= (to or 10**9)]

    def status(self):
        marks = self.marks()
        return [
            (n, step.name, State.APPLIED if n in marks else State.PENDING)
            for n, step in self.steps().items()
        ]

    def verify(self):
        steps = self.steps()
        edited = [n for n, mark in self.marks().items() if steps[n].mark() != mark]
        if edited:
            raise Wrong(f"edited: {edited}")
        return True

    def up(self, to=None):
        steps, ran = self.steps(), []
        while True:
            number = self.transaction(lambda: self.next_step(steps, to))
            if number is None:
                return ran
            ran.append(number)

    def next_step(self, steps, to):
        """Under the lock: run the lowest pending number."""
        self.verify()
        for number in self.plan(to):
            steps[number].ways()["up"](self.conn)
            self.write(steps[number], "up")
            return number
        return None

    def down(self, to):
        steps = self.steps()
        going = sorted((n for n in self.marks() if n > to), key=lambda n: -n)
        if not all("down" in steps[n].ways() for n in going):
            raise Wrong("one of them cannot be undone")
        for number in going:
            self.transaction(lambda: self.undo(steps[number]))
        return going

    def undo(self, step):
        step.ways()["down"](self.conn)
        self.write(step, "down")

    def baseline(self, number):
        self.transaction(lambda: [self.write(s, "up") for n, s in self.steps().items() if n <= number])

    def write(self, step, way):
        row = (step.number, way, step.mark(), self.clock.now())
        self.conn.execute(f"INSERT INTO {self.table} VALUES (?, ?, ?, ?)", row)

    def transaction(self, work):
        keys = self.conn.execute("PRAGMA foreign_keys").fetchone()[0]
        self.conn.execute("PRAGMA foreign_keys = off")
        self.conn.execute("BEGIN EXCLUSIVE")
        try:
            self.conn.execute(f"CREATE TABLE IF NOT EXISTS {self.table} (number, way, mark, at)")
            result = work()
            if keys and list(self.conn.execute("PRAGMA foreign_key_check")):
                raise Wrong("orphans")
            self.conn.execute("COMMIT")
            return result
        finally:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            self.conn.execute(f"PRAGMA foreign_keys = {keys}")
