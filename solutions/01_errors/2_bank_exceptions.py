# %% [markdown] id="title"
# # The exceptions of a bank
#
# **Goal:** write exceptions that tell a caller what to do next, survive a journey between
# processes, and leak nothing. · **45 minutes** · needs: [Designing
# exceptions](../../../notebooks/01_errors/2_designing_exceptions.ipynb)
#
# **Not covered:** currencies, fees, several transfers at once, the boundary (the next exercise).

# %% [markdown] id="how"
# ## How to work
#
# There are five tasks. Each adds one thing, and you can check after each. The check stops at the
# first thing that is not right yet. It says what was done, what was expected and what came back.
#
# You may change every class below, as long as the names and the tasks hold.

# %% id="setup" tags=["setup"]
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from course_lib.practice import check, hint, reset, solution

# %% [markdown] id="bank-words"
# ## The bank
#
# This is given. The check brings a bank of its own with the same two methods, and nothing else.
#
# - `bank.get(id)` gives a copy of an account. It raises `KeyError` if there is no such account.
# - `bank.put_all(accounts)` saves all of them or none. It gives `False`, and saves nothing, if
#   somebody else saved one of them since you read it. It compares `version`; leave that as it is.
# - Both raise `OSError` when the storage fails. Then nothing was saved.


# %% id="bank" tags=["setup"]
@dataclass
class Account:
    id: str
    balance: Decimal
    limit: Decimal  # the most that one transfer may take from it
    frozen: bool = False
    version: int = 0


