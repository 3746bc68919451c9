# A whole transaction as one script: SQLite itself finds the statements. The note comes
# first, so that its key refuses a number that another process has run.
class Migrator:
    table = "versions"

    def __init__(self, conn, dir, clock=None):
        self.conn, self.dir, self.clock = conn, dir, clock or SystemClock()

    def folder(self):
        found, clash = {}, set()
        for path in sorted(self.dir.glob("[0-9]*_*")):
            digits, _, rest = path.name.partition("_")
            name, _, kind = rest.partition(".")
            number = int(digits)
            entry = found.setdefault(number, {"name": name})
            if entry["name"] != name or kind in entry:
                clash.add(number)
            entry[kind] = path
        if clash or set(found) != set(range(1, len(found) + 1)):
            raise ValueError(f"gap or clash: {sorted(found)}, {sorted(clash)}")
        return [found[number] | {"number": number} for number in sorted(found)]

    def noted(self):
        try:
            rows = self.conn.execute(f"SELECT number, content FROM {self.table}")
        except sqlite3.OperationalError:
            return {}
        return dict(rows.fetchall())

    def plan(self, to=None):
        done = self.noted()
        wanted = [entry["number"] for entry in self.folder() if entry["number"] not in done]
        return wanted if to is None else [number for number in wanted if number <= to]

    def status(self):
        done = self.noted()
        words = {True: "applied", False: "pending"}
        return [(e["number"], e["name"], words[e["number"] in done]) for e in self.folder()]

    def verify(self):
        done = self.noted()
        for entry in self.folder():
            if done.get(entry["number"], self.content(entry)) != self.content(entry):
                raise ValueError(f"{entry['number']} was edited")

    def content(self, entry):
        return (entry.get("up.sql") or entry["py"]).read_text(encoding="utf-8")

    def up(self, to=None):
        self.verify()
        wanted = self.plan(to)
        return [e["number"] for e in self.folder() if e["number"] in wanted and self.step(e, "up")]

    def down(self, to):
        going = [e for e in reversed(self.folder()) if e["number"] in self.noted() and e["number"] > to]
        for entry in going:
            if "down.sql" not in entry and not self.function(entry, "down"):
                raise LookupError(f"{entry['number']} is for ever")
        return [entry["number"] for entry in going if self.step(entry, "down")]

    def function(self, entry, way):
        if "py" not in entry:
            return None
        import runpy

        return runpy.run_path(str(entry["py"])).get(way)

    def opening(self, entry, way):
        number = entry["number"]
        text = self.content(entry).replace("'", "''")
        create = f"CREATE TABLE IF NOT EXISTS {self.table} (number INTEGER PRIMARY KEY, content, at);"
        note = f"INSERT INTO {self.table} VALUES ({number}, '{text}', {self.clock.now()});"
        if way == "down":
            note = f"DELETE FROM {self.table} WHERE number = {number};"
        return "BEGIN IMMEDIATE;\n" + create + "\n" + note + "\n"

    def step(self, entry, way):
        keys = self.conn.execute("PRAGMA foreign_keys").fetchone()[0]
        self.conn.execute("PRAGMA foreign_keys = 0")
        try:
            function = self.function(entry, way)
            if function:
                self.conn.executescript(self.opening(entry, way))
                function(self.conn)
            else:
                text = entry[f"{way}.sql"].read_text(encoding="utf-8")
                self.conn.executescript(self.opening(entry, way) + text + "\n;")
            if keys and self.conn.execute("PRAGMA foreign_key_check").fetchall():
                raise ValueError("orphans")
            self.conn.execute("COMMIT")
        except sqlite3.IntegrityError:
            self.conn.rollback()
            if way == "up" and entry["number"] in self.noted():
                return False
            raise
        except BaseException:
            self.conn.rollback()
            raise
        finally:
            self.conn.execute(f"PRAGMA foreign_keys = {keys}")
        return True

    def baseline(self, number):
        for entry in self.folder()[:number]:
            self.conn.executescript(self.opening(entry, "up") + "COMMIT;")
