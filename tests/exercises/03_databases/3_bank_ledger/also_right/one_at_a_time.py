# The whole ledger has one lock: in SQLite BEGIN IMMEDIATE, in PostgreSQL LOCK TABLE, which comes
# before the first look and so before the snapshot. A CHECK refuses what goes below zero, and a
# savepoint keeps its error apart.
def _do(conn, sql, *values):
    return execute(conn, sql, *values).fetchall()


def create(conn):
    for sql in (
        "CREATE TABLE ledger_accounts (name TEXT PRIMARY KEY, cents BIGINT NOT NULL,"
        " floor BIGINT, CHECK (cents >= floor))",
        "CREATE TABLE lines (number TEXT, name TEXT, cents BIGINT)",
        "CREATE TABLE stubs (key TEXT PRIMARY KEY, number TEXT, src TEXT, dst TEXT, cents BIGINT)",
    ):
        execute(conn, sql)
    execute(conn, "INSERT INTO ledger_accounts VALUES (?, 0, NULL)", BANK)


def _alone(conn):
    if not isinstance(conn, sqlite3.Connection):
        execute(conn, "LOCK TABLE ledger_accounts IN EXCLUSIVE MODE")


def _parse(amount):
    text = f"{amount:f}"
    whole, _, rest = text.partition(".")
    if not whole.isdigit() or len(rest.rstrip("0")) > 2:
        raise Refused(f"{text} is no amount")
    return int(whole + (rest + "00")[:2])


def _exists(conn, name):
    return bool(_do(conn, "SELECT 1 FROM ledger_accounts WHERE name = ?", name))


def open_account(conn, name, opening):
    cents = _parse(opening)
    _alone(conn)
    if _exists(conn, name):
        raise Refused("the name is taken")
    execute(conn, "INSERT INTO ledger_accounts VALUES (?, 0, 0)", name)
    _write(conn, "opening", ((BANK, -cents), (name, cents)))


def _write(conn, number, changes):
    for name, cents in changes:
        execute(conn, "INSERT INTO lines VALUES (?, ?, ?)", number, name, cents)
        execute(conn, "UPDATE ledger_accounts SET cents = cents + ? WHERE name = ?", cents, name)


def balance(conn, name):
    if not _exists(conn, name):
        raise Refused("there is no such account")
    rows = _do(conn, "SELECT cents FROM ledger_accounts WHERE name = ?", name)
    return Decimal(f"{rows[0][0]}e-2")


def entries(conn):
    rows = _do(conn, "SELECT name, cents FROM lines")
    return [[name, Decimal(f"{cents}e-2")] for name, cents in rows]


def transfer(conn, src, dst, amount, key):
    cents = _parse(amount)
    if cents == 0 or src == dst:
        raise Refused("this moves nothing")
    _alone(conn)
    known = _do(conn, "SELECT number, src, dst, cents FROM stubs WHERE key = ?", key)
    if known:
        number, *was = known[0]
        if was != [src, dst, cents]:
            raise Conflict("the key is taken")
        return Receipt(number, src, dst, amount, key)
    if not (_exists(conn, src) and _exists(conn, dst)):
        raise Refused("an account is missing")
    number = str(len(_do(conn, "SELECT 1 FROM stubs")) + 1)
    execute(conn, "SAVEPOINT the_lines")
    try:
        _write(conn, number, ((src, -cents), (dst, cents)))
    except Exception as error:
        if not type(error).__name__ in ("IntegrityError", "CheckViolation"):
            raise
        execute(conn, "ROLLBACK TO SAVEPOINT the_lines")
        raise Refused("there is too little money") from error
    execute(conn, "INSERT INTO stubs VALUES (?, ?, ?, ?, ?)", key, number, src, dst, cents)
    return Receipt(number, src, dst, amount, key)


def run_tx(pool, fn, retries=5, rng=None, clock=None, isolation=None):
    tries = 0
    while True:
        error = None
        with pool.connection() as conn:
            try:
                begin(conn, isolation)
                result = fn(conn)
                finish(conn)
                return result
            except BaseException as found:
                error = found
                with suppress(Exception):
                    conn.rollback()
        code = getattr(error, "sqlite_errorcode", None) or 0
        retried = getattr(error, "sqlstate", "") in ("40001", "40P01") or code & 255 in (5, 6)
        if tries >= retries or not retried:
            raise error
        tries += 1
        (clock or SystemClock()).sleep((rng or random.Random()).expovariate(20) % 1)


def begin(conn, isolation):
    if isinstance(conn, sqlite3.Connection):
        conn.execute("BEGIN IMMEDIATE")
    else:
        conn.execute("START TRANSACTION")
        if isolation is not None:
            conn.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation.upper()}")


def finish(conn):
    if not isinstance(conn, sqlite3.Connection):
        conn.execute("SELECT 1")  # fails after an error that was hidden
    conn.commit()