class Bank:
    """Accounts in memory."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}

    def get(self, id: str) -> Account:
        return replace(self.accounts[id])

    def put_all(self, accounts: list[Account]) -> bool:
        stored = self.accounts
        if any(new.version != stored[new.id].version for new in accounts):
            return False
        for new in accounts:
            stored[new.id] = replace(new, version=new.version + 1)
        return True


# %% [markdown] id="task-1"
# ## Task 1: seven classes
#
# - All seven are a `BankError`, which is an `Exception`.
# - Each has a `code`: a text of its own that is the same for all its errors. Choose the words.
#   `BankError` takes its code as the first argument; the seven bring theirs.
# - All take context as keyword arguments of any name. Each becomes an attribute of that name:
#   `AccountFrozen(account="A-1").account` is `"A-1"`. `InsufficientFunds` is always given
#   `needed` and `available`, and `Unavailable` is always given `retry_after`, in seconds. Whether
#   these two take more is free.
# - `str(error)` is a text for people, not empty. Its words are free.
# - `error.retryable` is `True` for `Unavailable` and for `Conflict`: the same transfer may work
#   later, as it reads the accounts again. It is `False` for the other five.

# %% [markdown] id="task-2"
# ## Task 2: survive the journey
#
# An error that is pickled and read back has the same class, text, code and context, and the same
# `retryable`. This holds for all eight classes.

# %% [markdown] id="task-3"
# ## Task 3: a problem for the client
#
# - `error.to_problem()` gives a dict that `json.dumps` accepts. It has a `status` (a whole
#   number), the `code` and a `title` (a text, not empty). More members are free.
# - The status is 503 for `Unavailable`, and 400 to 499 for the other six. `BankError` is free.
# - No context stands in it, and nothing of a cause: no SQL (the language of databases), no
#   traceback, no balance.
# - One exception: `retry_after` of `Unavailable` stands in it, under that name.

# %% [markdown] id="task-4"
# ## Task 4: transfer
#
# `transfer(bank, src, dst, amount)` takes `amount` from the account `src` and adds it to `dst`.
# Both accounts are saved in one call of `put_all`. Only their balances change, and they stay a
# `Decimal`. What it gives back is free.
#
# <table>
# <caption>What a transfer refuses</caption>
# <tr><th scope="col">what is wrong</th><th scope="col">raise</th></tr>
# <tr>
# <td><code>amount</code> is not a <code>Decimal</code> (a float, an int, a text)</td>
# <td><code>TypeError</code></td>
# </tr>
# <tr><td>zero, negative, NaN, infinite</td><td><code>InvalidAmount</code></td></tr>
# <tr>
# <td>more than two decimals; zeros at the end do not count, so 5.500 is fine</td>
# <td><code>InvalidAmount</code></td>
# </tr>
# <tr>
# <td><code>src</code> and <code>dst</code> are the same account</td>
# <td><code>InvalidAmount</code></td>
# </tr>
# <tr>
# <td>there is no such account, be it <code>src</code> or <code>dst</code></td>
# <td><code>UnknownAccount</code></td>
# </tr>
# <tr><td>one of the two is frozen</td><td><code>AccountFrozen</code></td></tr>
# <tr>
# <td>more than the <code>limit</code> of <code>src</code>; equal is allowed</td>
# <td><code>LimitExceeded</code></td>
# </tr>
# <tr>
# <td>more than the <code>balance</code> of <code>src</code>; equal is allowed</td>
# <td><code>InsufficientFunds</code></td>
# </tr>
# </table>
#
# - If several hold, you choose which comes first. An amount may be very large.
# - `needed` is the amount, `available` the balance of `src`. Both stay a `Decimal`.
# - A transfer that fails changes nothing in the bank.

# %% [markdown] id="task-5"
# ## Task 5: when the bank itself fails
#
# - The storage fails (`OSError`, in `get` or in `put_all`): `Unavailable`, with the `OSError` as
#   its `__cause__`. You choose `retry_after`: a number, 0 or more.
# - `put_all` gives `False`: `Conflict`. Do not try again in here.
# - Every other error is a bug, and comes out as the very same object. That holds for a
#   `TypeError`, and also for a `KeyError` of `put_all`, which does not mean an unknown account.
#   `KeyboardInterrupt` is no bug, but comes out in the same way.
# - Whoever pays learns nothing of the other's money. The balance of `dst` stands nowhere in an
#   error: not in its text, not in its attributes.


# %% id="errors" tags=["solution"]
class BankError(Exception):
    """An error that the caller of the bank can act on."""

    status, retryable = 422, False

    def __init__(self, code: str, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
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
        ### END SOLUTION

    def to_problem(self) -> dict[str, Any]:
        """What a client may read, ready for JSON."""
        # TODO: task 3
        ### BEGIN SOLUTION
        return {"status": self.status, "code": self.code, "title": self._title}

    @property
    def _title(self) -> str:
        return self.code.replace("_", " ").capitalize()
        ### END SOLUTION


class InvalidAmount(BankError):
    """No sum of money that can be paid."""

    def __init__(self, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("invalid_amount", **context)
        ### END SOLUTION


class UnknownAccount(BankError):
    """There is no such account."""

    status = 404

    def __init__(self, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("unknown_account", **context)
        ### END SOLUTION


class InsufficientFunds(BankError):
    """The payer does not have as much."""

    def __init__(
        self,
        needed: Decimal,
        available: Decimal,
        **context: Any,
    ) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("insufficient_funds", needed=needed, available=available, **context)
        ### END SOLUTION


class LimitExceeded(BankError):
    """More than one transfer may take."""

    def __init__(self, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("limit_exceeded", **context)
        ### END SOLUTION


class AccountFrozen(BankError):
    """One of the two accounts may not be used."""

    def __init__(self, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("account_frozen", **context)
        ### END SOLUTION


class Conflict(BankError):
    """Somebody else was faster."""

    status, retryable = 409, True

    def __init__(self, **context: Any) -> None:
        # TODO: tasks 1 and 2
        ### BEGIN SOLUTION
        super().__init__("conflict", **context)
        ### END SOLUTION


class Unavailable(BankError):
    """The storage failed. Nothing was saved."""

    status, retryable = 503, True

    def __init__(self, retry_after: float, **context: Any) -> None:
        # TODO: tasks 1 to 3; give this class its own to_problem if you like
        ### BEGIN SOLUTION
        super().__init__("unavailable", retry_after=retry_after, **context)

    def to_problem(self) -> dict[str, Any]:
        return {**super().to_problem(), "retry_after": self.retry_after}
        ### END SOLUTION


def transfer(bank: Any, src: str, dst: str, amount: Decimal) -> None:
    """Take `amount` from the account `src` and add it to `dst`."""
    # TODO: tasks 4 and 5; write helper functions below as you need them
    ### BEGIN SOLUTION
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
    except OSError as error:
        raise Unavailable(retry_after=5) from error
    ### END SOLUTION


# %% id="check" tags=["check"]
check("01.2-bank-exceptions")

# %% [markdown] id="stuck"
# Stuck? Each call of `hint` opens one more of three. `solution("01.2-bank-exceptions")` shows a
# worked answer, and `reset("01.2-bank-exceptions")` gives you the empty task back. Your version is
# kept beside it.

# %% id="hint" tags=["check"]
hint("01.2-bank-exceptions")

# %% [markdown] id="playground"
# ## Try it by hand
#
# Bet on the line that each transfer prints before you run the cell. Then add a transfer of your
# own.


# %% id="play" tags=["play"]
def story(amount, src="A-1", dst="A-2"):
    bank = Bank(
        Account("A-1", balance=Decimal("80.00"), limit=Decimal("50.00")),
        Account("A-2", balance=Decimal("10.00"), limit=Decimal("50.00")),
    )
    try:
        transfer(bank, src, dst, amount)
        print(amount, "->", *(a.balance for a in bank.accounts.values()))
    except BankError as error:
        print(amount, "->", error, "| retryable:", error.retryable)


try:
    story(Decimal("12.50"))
    story(Decimal("50.01"))
    story(Decimal("NaN"))
    story(Decimal("1.00"), dst="A-3")
except NotImplementedError:
    print("Nothing to play with yet: write the classes first.")

# %% [markdown] id="question"
# ## To think about
#
# The table gives `InsufficientFunds` the balance of the payer. The payer may know it. But who else
# reads this error on its way: a log, a shop's till, a support desk? What would you leave out, and
# what would then be harder?
#
# There is no single right answer, and no check.
