"""Checks of 01.2-bank-exceptions. The bank here has two accounts, A-1 and A-2."""

import io
import json
import pickle
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from types import FunctionType

from course_lib.practice import scenario

KINDS = (
    "InvalidAmount",
    "UnknownAccount",
    "InsufficientFunds",
    "LimitExceeded",
    "AccountFrozen",
    "Conflict",
    "Unavailable",
)
NAMES = ("BankError", *KINDS, "transfer")
HINTS = (
    "What will the caller do differently? And for pickle: with which arguments does it call your "
    "class when it makes the copy?",
    "The class is for the decision, the code for the machine, the text for people. Keep the facts "
    "as attributes. In transfer, ask everything before you change anything, and keep each try "
    "around one call of the bank.",
    "One __init__ in BankError keeps code and context; the seven only pass theirs on. A __reduce__ "
    "in BankError gives three things: a function that makes an empty error of a class, its "
    "arguments, and the attributes. Two small functions talk to the bank, one reads, one saves.",
)

SECRET = "SELECT pin FROM cards"


def money(rng, low, high):
    """An amount with two decimals, from low to high in whole units."""
    return Decimal(rng.randrange(low * 100, high * 100)).scaleb(-2)


def contexts(rng):
    """For each of the seven classes, context as it may be given."""
    numbers = rng.sample(range(10, 1000), 3)
    unknown, frozen, moved = (f"A-{number}" for number in numbers)
    return {
        "InvalidAmount": {"amount": -money(rng, 1, 99)},
        "UnknownAccount": {"account": unknown},
        "InsufficientFunds": {"needed": money(rng, 50, 99), "available": money(rng, 1, 50)},
        "LimitExceeded": {"limit": money(rng, 50, 99), "asked": money(rng, 100, 200)},
        "AccountFrozen": {"account": frozen, "since": "Monday"},
        "Conflict": {"account": moved},
        "Unavailable": {"retry_after": rng.randrange(1, 60)},
    }


def seven(solution, given):
    return {name: getattr(solution, name)(**given[name]) for name in KINDS}


def eight(solution, given):
    """The seven, and a plain BankError."""
    return seven(solution, given) | {"BankError": solution.BankError("odd", account="A-7")}


def is_text(value):
    return "a text" if isinstance(value, str) and value.strip() else f"no text: {value!r}"[:60]


# The bank


@dataclass
class Account:
    id: str
    balance: Decimal
    limit: Decimal
    frozen: bool = False
    version: int = 3


class Bank:
    """A-1 pays, A-2 is paid. `broken` holds errors that get (by id) or put_all raise."""

    def __init__(self, *, balance="80.00", limit="500.00", other="10.00", frozen="", broken=None):
        self.stored = {
            id: Account(id, Decimal(money), Decimal(limit), id == frozen)
            for id, money in (("A-1", balance), ("A-2", other))
        }
        self.broken = broken or {}
        self.conflict = False
        self.saves = []

    def get(self, id):
        if id in self.broken:
            raise self.broken[id]
        return replace(self.stored[id])

    def put_all(self, accounts):
        accounts = list(accounts)
        self.saves.append(sorted(account.id for account in accounts))
        if "put_all" in self.broken:
            raise self.broken["put_all"]
        if self.conflict or any(a.version != self.stored[a.id].version for a in accounts):
            return False
        for new in accounts:
            row = (new.id, new.balance, new.limit, new.frozen, new.version + 1)
            self.stored[new.id] = Account(*row)
        return True

    @property
    def balances(self):
        return [in_words(account.balance) for account in self.stored.values()]


def in_words(balance):
    return f"{balance:.2f}" if isinstance(balance, Decimal) else f"no Decimal: {balance!r}"[:60]


def kind(solution, error):
    """The name of the nearest of the eight classes."""
    for each in type(error).__mro__:
        for name in ("BankError", *KINDS):
            if each is getattr(solution, name):
                return name
    return type(error).__name__


