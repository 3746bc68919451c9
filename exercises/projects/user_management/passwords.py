"""M2: stored passwords of three kinds, and a brake for those who guess."""

TRIES = 5
WINDOW = 900.0
"""Seconds for which a failed try counts."""

# Imports that your code needs go here.
# TODO M2: imports


def matches(hasher, stored, password):
    """Whether this is the password of the stored text: Argon2, bcrypt, or PBKDF2."""
    # TODO M2: the beginning tells the kind
    raise NotImplementedError


# Your functions for the brake go here.
# TODO M2: count the failed tries of a pair
