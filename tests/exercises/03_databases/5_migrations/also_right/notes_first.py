# The first statement of each transaction claims the number. Being a write, it waits for other
# processes, also after a plain BEGIN. Down is one transaction for all.
class Migrator:
    table = "applied_migrations"

    def __init__(self, conn, dir, clock=None):
        self._conn = conn
        self._dir = dir
        self._now = (clock or SystemClock()).now

    def _files(self):
        by_number = {}
        for path in self._dir.iterdir():
            match = re.match(r"^(\d+)_(\w+)\.(up|down|py)", path.name)
            if match:
                by_number.setdefault(int(match[1]), []).append((match[2], match[3], path))
        for number, files in by_number.items():
            kinds = [kind for _, kind, _ in files]
            if len({name for name, _, _ in files}) > 1 or len(set(kinds)) < len(kinds):
                raise RuntimeError(f"two migrations have number {number}")
        if by_number and (min(by_number), max(by_number)) != (1, len(by_number)):
            raise RuntimeError("the numbers have a gap")
        return dict(sorted(by_number.items()))

    def _path(self, number, way):
        files = {kind: path for _, kind, path in self._files()[number]}
        return files.get(way) or files.get("py")

    def _digest(self, number):
        return hashlib.blake2b(self._path(number, "up").read_bytes()).hexdigest()

    def _noted(self):
        there = self._conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if (self.table,) not in there:
            return {}
        cursor = self._conn.execute(f"SELECT version, digest FROM {self.table}")
        return {int(version): digest for version, digest in cursor.fetchall()}

    def status(self):
        noted = self._noted()
        return [
            [number, files[0][0], "Applied" if number in noted else "Pending"]
            for number, files in self._files().items()
        ]

    def plan(self, to=None):
        self.verify()
        return [n for n, _, s in self.status() if s == "Pending" and (to is None or n <= to)]

    def verify(self):
        for number, digest in self._noted().items():
            if digest != self._digest(number):
                raise RuntimeError(f"{number} has changed")

    def up(self, to=None):
        plan = self.plan(to)
        ran = []
        for number in plan:
            try:
                with self._transaction():
                    self._claim(number)
                    self._run(number, "up")
            except Claimed:
                continue
            ran.append(number)
        return ran

    def down(self, to):
        going = sorted(filter(lambda n: n > to, self._noted()))[::-1]
        for number in going:
            path = self._path(number, "down")
            if path is None or (path.suffix == ".py" and "down" not in self._load(path)):
                raise RuntimeError(f"no way back from {number}")
        if going:
            with self._transaction():
                for number in going:
                    self._conn.execute(f"DELETE FROM {self.table} WHERE version = ?", (str(number),))
                    self._run(number, "down")
        return going

    def baseline(self, number):
        with self._transaction():
            for each in self._files():
                if each <= number:
                    self._claim(each)

    def _claim(self, number):
        row = (str(number), self._digest(number), str(self._now()))
        try:
            self._conn.execute(f"INSERT INTO {self.table} VALUES (?, ?, ?)", row)
        except sqlite3.IntegrityError:
            raise Claimed from None

    def _load(self, path):
        namespace = {}
        exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
        return namespace

    def _run(self, number, way):
        path = self._path(number, way)
        if path.suffix == ".py":
            return self._load(path)[way](self._conn)
        rest = path.read_text("utf-8")
        while rest.strip():
            end = 1
            while end < len(rest) and not sqlite3.complete_statement(rest[:end]):
                end += 1
            self._conn.execute(rest[:end])
            rest = rest[end:]

    @contextmanager
    def _transaction(self):
        columns = "(version TEXT PRIMARY KEY, digest TEXT, at TEXT)"
        self._conn.execute(f"CREATE TABLE IF NOT EXISTS {self.table} {columns}")
        (keys,) = self._conn.execute("PRAGMA foreign_keys").fetchone()
        self._conn.execute("PRAGMA foreign_keys = 0")
        self._conn.execute("BEGIN")
        try:
            yield
            if keys and self._conn.execute("PRAGMA foreign_key_check").fetchone():
                raise RuntimeError("there are orphans")
        except BaseException:
            self._conn.execute("ROLLBACK")
            raise
        else:
            self._conn.execute("COMMIT")
        finally:
            self._conn.execute(f"PRAGMA foreign_keys = {keys}")


class Claimed(Exception):
    pass
