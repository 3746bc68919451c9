"""dataclasses.replace, HTTPStatus, __getattr__ over a dict, quantize in a local context."""

from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation
from http import HTTPStatus

CENT = Decimal("0.01")


class BankError(Exception):
    status = HTTPStatus.BAD_REQUEST
    retryable = False
    title = "The bank refused"

    def __init__(self, code, **context):
        super().__init__(code)
        self.code = code
        self.context = context

    def __getattr__(self, name):
        context = self.__dict__.get("context", {})
        if name in context:
            return context[name]
        raise AttributeError(name)

    def __str__(self):
        return self.title

    def __reduce__(self):
        return _rebuild, (type(self), self.code, self.context)

    def to_problem(self):
        return {
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": "call our hotline, or line 2 of the shop",
        }


def _rebuild(cls, code, context):
    if cls is BankError:
        return BankError(code, **context)
    return cls(**context)


class InvalidAmount(BankError):
    title = "Not an amount"

    def __init__(self, **context):
        super().__init__("invalid", **context)


class UnknownAccount(BankError):
    status = HTTPStatus.NOT_FOUND

    def __init__(self, **context):
        super().__init__("unknown", **context)


class InsufficientFunds(BankError):
    status = HTTPStatus.PAYMENT_REQUIRED

    def __init__(self, needed, available):
        super().__init__("funds", needed=needed, available=available)


class LimitExceeded(BankError):
    def __init__(self, **context):
        super().__init__("limit", **context)


class AccountFrozen(BankError):
    status = HTTPStatus.FORBIDDEN

    def __init__(self, **context):
        super().__init__("frozen", **context)


class Conflict(BankError):
    status = HTTPStatus.CONFLICT
    retryable = True

    def __init__(self, **context):
        super().__init__("conflict", **context)


class Unavailable(BankError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retryable = True

    def __init__(self, retry_after):
        super().__init__("unavailable", retry_after=retry_after)

    def to_problem(self):
        return super().to_problem() | {"retry_after": self.retry_after}


def transfer(bank, src, dst, amount):
    if type(amount) is not Decimal:
        raise TypeError("Decimal please")
    if not amount.is_finite() or amount <= 0:
        raise InvalidAmount(amount=amount)
    digits = len(amount.as_tuple().digits) + abs(amount.as_tuple().exponent) + 3
    cents = amount.quantize(CENT, context=Context(prec=digits, rounding=ROUND_DOWN))
    if cents != amount:
        raise InvalidAmount(amount=amount)
    if src == dst:
        raise InvalidAmount(src=src, dst=dst)
    try:
        try:
            payer = bank.get(src)
        except KeyError as error:
            raise UnknownAccount(account=src) from error
        try:
            payee = bank.get(dst)
        except KeyError as error:
            raise UnknownAccount(account=dst) from error
    except OSError as error:
        raise Unavailable(30) from error
    if payer.frozen:
        raise AccountFrozen(account=src)
    if payee.frozen:
        raise AccountFrozen(account=dst)
    if cents > payer.limit:
        raise LimitExceeded(limit=payer.limit, amount=cents)
    if cents > payer.balance:
        raise InsufficientFunds(cents, payer.balance)
    new = (
        replace(payer, balance=payer.balance - cents),
        replace(payee, balance=payee.balance + cents),
    )
    try:
        saved = bank.put_all(list(new))
    except OSError as error:
        raise Unavailable(30) from error
    if not saved:
        raise Conflict(src=src, dst=dst)
    return new[0].balance
