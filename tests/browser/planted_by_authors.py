"""Faults that an author may write without a thought, for test_planted_faults.

As there: a rule and the cell that breaks it. A rule with "#2" has another fault there.
"""

DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAkQBADs="
BLINKS = (
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH/C05FVFNDQVBFMi4wAwEAAAAh+QQACgAAACwAAAAA"
    "AQABAAACAkQBACH5BAAKAAAALAAAAAABAAEAAAICTAEAOw=="
)
TWO = "A queue that grows to two."
FADES = "@keyframes fades { to { opacity: 0.9 } }"


def html(text: str) -> str:
    """The cell that puts this out."""
    return f"HTML({text!r})"


BY_AUTHORS = {
    "heading without its mark": "md:**How a pool waits**\n\nText of it.",
    "heading without its mark #2": html(
        '<p style="font-size: 26px; font-weight: bold">How a pool waits</p>'
    ),
    "list without its mark": html("<p>• one thing<br>• two things</p>"),
    "letters that are signs": "md:Take \U0001d5f0\U0001d5ee\U0001d5ff\U0001d5f2 of it.",
    "all in capitals": "md:NEVER CALL THE DATABASE FROM WITHIN A LOOP",
    "all in capitals #2": html(
        '<p style="text-transform: uppercase">Never call it from within a loop</p>'
    ),
    "letters under 11 pixels": html('<p style="font-size: 8px">A small print.</p>'),
    "set in a block": html('<p style="text-align: justify">Gaps run through such a long text.</p>'),
    "lines too close": html('<p style="line-height: 0.9">Its lines are<br>too close.</p>'),
    "words cut off": "w.IntSlider(description='how long a request waits for a connection')",
    "words cut off #2": html(
        '<p style="height: 12px; width: 90px; overflow: hidden">Nobody reads the end of this.</p>'
    ),
    "only for a mouse": html('<div onclick="show()">Show the answer</div>'),
    "only for a mouse #2": html('<span role="button">Show the answer</span>'),
    "only for a mouse #3": html('<details><summary tabindex="-1">The answer</summary>x</details>'),
    "only for a mouse #4": html('<p draggable="true">Put this first</p>'),
    "words for a mouse only": html('<p>The <span title="who waits">queue</span> is full.</p>'),
    "control outside an interactive": "w.interact(lambda x: print(x), x=(1, 9))",
    "stand-in for a name": html('<label>n <input aria-label="value"></label>'),
    "name without its visible words": html('<button aria-label="form 3">Show it</button>'),
    "two controls of one name": "group(w.Text(description='rate'), w.Text(description='rate'))[0]",
    "fold without a name": html("<details><p>x</p></details>"),
    "alt text used twice": html(
        f'<p>x</p><img alt="{TWO}" src="{DOT}"><img alt="{TWO}" src="{BLINKS}">'
    ),
    "picture without words #2": html(
        f'<div style="width: 9px; height: 9px; background-image: url({DOT})"></div>'
    ),
    "drawn with letters": "print('+---+---+\\n| a | b |\\n+---+---+')",
    "stands over the page": html('<p style="position: fixed; bottom: 0; left: 0">here</p>'),
    "starts by itself #2": html("<label>n <input autofocus></label>"),
    "motion that does not end #2": html(
        f'<style>{FADES}</style><p style="animation: fades 2s 100">on and on</p>'
    ),
    "motion that does not end #3": html(f'<p>x</p><img alt="A dot that blinks." src="{BLINKS}">'),
    "motion that does not end #4": html(
        '<svg role="img" aria-label="A dot that grows"><circle r="9"><animate '
        'attributeName="r" to="1" dur="1s" repeatCount="indefinite"/></circle></svg>'
    ),
    "motion that does not end #5": html(
        '<p id="runs">x</p><script>setInterval(() => { document.getElementById("runs")'
        ".textContent = Math.random(); }, 90)</script>"
    ),
    "table without headers #2": html(
        '<table role="presentation"><tr><th>a</th></tr><tr><td>1</td></tr></table>'
    ),
    "table without a caption #2": html(
        '<table><caption style="display: none">c</caption><tr><th scope="col">a</th></tr></table>'
    ),
    "link name says nothing #2": "md:Read [this link](#x).",
    "stand-in for words #2": f"md:![TODO describe this picture]({DOT})",
    "text contrast #2": html(
        '<label>n <input value="faint" style="color: #bbb; background: #fff"></label>'
    ),
    "no live region #2": "g = only('<p role=\"status\">x</p><button>x</button>')\n"
    "g.children[-1].layout.display = g.children[1].layout.display = 'none'\ng",
    "not reached by keyboard #2": "group(w.Accordion([w.HTML('x')], titles=('one',)))[0]",
}
"""Rule -> the cell that breaks it."""
