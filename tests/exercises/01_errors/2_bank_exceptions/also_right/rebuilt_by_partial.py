# Pickling calls the class again, with its context bound by functools.partial.
import functools
from decimal import Decimal


class BankError(Exception):
    code = "bank"
    http = 400
    retryable = False

    def __init__(self, code=None, **context):
        super().__init__(f"{type(self).__name__} {context}")
        self.code = code or type(self).code
        self.context = context
        for name, value in context.items():
            setattr(self, name, value)

    def __reduce__(self):
        code = () if type(self) is not BankError else (self.code,)
        return functools.partial(type(self), *code, **self.context), ()

    def to_problem(self):
        return {"status": self.http, "code": self.code, "title": type(self).__name__}


class InvalidAmount(BankError):
    code = "AMOUNT"


class UnknownAccount(BankError):
    code = "UNKNOWN"


class InsufficientFunds(BankError):
    code = "FUNDS"


class LimitExceeded(BankError):
    code = "LIMIT"


class AccountFrozen(BankError):
    code = "FROZEN"


class Conflict(BankError):
    code = "CONFLICT"
    retryable = True


class Unavailable(BankError):
    code = "UNAVAILABLE"
    http = 503
    retryable = True

    def to_problem(self):
        return super().to_problem() | {"retry_after": float(self.retry_after), "detail": "later"}


def transfer(bank, src, dst, amount):
    if type(amount) is not Decimal:
        raise TypeError(amount)
    fraction = f"{amount:f}".partition(".")[2].rstrip("0")
    if not amount.is_finite() or amount <= 0 or len(fraction) > 2:
        raise InvalidAmount(amount=amount)
    try:
        payee = bank.get(dst)
        payer = bank.get(src)
    except KeyError as error:
        raise UnknownAccount(account=error.args[0]) from error
    except OSError as error:
        raise Unavailable(retry_after=0.5) from error
    if payee.frozen or payer.frozen:
        raise AccountFrozen()
    if src == dst:
        raise InvalidAmount(reason="same account")
    if payer.balance < amount:
        raise InsufficientFunds(needed=amount, available=payer.balance)
    if payer.limit < amount:
        raise LimitExceeded(limit=payer.limit, asked=amount)
    payer.balance, payee.balance = payer.balance - amount, payee.balance + amount
    try:
        saved = bank.put_all((payee, payer))
    except OSError as error:
        raise Unavailable(retry_after=0.5) from error
    if saved is False:
        raise Conflict(src=src, dst=dst)
    return payer.balance
