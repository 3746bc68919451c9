"""Tables with a caption and headers that a screen reader can announce."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .markup import escape, show

__all__ = ["table", "table_html", "table_text"]

Row = Sequence[object]


def table(rows: Iterable[Row], *, header: Row, caption: str) -> None:
    """Show a table; the first cell of each row names the row.

    Raises:
        ValueError: the caption is empty, or a row is longer or shorter than the header.
    """
    rows = [tuple(row) for row in rows]
    show(table_html(rows, header=header, caption=caption), table_text(rows, header, caption))


def table_html(rows: Iterable[Row], *, header: Row, caption: str) -> str:
    """The HTML of a table. Raises ValueError as `table` does."""
    rows = [tuple(row) for row in rows]
    _check(rows, header, caption)
    head = "".join(f'<th scope="col">{escape(_cell(name))}</th>' for name in header)
    body = "".join(f"<tr>{_row_html(row)}</tr>" for row in rows)
    return (
        f'<table class="course-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def table_text(rows: Iterable[Row], header: Row, caption: str) -> str:
    """The same as lines: the caption, then `header: cell; header: cell`."""
    lines = [
        "; ".join(f"{_cell(name)}: {_cell(cell)}" for name, cell in zip(header, row, strict=True))
        for row in rows
    ]
    return "\n".join([caption, *(f"  {line}" for line in lines)])


def _row_html(row: Row) -> str:
    first, *others = row
    cells = "".join(f"<td>{escape(_cell(cell))}</td>" for cell in others)
    return f'<th scope="row">{escape(_cell(first))}</th>{cells}'


def _cell(value: object) -> str:
    # Six digits: enough to read, and the same on every machine.
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check(rows: Sequence[Row], header: Row, caption: str) -> None:
    if not caption.strip():
        raise ValueError("A table needs a caption that says what it lists.")
    if not header or not all(str(name).strip() for name in header):
        raise ValueError("Every column of a table needs a header that is not empty.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise ValueError(
                f"Row {number} of the table has {len(row)} cells and the header has "
                f"{len(header)}; give both the same number."
            )