def attempt(solution, bank, amount, src="A-1", dst="A-2"):
    """`done`, or the BankError that came out."""
    try:
        solution.transfer(bank, src, dst, amount)
    except solution.BankError as error:
        return error
    return "done"


def outcome(solution, bank, amount, src="A-1", dst="A-2"):
    came = attempt(solution, bank, amount, src, dst)
    return came if came == "done" else kind(solution, came)


# Task 1

FAMILY = "all seven are a BankError with a code of their own"
CONTEXT = "context becomes attributes, and there is a text"
RETRYABLE = "retryable is right for each class"


@scenario(FAMILY, task=1, next_step="Derive all seven from BankError; each passes on its code.")
def family(solution, rng):
    """Two errors of each class, with different context; and BankError("odd")."""
    first, second = seven(solution, contexts(rng)), seven(solution, contexts(rng))
    seen = {"BankError is an Exception": issubclass(solution.BankError, Exception)}
    seen |= {
        f"{name} is a BankError": isinstance(first[name], solution.BankError) for name in KINDS
    }
    seen |= {f"code of {name}": is_text(first[name].code) for name in KINDS}
    seen["classes whose code changes"] = [n for n in KINDS if first[n].code != second[n].code]
    seen["number of different codes"] = len({error.code for error in first.values()})
    seen['BankError("odd").code'] = str(solution.BankError("odd").code)
    return seen


@scenario(
    CONTEXT,
    task=1,
    needs=(FAMILY,),
    next_step="Set each keyword argument as an attribute of its name.",
)
def context(solution, rng):
    """Two errors of each class, each with context of its own, read back as attributes."""
    given, later = contexts(rng), contexts(rng)
    seen = {}
    errors, _ = seven(solution, given), seven(solution, later)
    for name, error in errors.items():
        for key, value in given[name].items():
            seen[f"{name}: {key}"] = "as given" if getattr(error, key) == value else "different"
        seen[f"text of {name}"] = is_text(str(error))
    error = solution.BankError("odd", account="A-7")
    return seen | {"BankError: account": error.account, "text of BankError": is_text(str(error))}


@scenario(
    RETRYABLE,
    task=1,
    needs=(FAMILY,),
    next_step="Which of the seven may work later, though the caller changes nothing?",
)
def retryable(solution, rng):
    """The attribute retryable of one error of each class."""
    return {n: bool(error.retryable) for n, error in seven(solution, contexts(rng)).items()}


# Task 2

JOURNEY = "every error survives a journey through pickle"


def sent(error):
    """A copy through pickle, as if the learner's notebook were a module."""
    known = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            own = isinstance(value, type | FunctionType)
            if own and value.__module__ == type(error).__module__ and "<" not in value.__qualname__:
                known.append(value)
                return len(known) - 1
            return None

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, number):
            return known[number]

    file = io.BytesIO()
    Pickler(file).dump(error)
    file.seek(0)
    return Unpickler(file).load()


@scenario(
    JOURNEY,
    task=2,
    needs=(CONTEXT,),
    points=2,
    next_step="Write __reduce__ in BankError, or give pickle all arguments; see hint 3.",
)
def journey(solution, rng):
    """One error of each of the eight classes, pickled and read back."""
    given = contexts(rng) | {"BankError": {"account": "A-7"}}
    seen = {}
    for name, error in eight(solution, given).items():
        try:
            twin = sent(error)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the journey failed
            seen[name] = f"did not arrive: {type(problem).__name__}: {problem}"[:100]
            continue
        fields = [*given[name], "code", "retryable"]
        kept = all(getattr(twin, f, None) == getattr(error, f) for f in fields)
        same_text = str(twin) == str(error)
        seen[name] = {
            "class": type(twin) is type(error),
            "text": same_text,
            "attributes": kept,
        }
    return seen


# Task 3

PROBLEM = "a problem has a status, a code and a title"
INSIDE = "a problem shows nothing of the inside"
COME_BACK = "only Unavailable says when to come back"


