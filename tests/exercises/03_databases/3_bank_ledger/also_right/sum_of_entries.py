# Nothing but entries holds money. A transfer counts its number up in both accounts, in order: so it
# waits for others, and at repeatable read it meets them. Transactions are blocks of the drivers.
def _sql(conn, text, *values):
    mark = "?" if isinstance(conn, sqlite3.Connection) else "%s"
    cursor = conn.cursor()
    cursor.execute(text.replace("$", mark), values)
    return cursor


def create(conn):
    _sql(conn, "CREATE TABLE accounts (name TEXT PRIMARY KEY, version INTEGER)")
    _sql(
        conn,
        "CREATE TABLE entries (transfer_key TEXT, account TEXT REFERENCES accounts, cents BIGINT)",
    )
    _sql(conn, "CREATE TABLE keys (key TEXT PRIMARY KEY, id TEXT, src TEXT, dst TEXT, cents BIGINT)")
    _sql(conn, "INSERT INTO accounts VALUES ($, 0)", BANK)


def _in_cents(amount):
    if amount.is_nan() or amount.is_infinite():
        raise Refused("not a number")
    cents = amount.scaleb(2)
    if cents != cents.to_integral_value() or cents < 0:
        raise Refused("not an amount")
    return int(cents)


def open_account(conn, name, opening):
    cents = _in_cents(opening)
    if _sql(conn, "SELECT name FROM accounts WHERE name = $", name).fetchall():
        raise Refused("there is one already")
    _sql(conn, "INSERT INTO accounts VALUES ($, 0)", name)
    _sql(conn, "INSERT INTO entries VALUES ('opening', $, $)", BANK, -cents)
    _sql(conn, "INSERT INTO entries VALUES ('opening', $, $)", name, cents)


def _has(conn, name):
    (cents,) = _sql(conn, "SELECT SUM(cents) FROM entries WHERE account = $", name).fetchone()
    return int(cents or 0)


def balance(conn, name):
    if not _sql(conn, "SELECT name FROM accounts WHERE name = $", name).fetchall():
        raise Refused("there is none")
    return Decimal(_has(conn, name)).scaleb(-2)


def entries(conn):
    found = _sql(conn, "SELECT account, cents FROM entries")
    return [(account, Decimal(cents).scaleb(-2)) for account, cents in found.fetchall()]


def transfer(conn, src, dst, amount, key):
    cents = _in_cents(amount)
    if not cents or src == dst:
        raise Refused("there is nothing to move")
    receipt = Receipt(f"{key} of {src}", src, dst, amount, key)
    claim = "INSERT INTO keys VALUES ($, $, $, $, $) ON CONFLICT DO NOTHING RETURNING key"
    if not _sql(conn, claim, key, receipt.id, src, dst, cents).fetchall():
        known = _sql(conn, "SELECT id, src, dst, cents FROM keys WHERE key = $", key).fetchone()
        if tuple(known) != (receipt.id, src, dst, cents):
            raise Conflict("the key was for something else")
        return receipt
    for name in sorted((src, dst), reverse=True):
        counted = _sql(conn, "UPDATE accounts SET version = version + 1 WHERE name = $", name)
        if counted.rowcount != 1:
            raise Refused("there is no such account")
    if _has(conn, src) < cents:
        raise Refused("there is not enough")
    _sql(conn, "INSERT INTO entries VALUES ($, $, $)", key, dst, cents)
    _sql(conn, "INSERT INTO entries VALUES ($, $, $)", key, src, -cents)
    return receipt


def _transaction(conn, fn, isolation):
    if isinstance(conn, sqlite3.Connection):
        conn.execute("BEGIN EXCLUSIVE")
        try:
            result = fn(conn)
            conn.execute("COMMIT")
            return result
        finally:
            with suppress(sqlite3.Error):
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
    import psycopg

    level = isolation and psycopg.IsolationLevel[isolation.replace(" ", "_").upper()]
    conn.isolation_level = level
    with conn.transaction():
        result = fn(conn)
        if conn.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            raise psycopg.InternalError("the transaction is broken")
    return result


def run_tx(pool, fn, retries=5, rng=None, clock=None, isolation=None):
    def attempt():
        with pool.connection() as conn:
            return _transaction(conn, fn, isolation)

    def hopeful(error):
        if getattr(error, "sqlstate", None) in {"40001", "40P01"}:
            return True
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in {5, 6}

    pause = 0.05
    while retries > 0:
        try:
            return attempt()
        except Exception as error:
            if not hopeful(error):
                raise
        retries -= 1
        (clock or SystemClock()).sleep(min(pause, 3) * (rng or random.Random()).uniform(0.5, 1.5))
        pause *= 2
    return attempt()
