# Fields are plain attributes; pickling keeps args and restores the attributes afterwards.
from decimal import Decimal
from fractions import Fraction


class BankError(Exception):
    retryable = False
    status = 422

    def __init__(self, code, **context):
        super().__init__(code)
        self.code = code
        self.__dict__.update(context)

    def __reduce__(self):
        return rebuild, (self.__class__, self.args, dict(self.__dict__))

    def to_problem(self):
        return {"status": self.status, "code": self.code, "title": self.code.replace("-", " ")}


def rebuild(kind, args, fields):
    error = kind.__new__(kind)
    Exception.__init__(error, *args)
    error.__dict__.update(fields)
    return error


class InvalidAmount(BankError):
    def __init__(self, **context):
        super().__init__("invalid-amount", **context)


class NotANumber(InvalidAmount):
    """A class of my own is fine: it is an InvalidAmount too."""


class UnknownAccount(BankError):
    status = 404

    def __init__(self, **context):
        super().__init__("unknown-account", **context)


class InsufficientFunds(BankError):
    def __init__(self, *, needed, available, **context):
        super().__init__("insufficient-funds", needed=needed, available=available, **context)

    def __str__(self):
        return f"{self.needed} needed, {self.available} available"


class LimitExceeded(BankError):
    def __init__(self, **context):
        super().__init__("limit-exceeded", **context)


class AccountFrozen(BankError):
    status = 403

    def __init__(self, **context):
        super().__init__("account-frozen", **context)


class Conflict(BankError):
    status, retryable = 409, True

    def __init__(self, **context):
        super().__init__("conflict", **context)


class Unavailable(BankError):
    status, retryable = 503, True

    def __init__(self, *, retry_after, **context):
        super().__init__("unavailable", retry_after=retry_after, **context)

    def to_problem(self):
        problem = super().to_problem()
        problem["retry_after"] = self.retry_after
        return problem


def transfer(bank, src, dst, amount):
    if not isinstance(amount, Decimal):
        raise TypeError(f"not a Decimal: {amount!r}")
    if not amount.is_finite():
        raise NotANumber(amount=amount)
    if amount <= 0 or (Fraction(amount) * 100).denominator != 1 or src == dst:
        raise InvalidAmount(amount=amount)
    try:
        try:
            payer, payee = bank.get(src), bank.get(dst)
        except KeyError as missing:
            raise UnknownAccount(accounts=(src, dst)) from missing
        if payer.frozen or payee.frozen:
            raise AccountFrozen(account=(payer if payer.frozen else payee).id)
        if amount > min(payer.limit, payer.balance):
            if amount > payer.balance:
                raise InsufficientFunds(needed=amount, available=payer.balance)
            raise LimitExceeded(limit=payer.limit)
        payer.balance -= amount
        payee.balance += amount
        if not bank.put_all([payer, payee]):
            raise Conflict(accounts=(src, dst))
    except OSError as error:
        raise Unavailable(retry_after=1) from error
