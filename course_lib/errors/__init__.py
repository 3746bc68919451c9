"""Chapter 1, errors: what to do when the thing you depend on fails."""

from course_lib.errors.bulkhead import AsyncBulkhead, Bulkhead, Rejected
from course_lib.errors.circuit_breaker import (
    AsyncCircuitBreaker,
    CircuitBreaker,
    CircuitOpen,
    Snapshot,
    State,
)
from course_lib.errors.sliding_window import CountWindow, TimeWindow

__all__ = [
    "AsyncBulkhead",
    "AsyncCircuitBreaker",
    "Bulkhead",
    "CircuitBreaker",
    "CircuitOpen",
    "CountWindow",
    "Rejected",
    "Snapshot",
    "State",
    "TimeWindow",
]