def status_of(problem):
    status = problem["status"]
    if not isinstance(status, int):
        return f"no whole number: {status!r}"[:60]
    return "400 to 499" if 400 <= status <= 499 else int(status)


@scenario(PROBLEM, task=3, needs=(CONTEXT,), next_step="Give back a dict with three members.")
def problem(solution, rng):
    """to_problem() of one error of each class."""
    seen = {}
    for name, error in seven(solution, contexts(rng)).items():
        told = error.to_problem()
        json.dumps(told)
        seen[name] = {
            "status": status_of(told),
            "code": "as in the error" if told["code"] == error.code else "another one",
            "title": is_text(told["title"]),
        }
    return seen


@scenario(
    INSIDE,
    task=3,
    needs=(PROBLEM,),
    next_step="Do not use str(self), the context or the cause in to_problem.",
)
def inside(solution, rng):
    """Errors with SQL in their context and in their cause; the JSON of their problem."""
    given = contexts(rng)
    seen = {}
    for name in KINDS:
        fixed = name in ("InsufficientFunds", "Unavailable")  # they may take no more than theirs
        context = given[name] | ({} if fixed else {"query": SECRET})
        error = getattr(solution, name)(**context)
        error.__cause__ = OSError(SECRET)
        text = json.dumps(error.to_problem())
        hidden = [key for key in context if key != "retry_after"]
        seen[name] = [key for key in hidden if str(context[key]) in text]
        if "Traceback" in text:
            seen[name].append("a traceback")
    return seen


@scenario(
    COME_BACK,
    task=3,
    needs=(PROBLEM,),
    next_step="Add retry_after to the problem of Unavailable.",
)
def come_back(solution, rng):
    """The problems of an Unavailable and of a Conflict; is retry_after in them?"""
    wait = rng.randrange(1, 60)
    told = solution.Unavailable(retry_after=wait).to_problem()
    other = solution.Conflict(account="A-1").to_problem()
    return {
        f"retry_after={wait}": told.get("retry_after") == wait,
        "Conflict": other.get("retry_after") is None,
    }


# Task 4

MOVES = "moves the money, and saves both accounts in one call"
AMOUNTS = "refuses what is no sum of money"
NO_DECIMAL = "an amount that is not a Decimal is a TypeError"
ACCOUNTS = "refuses accounts that are unknown, frozen or the same"
LIMITS = "limit and balance: equal is allowed, a cent more is not"
SHORT = "InsufficientFunds says what is needed and what is available"
NOTHING = "a transfer that fails changes nothing"


@scenario(MOVES, task=4, next_step="Change both balances, then call put_all once with both.")
def moves(solution, rng):
    """A few transfers between two accounts, one after the other."""
    bank = Bank(other="80.00")
    seen = {}
    for _ in range(3):
        amount = money(rng, 1, 20)
        src, dst = rng.choice([("A-1", "A-2"), ("A-2", "A-1")])
        seen[f"{amount} from {src}"] = [outcome(solution, bank, amount, src, dst), *bank.balances]
    limits = [str(account.limit) for account in bank.stored.values()]
    return seen | {"saved": bank.saves, "limits afterwards": limits}


@scenario(
    AMOUNTS,
    task=4,
    needs=(MOVES,),
    points=2,
    next_step="Ask is_finite() first. Zeros at the end are fine, and very large is no reason.",
)
def amounts(solution, rng):
    """Odd amounts, among them NaN, infinity, three decimals and zeros at the end."""
    seen = {}
    cent = rng.randrange(1, 9)
    odd = ("0", "0.00", "-0.01", f"-{cent}.00", "NaN", "Infinity", "-Infinity")
    for text in (*odd, "0.001", f"7.00{cent}", f"{cent}.500", "5.0000", "2E+1", "0.01"):
        seen[text] = outcome(solution, Bank(), Decimal(text))
    small = "5." + "0" * 19 + "1"  # a float would be 5.0
    seen[small] = outcome(solution, Bank(), Decimal(small))
    huge = outcome(solution, Bank(), Decimal("1E+40"))
    seen["1E+40"] = "refused" if huge in ("LimitExceeded", "InsufficientFunds") else huge
    return seen


