"""One SQLite database with results and rejects; publishing is derived from it; a single quarantine file."""

import fcntl, tempfile, shutil

SCHEMA = """
CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY, digest TEXT, begun INT, published INT);
CREATE TABLE IF NOT EXISTS line (name TEXT, number INT, result BLOB, reject TEXT, PRIMARY KEY (name, number));
"""


class TooBad(RuntimeError):
    pass


def process(src_dir, out_dir, handler, *, state, quarantine, max_errors=0.05):
    with open(f"{state}.lock", "a") as lockfile:
        fcntl.flock(lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with closing(sqlite3.connect(state)) as db:
            db.executescript(SCHEMA)
            return Job(
                db, src_dir, out_dir, handler, quarantine, max_errors, Path(f"{state}.tmp")
            ).run()


@dataclass
class Job:
    db: sqlite3.Connection
    src: Path
    out: Path
    handler: Callable[[bytes], bytes]
    bad: Path
    max_errors: float
    tmp: Path

    def run(self):
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.tmp.mkdir()
        report = Report()
        files = []
        for path in sorted(self.src.iterdir()):
            with path.open("rb") as f:
                lines = [line.rstrip(b"\n") for line in f]
            files.append((path.name, lines, hashlib.sha256(path.read_bytes()).hexdigest()))
        total = sum(len(lines) for _, lines, _ in files)
        for name, lines, digest in files:
            known = self.db.execute("SELECT digest FROM file WHERE name=?", (name,)).fetchone()
            if known and known[0] != digest:
                with self.db:
                    self.db.execute("DELETE FROM line WHERE name=?", (name,))
                    self.db.execute("DELETE FROM file WHERE name=?", (name,))
        for name, lines, digest in files:
            row = self.db.execute(
                "SELECT begun, published FROM file WHERE name=?", (name,)
            ).fetchone()
            begun, published = row or (0, 0)
            have = {n for (n,) in self.db.execute("SELECT number FROM line WHERE name=?", (name,))}
            report.skipped += len(have)
            if begun and not published:
                report.resumed += 1
            for number, record in enumerate(lines, 1):
                if number in have:
                    continue
                with self.db:
                    self.db.execute("INSERT OR REPLACE INTO file VALUES (?,?,1,0)", (name, digest))
                result = reject = None
                try:
                    result = self.handler(record)
                except Exception as error:
                    reject = json.dumps(
                        {
                            "file": name,
                            "line": number,
                            "reason": f"{error}",
                            "bytes": base64.b64encode(record).decode(),
                        }
                    )
                    report.failed += 1
                else:
                    report.ok += 1
                with self.db:
                    self.db.execute(
                        "INSERT INTO line VALUES (?,?,?,?)", (name, number, result, reject)
                    )
                if reject:
                    (failed,) = self.db.execute(
                        "SELECT count(*) FROM line WHERE reject IS NOT NULL"
                    ).fetchone()
                    if failed / total > self.max_errors:
                        raise TooBad(f"{failed}/{total}")
            if not published:
                self.publish(name, digest)
        return report

    def publish(self, name, digest):
        rejects = self.db.execute(
            "SELECT reject FROM line WHERE reject IS NOT NULL ORDER BY name, number"
        ).fetchall()
        self.whole(self.bad / "rejects.jsonl", "".join(r + "\n" for (r,) in rejects).encode())
        results = self.db.execute(
            "SELECT result FROM line WHERE name=? AND result IS NOT NULL ORDER BY number", (name,)
        )
        self.whole(self.out / name, b"".join(r + b"\n" for (r,) in results))
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO file VALUES (?,?,1,1)", (name, digest))

    def whole(self, path, data):
        fd, temp = tempfile.mkstemp(dir=self.tmp)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        os.replace(temp, path)
