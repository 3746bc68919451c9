# fails "two transfers with one key meet on PostgreSQL" with "Refused and done"
def create(conn: Any) -> None:
    for statement in SCHEMA:
        execute(conn, statement)
    execute(conn, "INSERT INTO accounts VALUES (?, 0)", BANK)


def open_account(conn: Any, name: str, opening: Decimal) -> None:
    cents = _cents(opening)
    new = execute(conn, "INSERT INTO accounts VALUES (?, 0) ON CONFLICT DO NOTHING", name)
    if new.rowcount == 0:
        raise Refused(f"there is an account {name!r} already")
    if cents:
        _move(conn, BANK, name, cents)


def balance(conn: Any, name: str) -> Decimal:
    row = execute(conn, "SELECT cents FROM accounts WHERE name = ?", name).fetchone()
    if row is None:
        raise Refused(f"there is no account {name!r}")
    return _money(row[0])


def entries(conn: Any) -> list[tuple[str, Decimal]]:
    rows = execute(conn, "SELECT account, cents FROM entries").fetchall()
    return [(account, _money(cents)) for account, cents in rows]


def transfer(conn: Any, src: str, dst: str, amount: Decimal, key: str) -> Receipt:
    cents = _cents(amount)
    if cents == 0 or src == dst:
        raise Refused(f"cannot move {amount} from {src!r} to {dst!r}")
    wanted = (src, dst, cents, key)
    insert = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?)"
    look = "SELECT 1 FROM receipts WHERE key = ?"
    if execute(conn, look, key).fetchone() is None:
        execute(conn, insert, uuid.uuid4().hex, *wanted)
        _move(conn, src, dst, cents)
    found = execute(conn, "SELECT id, src, dst, cents, key FROM receipts WHERE key = ? ORDER BY id", key)
    id, *known = found.fetchone()
    if tuple(known) != wanted:
        raise Conflict(f"the key {key!r} belongs to another transfer")
    return Receipt(id, src, dst, _money(cents), key)


def _move(conn: Any, src: str, dst: str, cents: int) -> None:
    for name, change in sorted([(src, -cents), (dst, cents)]):
        done = execute(conn, CHANGE, change, name, change)
        if done.rowcount == 0:
            raise Refused(f"there is no account {name!r}, or it has too little money")
        execute(conn, "INSERT INTO entries VALUES (?, ?)", name, change)


def _cents(amount: Decimal) -> int:
    if not amount.is_finite() or amount < 0 or amount.as_tuple().exponent < -2:
        raise Refused(f"{amount} is no amount of money")
    return int(amount * 100)


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


SCHEMA = (
    "CREATE TABLE accounts (name TEXT PRIMARY KEY, cents BIGINT NOT NULL,"
    f" CHECK (cents >= 0 OR name = '{BANK}'))",
    "CREATE TABLE entries (account TEXT NOT NULL REFERENCES accounts, cents BIGINT NOT NULL)",
    "CREATE TABLE receipts (id TEXT PRIMARY KEY, src TEXT NOT NULL, dst TEXT NOT NULL,"
    " cents BIGINT NOT NULL, key TEXT NOT NULL)",
)

# The condition and the change are one statement: nobody can come between them.
CHANGE = (
    f"UPDATE accounts SET cents = cents + ? WHERE name = ? AND (cents + ? >= 0 OR name = '{BANK}')"
)


def run_tx(
    pool: Pool,
    fn: Callable[[Any], Any],
    retries: int = 5,
    rng: random.Random | None = None,
    clock: Clock | None = None,
    isolation: str | None = None,
) -> Any:
    rng = random.Random() if rng is None else rng
    clock = SystemClock() if clock is None else clock
    attempt = 0
    while True:
        try:
            with pool.connection() as conn:
                return _try_once(conn, fn, isolation)
        except Exception as error:
            if attempt == retries or not _is_conflict(error):
                raise
        clock.sleep(rng.uniform(0, min(2.0, 0.02 * 2**attempt)))
        attempt += 1


def _try_once(conn: Any, fn: Callable[[Any], Any], isolation: str | None) -> Any:
    if isinstance(conn, sqlite3.Connection):
        conn.execute("BEGIN IMMEDIATE")
    else:
        conn.execute(f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN")
    try:
        result = fn(conn)
        if not isinstance(conn, sqlite3.Connection) and conn.info.transaction_status == FAILED:
            raise RuntimeError("a statement has failed, so there is nothing to commit")
        conn.commit()
    except BaseException:
        with suppress(Exception):  # it must not hide the first error
            conn.rollback()
        raise
    return result


FAILED = 3  # psycopg.pq.TransactionStatus.INERROR, without importing psycopg


def _is_conflict(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return getattr(error, "sqlstate", None) in ("40001", "40P01") or code & 255 in (5, 6)