@scenario(
    NO_DECIMAL,
    task=4,
    needs=(MOVES,),
    next_step="Ask for the type before anything else, and raise TypeError.",
)
def no_decimal(solution, rng):
    """Amounts that are a float, an int, a text, True and None."""
    seen = {}
    for amount in (1.5, rng.randrange(1, 9), "5.00", True, None):
        bank = Bank()
        try:
            seen[repr(amount)] = outcome(solution, bank, amount)
        except TypeError:
            seen[repr(amount)] = "TypeError"
        seen[repr(amount)] += "" if bank.balances == ["80.00", "10.00"] else ", money moved"
    return seen


@scenario(ACCOUNTS, task=4, needs=(MOVES,), next_step="Look at both accounts, not only at src.")
def accounts(solution, rng):
    """Transfers from and to unknown, frozen and equal accounts."""
    amount = money(rng, 1, 20)
    return {
        "src is unknown": outcome(solution, Bank(), amount, src="B-9"),
        "dst is unknown": outcome(solution, Bank(), amount, dst="B-9"),
        "src is frozen": outcome(solution, Bank(frozen="A-1"), amount),
        "dst is frozen": outcome(solution, Bank(frozen="A-2"), amount),
        "the same account twice": outcome(solution, Bank(), amount, dst="A-1"),
    }


@scenario(LIMITS, task=4, needs=(MOVES,), next_step="Compare with >, not with >=.")
def limits(solution, rng):
    """Exactly the limit, exactly the balance, and one cent more than each."""
    edge = money(rng, 10, 70)
    more = edge + Decimal("0.01")
    limited = {"limit": edge, "balance": "80.00"}
    poor = {"limit": "500.00", "balance": edge}
    return {
        "exactly the limit": outcome(solution, Bank(**limited), edge),
        "a cent above the limit": outcome(solution, Bank(**limited), more),
        "exactly the balance": outcome(solution, Bank(**poor), edge),
        "a cent above the balance": outcome(solution, Bank(**poor), more),
        "exactly the balance, above the limit": outcome(
            solution, Bank(limit="5.00", balance=edge), edge
        ),
        "exactly the limit, above the balance": outcome(
            solution, Bank(limit=edge, balance="5.00"), edge
        ),
        "the limit of dst does not matter": _limit_of_dst(solution, edge),
    }


def _limit_of_dst(solution, amount):
    bank = Bank()
    bank.stored["A-2"].limit = Decimal("1.00")
    return outcome(solution, bank, amount)


def sum_in_words(got, expected):
    if not isinstance(got, Decimal):
        return f"no Decimal: {got!r}"[:60]
    return "as it should be" if got == expected else str(got)


@scenario(SHORT, task=4, needs=(LIMITS,), next_step="Pass the amount and the balance of src.")
def short(solution, rng):
    """A transfer of more than the account has; the attributes of the error."""
    amount, has = money(rng, 90, 200), money(rng, 20, 80)
    error = attempt(solution, Bank(balance=has), amount)
    return {
        "needed": sum_in_words(error.needed, amount),
        "available": sum_in_words(error.available, has),
    }


@scenario(
    NOTHING,
    task=4,
    needs=(ACCOUNTS, LIMITS),
    next_step="Ask everything first. Save once, at the end.",
)
def nothing(solution, rng):
    """Transfers that fail for six reasons; the balances afterwards."""
    amount = money(rng, 20, 40)
    banks = {
        "dst is unknown": (Bank(), {"dst": "B-9"}),
        "dst is frozen": (Bank(frozen="A-2"), {}),
        "above the limit": (Bank(limit="5.00"), {}),
        "above the balance": (Bank(balance="5.00"), {}),
        "the storage fails at dst": (Bank(broken={"A-2": OSError("disk")}), {}),
        "a conflict": (Bank(), {}),
    }
    banks["a conflict"][0].conflict = True
    seen = {}
    for what, (bank, accounts) in banks.items():
        before = bank.balances
        try:
            attempt(solution, bank, amount, **accounts)
        except OSError:
            pass  # its class is a matter of task 5
        seen[what] = "as before" if bank.balances == before else "money moved"
    return seen


