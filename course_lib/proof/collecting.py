"""What the cells of a lesson show, as JupyterLab and nbclient would store it.

What it answers in nbval 0.11 (numbers are its issues): nbval keeps every
output as it comes. It drops `clear_output` and `update_display_data`, and it
takes what was written inside an Output widget for the cell's own output, so
that it fails on what JupyterLab itself has stored (#194 is the best known of
these). This collector keeps the rules of a front end instead:

- neighbouring pieces of one stream are one output (`merged`);
- `clear_output(wait=True)` clears when the next output comes, not before;
- a display with an id that was used before changes every output with that id,
  those of earlier cells too;
- outputs inside `with widget:` go to the widget and back to the kernel.

It can go when nbval stores what nbclient stores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["MOST", "Collector", "Output", "Shown", "merged", "size"]

MOST = 20_000_000  # characters that one cell may send; a picture has a hundred thousand

Output = dict[str, Any]
Message = Mapping[str, Any]
Send = Callable[[Message, dict[str, Any]], None]

_FIELDS = {  # in nbformat's order, which a cell that prints `widget.outputs` shows
    "stream": ("name", "text"),
    "display_data": ("metadata", "data"),
    "execute_result": ("metadata", "data", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}

_LINE_END = re.compile(r"\r+\n")
_BACKSPACE = re.compile(r"[^\n]\x08")
_OVERWRITTEN = re.compile(r"^.*\r(?=.)", re.MULTILINE)


class Shown:
    """What one cell, or one Output widget, shows; it grows while messages come."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.count: int | None = None  # the number in `In [3]`
        self.ended = False
        self.may_change = False  # it has a display id, by which a later cell can change it
        self.size = 0  # characters sent; from MOST on nothing more is kept
        self._clear_first = False

    def add(self, output: Output) -> None:
        if self._clear_first:
            self._clear_first = False
            self.outputs.clear()
        self.outputs.append(output)

    def clear(self, *, wait: bool) -> None:
        if wait:
            self._clear_first = True
        else:
            self.outputs.clear()


class Collector:
    """Takes the messages of one kernel, cell after cell.

    Args:
        send: `send(parent, content)` sends a comm message back to the kernel,
            as an answer to the message whose header is `parent`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._cells: dict[str, Shown] = {}
        self._widgets: dict[str, _Widget] = {}
        self._inside: list[_Widget] = []  # the Output widgets that are entered, innermost last
        self._by_display_id: dict[str, list[Output]] = {}

    def begin(self, request: str) -> Shown:
        """The cell that is run by the message with the id `request`."""
        self._inside.clear()
        self._cells = {request: Shown()}
        return self._cells[request]

    def take(self, message: Message) -> None:
        """One message from the kernel; those that belong to no running cell are dropped."""
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None or cell.ended:
            return
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            cell.ended = content["execution_state"] == "idle"
        elif kind == "execute_input":
            cell.count = content["execution_count"]
        elif kind == "clear_output":
            self._clear(cell, message)
        elif kind == "comm_open":
            self._open(content)
        elif kind == "comm_msg":
            self._enter_or_leave(content)
        elif kind in _FIELDS:
            self._show(cell, message)
        elif kind == "update_display_data":
            self._update(content)

    def _show(self, cell: Shown, message: Message) -> None:
        content = message["content"]
        output = {"output_type": message["msg_type"]}
        output |= {name: content[name] for name in _FIELDS[message["msg_type"]]}
        cell.size += size(output)
        if cell.size > MOST:
            return
        self._update(content)
        if self._inside:
            self._inside[-1].add(output)
            self._inside[-1].tell(message["parent_header"])
            return
        cell.add(output)
        if display_id := _display_id(content):
            cell.may_change = True
            self._by_display_id.setdefault(display_id, []).append(output)

    def _update(self, content: Message) -> None:
        for output in self._by_display_id.get(_display_id(content), ()):
            output["data"] = content["data"]
            output["metadata"] = content["metadata"]

    def _clear(self, cell: Shown, message: Message) -> None:
        wait = bool(message["content"].get("wait"))
        if not self._inside:
            cell.clear(wait=wait)
            return
        self._inside[-1].clear(wait=wait)
        if not wait:
            self._inside[-1].tell(message["parent_header"])

    def _open(self, content: Message) -> None:
        state = content["data"].get("state", {})
        if state.get("_model_name") == "OutputModel":
            self._widgets[content["comm_id"]] = _Widget(content["comm_id"], self._send)

    def _enter_or_leave(self, content: Message) -> None:
        """ipywidgets says that an Output widget is entered by giving it the cell's message id."""
        widget = self._widgets.get(content["comm_id"])
        state = content["data"].get("state", {})
        if widget is None or "msg_id" not in state:
            return
        if state["msg_id"]:
            self._inside.append(widget)
        elif widget in self._inside:
            self._inside.remove(widget)


class _Widget(Shown):
    """An Output widget: what it shows belongs to it, and the kernel is told what that is."""

    def __init__(self, comm: str, send: Send) -> None:
        super().__init__()
        self._comm = comm
        self._send = send

    def tell(self, parent: Message) -> None:
        self.outputs = _joined(self.outputs)
        state = {"method": "update", "state": {"outputs": self.outputs}, "buffer_paths": []}
        self._send(parent, {"comm_id": self._comm, "data": state})


def _display_id(content: Message) -> str:
    return str((content.get("transient") or {}).get("display_id", ""))


def size(output: Mapping[str, Any]) -> int:
    """How many characters an output holds."""
    texts = [output.get("text", ""), *output.get("data", {}).values(), *output.get("traceback", ())]
    return sum(len(text) if isinstance(text, str) else len(str(text)) for text in texts)


def merged(outputs: Iterable[Mapping[str, Any]]) -> list[Output]:
    """The outputs with each stream in one piece, as they are stored and compared.

    Between two outputs that are not streams, all of stdout comes first, then
    all of stderr: the kernel sends both when its buffers are full or half a
    second old, so their order among each other is chance.

    >>> pieces = [("stderr", "!"), ("stdout", "50 %"), ("stdout", "\\r100 %")]
    >>> for output in merged({"output_type": "stream", "name": n, "text": t} for n, t in pieces):
    ...     print(output["name"], output["text"])
    stdout 100 %
    stderr !
    """
    whole: list[Output] = []
    streams: dict[str, str] = {}
    for output in outputs:
        if output["output_type"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + output["text"]
            continue
        whole += _streams(streams)
        streams.clear()
        whole.append(dict(output))
    return whole + _streams(streams)


def _streams(texts: Mapping[str, str]) -> list[Output]:
    names = sorted(texts, reverse=True)  # stdout, stderr
    return [
        {"output_type": "stream", "name": name, "text": _as_on_screen(texts[name])}
        for name in names
    ]


def _joined(outputs: Iterable[Output]) -> list[Output]:
    """The outputs with neighbouring pieces of one stream joined, in the order they came."""
    whole: list[Output] = []
    for output in outputs:
        if whole and "name" in output and output["name"] == whole[-1].get("name"):
            whole[-1] = {**whole[-1], "text": whole[-1]["text"] + output["text"]}
        else:
            whole.append(output)
    return whole


def _as_on_screen(text: str) -> str:
    """The text after its backspaces and carriage returns have done their work."""
    text = _LINE_END.sub("\n", text)
    while (shorter := _BACKSPACE.sub("", text)) != text:
        text = shorter
    return _OVERWRITTEN.sub("", text)
