"""What stands between learners' code and the rest of the machine, and how to say so.

What is claimed, where nothing is missing:
- Learners' code finds no expected value, no reference, no seed of the class and nobody else's
  work: none of them is in its memory, its files, its network or its sight.
- It changes nobody else's marks, and nothing of it is left when its child has ended. The time
  and the memory that it can use up are limited.
- What comes back from it is believed to be what somebody says has happened, and no more.

What is not claimed: that the scenario has been told. It stands in the same process as the
learner's code, which can read the scenario and its own rng and can send whatever it likes. To
send what is right, somebody must know what is right for inputs that follow from the class
seed. A submission that computes it holds a right answer, as one does into which somebody has
pasted the reference: the sandbox cannot tell these from honest work. A part of an answer can
be guessed where few values are possible, so scenarios return many.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST_USER", "Limits", "Protections"]

FIRST_USER = 0x7000_0000
"""User ids from here on belong to nobody; no two children that run at one time share one."""


@dataclass(frozen=True)
class Limits:
    """Of all that one submission starts; the time of a scenario is the scenario's own."""

    memory: int = 2**30
    """Bytes in use by all its processes together."""
    address_space: int = 2 * 2**30
    """Bytes that one process may ask for."""
    cpu: int = 120
    """Seconds of one process."""
    processes: int = 32
    """Running at the same time."""
    threads: int = 128
    """Of all processes together, each of which has at least one."""
    file_size: int = 32 * 2**20
    """Bytes of one file."""
    scratch: int = 64 * 2**20
    """Bytes in its scratch folder, and as many in /dev/shm."""
    files: int = 10_000
    """In each of these two."""
    open_files: int = 512
    loopback: bool = False
    """Whether its processes can reach each other over the network, and nobody else."""


@dataclass(frozen=True)
class Protections:
    """`namespaces`: own files, processes, network. `user`: another one than the grader's.

    `filter`: calls of the kernel that no learner needs are refused.
    """

    namespaces: bool
    user: bool
    filter: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What there is not, each as the end of "learners' code is not kept from ..."."""
        found = []
        if not self.namespaces:
            found += [
                "reading solutions, other submissions and the seed",
                "seeing and signalling other processes",
                "the network",
                "using up the memory with many processes",
            ]
        if not self.namespaces and not self.user:
            found.append("changing the files of whoever runs the grader")
        if not self.filter:
            found.append("calls of the kernel that no exercise needs, such as its key rings")
        return tuple(found)
