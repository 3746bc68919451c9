"""The Corner Shop, stage 1: orders that are never lost."""
