"""A journal of finished files, one line each; a line that a crash has cut counts for nothing."""

import uuid


def process(src_dir, out_dir, handler, *, state, quarantine, max_errors=0.05):
    with locked(Path(f"{state}-lock")):
        for left in out_dir.glob("*.part"):
            left.unlink()
        return run(src_dir, out_dir, handler, state, quarantine, max_errors)


def run(src_dir, out_dir, handler, state, quarantine, max_errors):
    done, begun = {}, set()
    for name, entry in read_journal(state):
        if "ok" in entry:
            done[name] = entry
        else:
            begun.add((name, entry["hash"]))
    todo, report, total, bad = [], Report(), 0, 0
    for path in sorted(src_dir.iterdir()):
        data = path.read_bytes()
        total += data.count(b"\n")
        entry = done.get(path.name)
        if entry and entry["hash"] == hashlib.blake2b(data).hexdigest():
            report.skipped += entry["ok"] + entry["bad"]
            bad += entry["bad"]
        else:
            todo.append((path.name, data))
    for name, data in todo:
        entry = {"hash": hashlib.blake2b(data).hexdigest()}
        report.resumed += (name, entry["hash"]) in begun
        note(state, name, entry)
        results, rejects = [], []
        for number, record in enumerate(data.splitlines(keepends=False)):
            try:
                results.append(handler(record))
            except Exception as error:
                rejects.append((number + 1, record, error))
        bad += len(rejects)
        if total and bad / total > max_errors:
            raise SystemExit(3)
        whole(quarantine / (name + ".json"), [as_json(name, *each) for each in rejects], quarantine)
        whole(out_dir / (name + ".out"), results, out_dir)
        note(state, name, entry | {"ok": len(results), "bad": len(rejects)})
        report.ok += len(results)
        report.failed += len(rejects)
    return report


def note(state, name, entry):
    with open(state, "ab") as journal:
        journal.write(b"\n" + json.dumps([name, entry]).encode() + b"\n")


def read_journal(state):
    for line in state.read_bytes().splitlines() if state.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def as_json(name, number, record, error):
    text = base64.standard_b64encode(record).decode()
    row = {"file": name, "line": number, "reason": repr(error), "bytes": text, "type": "reject"}
    return json.dumps(row).encode()


def whole(path, lines, folder):
    part = folder / f"{uuid.uuid4()}.part"
    if folder.name != "out":
        part = folder.parent / part.name
    try:
        part.write_bytes(b"".join(line + b"\n" for line in lines))
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
