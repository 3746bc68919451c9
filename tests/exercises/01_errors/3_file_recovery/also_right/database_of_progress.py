"""Progress in SQLite, whose exclusive transaction is the lock; names from the hash."""


class TooManyErrors(Exception):
    pass


def process(src_dir, out_dir, handler, *, state, quarantine, max_errors=0.05):
    with (
        closing(sqlite3.connect(f"{state}.lock", timeout=0, isolation_level=None)) as lock,
        closing(sqlite3.connect(state, isolation_level=None)) as db,
    ):
        lock.execute("BEGIN EXCLUSIVE")
        db.execute("CREATE TABLE IF NOT EXISTS done (name TEXT PRIMARY KEY, hash, records, bad)")
        db.execute("CREATE TABLE IF NOT EXISTS begun (name, hash)")
        return Work(src_dir, out_dir, handler, db, quarantine, max_errors).run()


class Work:
    def __init__(self, src_dir, out_dir, handler, db, quarantine, max_errors):
        self.src_dir, self.out_dir, self.handler = src_dir, out_dir, handler
        self.db, self.quarantine, self.max_errors = db, quarantine, max_errors

    def run(self):
        lines = {path.name: path.read_bytes().splitlines() for path in self.src_dir.iterdir()}
        hashes = {name: hashlib.md5(b"\n".join(lines[name])).hexdigest() for name in lines}
        self.total = sum(map(len, lines.values()))
        rows = self.db.execute("SELECT name, hash, records, bad FROM done").fetchall()
        rows = [row for row in rows if hashes.get(row[0]) == row[1]]
        self.bad = sum(row[3] for row in rows)
        report = Report(skipped=sum(row[2] for row in rows))
        done = {row[0] for row in rows}
        begun = set(self.db.execute("SELECT name, hash FROM begun"))
        for name in lines:
            if name not in done:
                report.resumed += (name, hashes[name]) in begun
                self.db.execute("INSERT INTO begun VALUES (?, ?)", (name, hashes[name]))
                good, bad = self.one(name, hashes[name], lines[name])
                report.ok += good
                report.failed += bad
        return report

    def one(self, name, digest, records):
        results, rejects = b"", ""
        count = 0
        for number, record in enumerate(records, start=1):
            try:
                results += self.handler(record) + b"\n"
            except Exception as error:
                count += 1
                text = base64.b64encode(record).decode("ascii")
                row = {"file": name, "line": number, "reason": str(error), "bytes": text}
                rejects += json.dumps(row) + "\n"
        self.bad += count
        if self.bad / self.total > self.max_errors:
            raise TooManyErrors
        self.publish(name, digest, results, rejects.encode())
        row = (name, digest, len(records), count)
        self.db.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?)", row)
        return len(records) - count, count

    def publish(self, name, digest, results, rejects):
        for folder, data in ((self.out_dir, results), (self.quarantine, rejects)):
            staged = self.out_dir.parent / f"staged-{folder.name}"
            staged.write_bytes(data)
            for old in folder.glob(f"{name}-*"):
                old.unlink()
            staged.replace(folder / f"{name}-{digest}")
