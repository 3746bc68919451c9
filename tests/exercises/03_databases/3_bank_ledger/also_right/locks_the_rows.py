# Money is text in SQLite and NUMERIC in PostgreSQL, and Python does the sums. PostgreSQL locks both
# rows by SELECT ... FOR UPDATE before anything is read. The key is looked for after that.
def _rows(conn, sql, **values):
    if isinstance(conn, sqlite3.Connection):
        return conn.execute(sql.replace(" FOR UPDATE", ""), values).fetchall()
    for name in values:
        sql = sql.replace(f":{name}", f"%({name})s")
    cursor = conn.cursor()
    cursor.execute(sql, values)
    return cursor.fetchall() if cursor.description else []


def create(conn):
    money = "TEXT" if isinstance(conn, sqlite3.Connection) else "NUMERIC(20, 2)"
    _rows(conn, f"CREATE TABLE account (owner TEXT PRIMARY KEY, money {money} NOT NULL)")
    _rows(
        conn,
        "CREATE TABLE transfer (number TEXT PRIMARY KEY, payer TEXT, payee TEXT,"
        f" money {money}, wish TEXT UNIQUE)",
    )
    _rows(conn, f"CREATE TABLE entry (number TEXT, owner TEXT, money {money})")
    _rows(conn, "INSERT INTO account VALUES ('bank', '0.00')")


def _check(amount, least):
    if not amount.is_finite() or amount < least or amount != round(amount, 2):
        raise Refused("this is no amount")


def open_account(conn, name, opening):
    _check(opening, Decimal(0))
    if _rows(conn, "SELECT 1 FROM account WHERE owner = :name", name=name):
        raise Refused("this name is taken")
    _rows(conn, "INSERT INTO account VALUES (:name, '0.00')", name=name)
    _book(conn, f"opening of {name}", BANK, name, opening)


def balance(conn, name):
    for (money,) in _rows(conn, "SELECT money FROM account WHERE owner = :name", name=name):
        return Decimal(money)
    raise Refused("nobody has this name")


def entries(conn):
    rows = _rows(conn, "SELECT owner, money FROM entry")
    return [(owner, Decimal(money)) for owner, money in rows]


def transfer(conn, src, dst, amount, key):
    _check(amount, Decimal("0.01"))
    if src == dst:
        raise Refused("one account is not two")
    lock = "SELECT owner FROM account WHERE owner IN (:a, :b) ORDER BY owner FOR UPDATE"
    found = _rows(conn, lock, a=src, b=dst)
    sql = "SELECT number, payer, payee, money, wish FROM transfer WHERE wish = :key"
    for number, payer, payee, money, wish in _rows(conn, sql, key=key):
        if (payer, payee, Decimal(money)) != (src, dst, amount):
            raise Conflict("this key is taken")
        return Receipt(number, payer, payee, Decimal(money), wish)
    if len(found) < 2:
        raise Refused("an account is missing")
    if balance(conn, src) < amount:
        raise Refused("that is too much")
    receipt = Receipt(f"transfer {random.SystemRandom().getrandbits(90)}", src, dst, amount, key)
    insert = "INSERT INTO transfer VALUES (:id, :src, :dst, :money, :key)"
    _rows(conn, insert, id=receipt.id, src=src, dst=dst, money=str(amount), key=key)
    _book(conn, receipt.id, src, dst, amount)
    return receipt


def _book(conn, number, src, dst, amount):
    for owner, change in ((src, -amount), (dst, amount)):
        now = balance(conn, owner) + change
        _rows(conn, "UPDATE account SET money = :n WHERE owner = :o", n=str(now), o=owner)
        _rows(conn, "INSERT INTO entry VALUES (:i, :o, :m)", i=number, o=owner, m=str(change))


def run_tx(pool, fn, retries=5, rng=None, clock=None, isolation=None):
    rng = rng or random.Random()
    clock = clock or SystemClock()
    for left in range(retries, -1, -1):
        try:
            with pool.connection() as conn:
                return _once(conn, fn, isolation)
        except Exception as error:
            code = getattr(error, "sqlite_errorcode", None)
            again = getattr(error, "sqlstate", None) in ("40001", "40P01")
            again = again or (code is not None and code % 256 in (5, 6))
            if not left or not again:
                raise
        clock.sleep(0.01 + 0.1 * rng.random())


def _once(conn, fn, isolation):
    lite = isinstance(conn, sqlite3.Connection)
    conn.execute("BEGIN IMMEDIATE" if lite else "BEGIN")
    try:
        if isolation and not lite:
            conn.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        result = fn(conn)
        end = conn.execute("COMMIT")
        if not lite and end.statusmessage == "ROLLBACK":
            raise RuntimeError("nothing was committed")
        return result
    except BaseException as error:
        try:
            conn.execute("ROLLBACK")
        except Exception as failed:
            error.add_note(f"no rollback: {failed}")
        raise
