"""Chapter 1, errors: what to do when the thing you depend on fails."""

from course_lib.errors.backoff import (
    decorrelated_jitter,
    equal_jitter,
    exponential,
    fixed,
    full_jitter,
)
from course_lib.errors.boundary import Boundary
from course_lib.errors.bulkhead import AsyncBulkhead, Bulkhead, Rejected
from course_lib.errors.circuit_breaker import (
    AsyncCircuitBreaker,
    CircuitBreaker,
    CircuitOpen,
    Snapshot,
    State,
)
from course_lib.errors.control_flow import Flow, Step, flow
from course_lib.errors.deadline import Deadline, DeadlinePassed
from course_lib.errors.problem import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    ShopError,
    Unavailable,
    to_problem,
)
from course_lib.errors.raised import Place, Raised
from course_lib.errors.repeatable import may_repeat
from course_lib.errors.retry import Retry
from course_lib.errors.retry_after import retry_after_seconds
from course_lib.errors.retry_budget import RetryBudget
from course_lib.errors.retry_policy import RetryPolicy
from course_lib.errors.scope import Stack, transaction
from course_lib.errors.sliding_window import CountWindow, TimeWindow

__all__ = [
    "AsyncBulkhead",
    "AsyncCircuitBreaker",
    "Boundary",
    "Bulkhead",
    "CircuitBreaker",
    "CircuitOpen",
    "Conflict",
    "CountWindow",
    "Deadline",
    "DeadlinePassed",
    "Flow",
    "InvalidInput",
    "NotFound",
    "Place",
    "Problem",
    "Raised",
    "Rejected",
    "Retry",
    "RetryBudget",
    "RetryPolicy",
    "ShopError",
    "Snapshot",
    "Stack",
    "State",
    "Step",
    "TimeWindow",
    "Unavailable",
    "decorrelated_jitter",
    "equal_jitter",
    "exponential",
    "fixed",
    "flow",
    "full_jitter",
    "may_repeat",
    "retry_after_seconds",
    "to_problem",
    "transaction",
]
