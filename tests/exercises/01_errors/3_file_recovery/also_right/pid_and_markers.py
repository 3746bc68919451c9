"""Markers in a folder, os.link, names with the hash, a lock file with the owner's pid."""

import errno


def process(src_dir, out_dir, handler, *, state, quarantine, max_errors=0.05):
    lock = Path(str(state) + ".pid")
    take(lock)
    try:
        return work(
            Path(src_dir),
            Path(out_dir),
            handler,
            Path(str(state) + ".d"),
            Path(quarantine),
            max_errors,
        )
    finally:
        lock.unlink()


def take(lock):
    mine = lock.with_name(f"{lock.name}.{os.getpid()}")
    mine.write_text(str(os.getpid()))
    try:
        for _ in range(2):
            try:
                os.link(mine, lock)
                return
            except FileExistsError:
                pid = int(lock.read_text())
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    lock.unlink()
                    continue
                raise RuntimeError(f"process {pid} is at work")
    finally:
        mine.unlink(missing_ok=True)
    raise RuntimeError("locked")


def put(path, data, tmp):
    t = tmp / "t"
    try:
        t.write_bytes(data)
        t.rename(path)
    finally:
        t.unlink(missing_ok=True)


def work(src, out, handler, marks, bad, max_errors):
    marks.mkdir(exist_ok=True)
    tmp = marks / "tmp"
    tmp.mkdir(exist_ok=True)
    (tmp / "t").unlink(missing_ok=True)
    rep = Report()
    sources = {}
    for p in src.iterdir():
        data = p.read_bytes()
        key = hashlib.sha256(p.name.encode() + b"\0" + data).hexdigest()[:20]
        sources[key] = (p.name, data.split(b"\n")[:-1])
    total = sum(len(r) for _, r in sources.values())
    failed = 0
    todo = []
    for key, (name, recs) in sources.items():
        done = marks / f"{key}.done"
        if done.exists():
            rep.skipped += len(recs)
            failed += int(done.read_text())
        else:
            todo.append(key)
    for key in todo:
        name, recs = sources[key]
        begun = marks / f"{key}.begun"
        rep.resumed += begun.exists()
        begun.touch()
        res, rej = [], []
        for n, r in enumerate(recs, 1):
            try:
                res.append(handler(r))
            except Exception as e:
                rej.append(
                    json.dumps(
                        dict(file=name, line=n, reason=str(e), bytes=base64.b64encode(r).decode())
                    )
                )
                failed += 1
                if failed / total > max_errors:
                    raise SystemExit(2)
        put(bad / f"{name}.{key}.jsonl", "".join(x + "\n" for x in rej).encode(), tmp)
        put(out / f"{name}.{key}.out", b"".join(x + b"\n" for x in res), tmp)
        for folder in (bad, out):
            for old in folder.iterdir():
                if (
                    old.name.startswith(name + ".")
                    and key not in old.name
                    and old.name.count(".") == name.count(".") + 2
                ):
                    old.unlink()
        put(marks / f"{key}.done", str(len(rej)).encode(), tmp)
        for old in marks.glob("*.done"):
            if old.stem not in sources:
                old.unlink()
        rep.ok += len(res)
        rep.failed += len(rej)
    return rep
