"""Factory with init_subclass; __new__-based pickling through copyreg; context manager for storage; builds Account anew."""

import copyreg
from contextlib import contextmanager
from enum import StrEnum


class Code(StrEnum):
    INVALID = "E1"
    UNKNOWN = "E2"
    FUNDS = "E3"
    LIMIT = "E4"
    FROZEN = "E5"
    CONFLICT = "E6"
    DOWN = "E7"


class BankError(Exception):
    def __init_subclass__(cls, code=None, status=422, retryable=False, **kw):
        super().__init_subclass__(**kw)
        cls._code, cls._status, cls._retry = code, status, retryable

    _code, _status, _retry = "bank", 400, False

    def __new__(cls, *args, **context):
        self = super().__new__(cls, *args)
        return self

    def __init__(self, code=None, /, **context):
        super().__init__(code or self._code)
        self.code = code or self._code
        for k, v in context.items():
            object.__setattr__(self, k, v)
        self._keys = sorted(context)

    @property
    def retryable(self):
        return self._retry

    def __str__(self):
        return f"transfer failed ({self.code}, {len(self._keys)} facts)"

    def __reduce_ex__(self, protocol):
        return copyreg.__newobj__, (type(self),), dict(vars(self))

    def __setstate__(self, state):
        vars(self).update(state)
        self.args = (state["code"],)

    def to_problem(self):
        out = dict(
            type="about:blank", status=self._status, code=self.code, title=type(self).__name__
        )
        if hasattr(self, "retry_after"):
            out["retry_after"] = self.retry_after
        return out


class InvalidAmount(BankError, code=Code.INVALID): ...


class UnknownAccount(BankError, code=Code.UNKNOWN, status=404): ...


class InsufficientFunds(BankError, code=Code.FUNDS): ...


class LimitExceeded(BankError, code=Code.LIMIT): ...


class AccountFrozen(BankError, code=Code.FROZEN, status=423): ...


class Conflict(BankError, code=Code.CONFLICT, status=409, retryable=True): ...


class Unavailable(BankError, code=Code.DOWN, status=503, retryable=True): ...


@contextmanager
def storage():
    try:
        yield
    except OSError as e:
        raise Unavailable(retry_after=Decimal("2.5")) from e


def decimals(amount):
    sign, digits, exponent = amount.as_tuple()
    digits = list(digits)
    while digits and digits[-1] == 0 and exponent < 0:
        digits.pop()
        exponent += 1
    return max(0, -exponent)


def transfer(bank, src, dst, amount):
    match amount:
        case Decimal():
            pass
        case _:
            raise TypeError(f"not a Decimal: {amount!r}")
    if amount.is_nan() or amount.is_infinite() or amount <= Decimal(0) or decimals(amount) > 2:
        raise InvalidAmount()
    if src == dst:
        raise InvalidAmount(reason="same")
    rows = {}
    with storage():
        for id in (dst, src):
            try:
                rows[id] = bank.get(id)
            except KeyError:
                raise UnknownAccount(id=id)
    a, b = rows[src], rows[dst]
    if b.frozen or a.frozen:
        raise AccountFrozen(ids=[x.id for x in (a, b) if x.frozen])
    if a.balance < amount:
        raise InsufficientFunds(needed=amount, available=a.balance)
    if a.limit < amount:
        raise LimitExceeded(limit=a.limit)
    news = [
        Account(
            id=b.id, balance=b.balance + amount, limit=b.limit, frozen=b.frozen, version=b.version
        ),
        Account(a.id, a.balance - amount, a.limit, a.frozen, a.version),
    ]
    with storage():
        if bank.put_all(news) is False:
            raise Conflict()