# Task 5

STORAGE = "a storage that fails is Unavailable, and keeps its cause"
FASTER = "a version that moved is a Conflict"
BUGS = "a bug comes out as the same object"
SECRECY = "the payer learns nothing of the other's balance"


@scenario(STORAGE, task=5, needs=(MOVES,), next_step="raise Unavailable(...) from error")
def storage(solution, rng):
    """OSError from get of src, from get of dst, and from put_all."""
    seen = {}
    for place in ("A-1", "A-2", "put_all"):
        cause = rng.choice([OSError, ConnectionError, TimeoutError])("storage lost")
        try:
            error = attempt(solution, Bank(broken={place: cause}), Decimal("5.00"))
        except OSError as raw:
            error = raw
        wait = getattr(error, "retry_after", None)
        fine = isinstance(wait, Real | Decimal) and wait >= 0
        seen[f"fails at {place}"] = [
            kind(solution, error) if error != "done" else "done",
            "the OSError is its cause" if getattr(error, "__cause__", 0) is cause else "no cause",
            "a wait" if fine else f"retry_after={wait!r}"[:60],
        ]
    return seen


@scenario(FASTER, task=5, needs=(MOVES,), next_step="Look at what put_all gives back.")
def faster(solution, rng):
    """Somebody else saved A-1 or A-2 in the meantime, so put_all gives False."""
    bank = Bank()
    bank.conflict = True
    came = outcome(solution, bank, money(rng, 1, 20))
    return {"put_all gives False": came, "calls of put_all": len(bank.saves)}


@scenario(
    BUGS,
    task=5,
    needs=(MOVES,),
    next_step="Catch KeyError around get only, and OSError around each call of the bank.",
)
def bugs(solution, rng):
    """TypeError, IndexError, Ctrl-C and others from get; KeyError and others from put_all."""
    seen = {}
    for place, raised in (
        ("A-1", TypeError("bug")),
        ("A-2", AttributeError("bug")),
        ("A-1", IndexError("bug")),
        ("A-2", KeyboardInterrupt()),
        ("put_all", KeyError("bug")),
        ("put_all", ValueError("bug")),
        ("put_all", KeyboardInterrupt()),
    ):
        try:
            came = attempt(solution, Bank(broken={place: raised}), Decimal("5.00"))
        except BaseException as error:  # noqa: BLE001 - which one came out is the question
            came = error
        what = came if came == "done" else kind(solution, came)
        same = "the same object" if came is raised else what
        seen[f"{type(raised).__name__} at {place}"] = same
    return seen


@scenario(
    SECRECY,
    task=5,
    needs=(ACCOUNTS, LIMITS, STORAGE),
    next_step="Give errors ids and the amount, never a whole account.",
)
def secrecy(solution, rng):
    """Transfers that fail, to an account with an unusual balance; text and attributes."""
    other = f"{rng.randrange(600_000, 700_000)}.{rng.randrange(10, 99)}"
    conflict = Bank(other=other)
    conflict.conflict = True
    lost = Bank(other=other, broken={"put_all": OSError("disk")})
    seen = {}
    for what, bank, amount in (
        ("dst is frozen", Bank(other=other, frozen="A-2"), "5.00"),
        ("above the limit", Bank(other=other, limit="1.00"), "5.00"),
        ("above the balance", Bank(other=other, balance="1.00"), "5.00"),
        ("a conflict", conflict, "5.00"),
        ("the storage fails", lost, "5.00"),
    ):
        error = attempt(solution, bank, Decimal(amount))
        shown = f"{error} {error!r} {error.args!r} {vars(error)!r}" if error != "done" else "done"
        told = other in shown or str(Decimal(other) + Decimal(amount)) in shown
        seen[what] = "shows the balance of dst" if told else "does not show it"
    return seen
