# A function makes the classes with type(), each with its code; facts are kept in a dict of their own.
from decimal import Decimal


class BankError(Exception):
    """Facts in a dict of their own; attributes are looked up there."""

    def __init__(self, code, /, **facts):
        super().__init__(code, facts)

    @property
    def code(self):
        return self.args[0]

    def __getattr__(self, name):
        facts = self.args[1] if len(self.args) > 1 else {}
        if name in facts:
            return facts[name]
        raise AttributeError(name)

    def __str__(self):
        return f"{self.code} {sorted(self.args[1])}"

    def __reduce__(self):
        return again, (type(self), *self.args)

    @property
    def retryable(self):
        return self.code in ("conflict", "unavailable")

    def to_problem(self):
        problem = {"code": self.code, "title": f"problem: {self.code}", "status": 499}
        if self.code == "unavailable":
            problem |= {"status": 503, "retry_after": self.retry_after}
        return problem


def again(kind, code, facts):
    error = kind.__new__(kind, code, facts)
    error.args = (code, facts)
    return error


def _kind(name, code):
    def __init__(self, **facts):
        BankError.__init__(self, code, **facts)

    return type(name, (BankError,), {"__init__": __init__})


InvalidAmount = _kind("InvalidAmount", "invalid")
UnknownAccount = _kind("UnknownAccount", "unknown")
InsufficientFunds = _kind("InsufficientFunds", "funds")
LimitExceeded = _kind("LimitExceeded", "limit")
AccountFrozen = _kind("AccountFrozen", "frozen")
Conflict = _kind("Conflict", "conflict")
Unavailable = _kind("Unavailable", "unavailable")


def asked(bank_method, argument):
    try:
        return bank_method(argument)
    except OSError as lost:
        raise Unavailable(retry_after=0) from lost


def transfer(bank, src, dst, amount):
    if not isinstance(amount, Decimal):
        raise TypeError("amount must be a Decimal")
    if src == dst:
        raise InvalidAmount(account=src)
    if amount.is_nan() or amount.is_infinite() or amount <= 0:
        raise InvalidAmount(amount=str(amount))
    digits, exponent = amount.as_tuple()[1:]
    while exponent < -2 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if exponent < -2:
        raise InvalidAmount(amount=str(amount))
    accounts = {}
    for id in (src, dst):
        try:
            accounts[id] = asked(bank.get, id)
        except KeyError:
            raise UnknownAccount(account=id) from None
    if any(account.frozen for account in accounts.values()):
        raise AccountFrozen(accounts=[src, dst])
    have, limit = accounts[src].balance, accounts[src].limit
    if amount > have:
        raise InsufficientFunds(needed=amount, available=have)
    if amount > limit:
        raise LimitExceeded(limit=limit)
    accounts[src].balance = have - amount
    accounts[dst].balance += amount
    if not asked(bank.put_all, list(accounts.values())):
        raise Conflict(accounts=[src, dst])
