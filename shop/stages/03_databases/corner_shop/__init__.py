"""The Corner Shop, stage 3: what it sells and what it is paid, in a database."""
