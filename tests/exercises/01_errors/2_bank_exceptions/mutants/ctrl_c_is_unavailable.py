# fails "a bug comes out as the same object" with "KeyboardInterrupt at A-2"
class BankError(Exception):
    """An error that the caller of the bank can act on."""

    status, retryable = 422, False

    def __init__(self, code: str, **context: Any) -> None:
        super().__init__(code)
        self.code = code
        self._names = tuple(context)
        self.__dict__.update(context)

    def __str__(self) -> str:
        facts = [f"{name} {getattr(self, name)}" for name in self._names]
        return f"{self._title}: {', '.join(facts)}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with its code alone.
        return _empty, (type(self),), self.__dict__

    def to_problem(self) -> dict[str, Any]:
        """What a client may read, ready for JSON."""
        return {"status": self.status, "code": self.code, "title": self._title}

    @property
    def _title(self) -> str:
        return self.code.replace("_", " ").capitalize()


class InvalidAmount(BankError):
    """No sum of money that can be paid."""

    def __init__(self, **context: Any) -> None:
        super().__init__("invalid_amount", **context)


class UnknownAccount(BankError):
    """There is no such account."""

    status = 404

    def __init__(self, **context: Any) -> None:
        super().__init__("unknown_account", **context)


class InsufficientFunds(BankError):
    """The payer does not have as much."""

    def __init__(self, needed: Decimal, available: Decimal, **context: Any) -> None:
        super().__init__("insufficient_funds", needed=needed, available=available, **context)


class LimitExceeded(BankError):
    """More than one transfer may take."""

    def __init__(self, **context: Any) -> None:
        super().__init__("limit_exceeded", **context)


class AccountFrozen(BankError):
    """One of the two accounts may not be used."""

    def __init__(self, **context: Any) -> None:
        super().__init__("account_frozen", **context)


class Conflict(BankError):
    """Somebody else was faster."""

    status, retryable = 409, True

    def __init__(self, **context: Any) -> None:
        super().__init__("conflict", **context)


class Unavailable(BankError):
    """The storage failed. Nothing was saved."""

    status, retryable = 503, True

    def __init__(self, retry_after: float, **context: Any) -> None:
        super().__init__("unavailable", retry_after=retry_after, **context)

    def to_problem(self) -> dict[str, Any]:
        return {**super().to_problem(), "retry_after": self.retry_after}


def transfer(bank: Any, src: str, dst: str, amount: Decimal) -> None:
    """Take `amount` from the account `src` and add it to `dst`."""
    if not isinstance(amount, Decimal):
        raise TypeError(f"amount must be a Decimal, got {type(amount).__name__}")
    if not _can_be_paid(amount) or src == dst:
        raise InvalidAmount(amount=amount, src=src, dst=dst)
    payer, payee = _account(bank, src), _account(bank, dst)
    for account in (payer, payee):
        if account.frozen:
            raise AccountFrozen(account=account.id)
    if amount > payer.limit:
        raise LimitExceeded(limit=payer.limit)
    if amount > payer.balance:
        raise InsufficientFunds(needed=amount, available=payer.balance)
    payer.balance -= amount
    payee.balance += amount
    _save(bank, [payer, payee])


def _empty(kind: type[BankError]) -> BankError:
    """An error whose attributes pickle fills in afterwards."""
    return kind.__new__(kind)


def _can_be_paid(amount: Decimal) -> bool:
    if not amount.is_finite() or amount <= 0:
        return False
    # By its digits, as arithmetic would round an amount that has more than 28 of them.
    _, digits, exponent = amount.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return exponent + zeros >= -2


def _account(bank: Any, id: str) -> Any:
    try:
        return _ask(bank.get, id)
    except KeyError:
        raise UnknownAccount(account=id) from None


def _save(bank: Any, accounts: list[Any]) -> None:
    if not _ask(bank.put_all, accounts):
        raise Conflict(accounts=[account.id for account in accounts])


def _ask(call: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return call(argument)
    except (OSError, KeyboardInterrupt) as error:
        raise Unavailable(retry_after=5) from error
