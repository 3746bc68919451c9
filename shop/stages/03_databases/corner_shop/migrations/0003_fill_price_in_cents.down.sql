-- Nothing to undo: a filled column disturbs nobody.
SELECT 1;
