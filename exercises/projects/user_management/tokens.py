"""M3: tokens for sessions and letters. The database knows only their hashes."""

LETTER = 3600.0
"""Seconds for which the token in a letter is good."""

SESSION = 86400.0
"""Seconds for which a session is good."""

# Imports and functions go here.
# TODO M3: make a token, look for one, use one up
