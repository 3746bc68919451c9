# fails "a file that was begun and then changed is processed from its beginning" with "raises FileExistsError"
def process(
    src_dir: Path,
    out_dir: Path,
    handler: Callable[[bytes], bytes],
    *,
    state: Path,
    quarantine: Path,
    max_errors: float = 0.05,
) -> Report:
    with lock_file(state.with_name(state.name + ".lock")):
        sources = {path.name: path.read_bytes() for path in sorted(src_dir.iterdir())}
        total = sum(len(_records(data)) for data in sources.values())
        known = json.loads(state.read_text("utf-8")) if state.exists() else {}
        finished = {
            name: known[name]
            for name, data in sources.items()
            if name in known and known[name]["hash"] == _hash(data) and known[name]["finished"]
        }
        report = Report(skipped=sum(entry["records"] for entry in finished.values()))
        bad = sum(entry["bad"] for entry in finished.values())
        for name in sorted(sources.keys() - finished.keys()):
            data = sources[name]
            entry = {"hash": _hash(data), "finished": False}
            report.resumed += known.get(name) == entry
            known[name] = entry
            _replace(state, json.dumps(known).encode())
            results, rejects = _handle(name, _records(data), handler)
            bad += len(rejects)
            if bad / total > max_errors:
                raise TooManyErrors(f"{bad} of {total} records are bad")
            _replace(quarantine / f"{name}.jsonl", _lines(rejects))
            _replace(out_dir / name, _lines(results))
            counts = {"records": len(results) + len(rejects), "bad": len(rejects)}
            known[name] = {**entry, **counts, "finished": True}
            _replace(state, json.dumps(known).encode())
            report.ok += len(results)
            report.failed += len(rejects)
        return report


@contextmanager
def lock_file(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    try:
        yield
    finally:
        path.unlink()


class TooManyErrors(Exception):
    """The share of bad records is above the limit."""


def _records(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


def _lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _handle(
    name: str, records: list[bytes], handler: Callable[[bytes], bytes]
) -> tuple[list[bytes], list[bytes]]:
    """The results, and the bad records as lines of JSON."""
    results, rejects = [], []
    for number, record in enumerate(records, 1):
        try:
            results.append(handler(record))
        except Exception as error:
            rejects.append(_reject(name, number, record, error))
    return results, rejects


def _reject(name: str, number: int, record: bytes, error: Exception) -> bytes:
    fields: dict[str, Any] = {"file": name, "line": number}
    fields["reason"] = f"{type(error).__name__}: {error}"
    fields["bytes"] = base64.b64encode(record).decode()
    return json.dumps(fields).encode()


def _replace(path: Path, data: bytes) -> None:
    """Put `data` at `path`: whole, or not at all."""
    new = path.with_name(f".{path.name}.new")
    try:
        with open(new, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
