"""Progress after each record: the results so far are part of the state."""


class Stop(Exception):
    pass


def process(src_dir, out_dir, handler, *, state, quarantine, max_errors=0.05):
    import fcntl

    lockfile = open(str(state) + ".flock", "w")
    try:
        fcntl.flock(lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return inner(src_dir, out_dir, handler, state, quarantine, max_errors)
    finally:
        lockfile.close()


def save(state, s):
    tmp = str(state) + "~"
    with open(tmp, "w") as f:
        json.dump(s, f)
    os.replace(tmp, state)


def inner(src_dir, out_dir, handler, state, quarantine, max_errors):
    s = json.loads(Path(state).read_text()) if os.path.exists(state) else {}
    names = sorted(os.listdir(src_dir))
    data = {n: (Path(src_dir) / n).read_bytes() for n in names}
    total = sum(d.count(b"\n") for d in data.values())
    rep = Report()
    for n in names:
        h = hashlib.sha1(data[n]).hexdigest()
        e = s.get(n)
        if not e or e["h"] != h:
            e = s[n] = {"h": h, "res": [], "rej": [], "pub": False, "begun": False}
        else:
            rep.skipped += len(e["res"]) + len(e["rej"])
            rep.resumed += e["begun"] and not e["pub"]

    def bad():
        return sum(len(s[n]["rej"]) for n in names)

    for n in names:
        e = s[n]
        recs = data[n].split(b"\n")[:-1]
        e["begun"] = True
        save(state, s)
        for i in range(len(e["res"]) + len(e["rej"]), len(recs)):
            try:
                r = handler(recs[i])
            except Exception as ex:
                e["rej"].append(
                    {
                        "file": n,
                        "line": i + 1,
                        "reason": str(ex),
                        "bytes": base64.b64encode(recs[i]).decode(),
                    }
                )
                rep.failed += 1
            else:
                e["res"].append(base64.b64encode(r).decode())
                rep.ok += 1
            if len(recs) < 50:
                save(state, s)
        if total and bad() / total > max_errors:
            save(state, s)
            raise Stop
        if not e["pub"]:
            for folder, lines in (
                (quarantine, [json.dumps(x).encode() for x in e["rej"]]),
                (out_dir, [base64.b64decode(x) for x in e["res"]]),
            ):
                tmp = Path(str(state) + ".pub")
                tmp.write_bytes(b"".join(l + b"\n" for l in lines))
                os.replace(tmp, Path(folder) / n)
            e["pub"] = True
            save(state, s)
    return rep
