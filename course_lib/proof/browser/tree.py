"""What Chromium tells a screen reader: names and roles from its accessibility tree."""

from __future__ import annotations

from typing import Any

from course_lib.proof.browser.findings import Finding

__all__ = ["unnamed"]

_CONTROLS = frozenset(
    {"button", "checkbox", "combobox", "link", "listbox", "menuitem", "progressbar"}
    | {"radio", "radiogroup", "searchbox", "slider", "spinbutton", "switch", "tab", "textbox"}
)
_WHERE = """\
function () {
  return courseAudit.where(this.nodeType === 1 ? this : this.parentElement);
}"""


def unnamed(page: Any, selector: str) -> list[Finding]:
    """Controls below `selector` that the tree has no name for."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("Accessibility.enable")
        root = session.send(
            "Runtime.evaluate", {"expression": f"document.querySelector({selector!r})"}
        )["result"]["objectId"]
        nodes = session.send("Accessibility.queryAXTree", {"objectId": root})["nodes"]
        return [_finding(session, node) for node in nodes if _is_nameless(node)]
    finally:
        session.detach()


def _is_nameless(node: dict[str, Any]) -> bool:
    role = node.get("role", {}).get("value", "")
    if node.get("ignored") or role not in _CONTROLS:
        return False
    return not str(node.get("name", {}).get("value", "")).strip()


def _finding(session: Any, node: dict[str, Any]) -> Finding:
    known = session.send("DOM.resolveNode", {"backendNodeId": node["backendDOMNodeId"]})
    told = session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": known["object"]["objectId"],
            "functionDeclaration": _WHERE,
            "returnByValue": True,
        },
    )
    where = str(told["result"].get("value", ""))
    return Finding("control without a name", where, f"a {node['role']['value']} needs a name")
