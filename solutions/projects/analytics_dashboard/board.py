"""M4: the board, as a figure and as a text that says the same."""

from .queries import average

SIZE = (11, 7)
"""Width and height of the figure, in inches."""


class Board:
    """`cache` has `get(name, **arguments)`, and knows "revenue" and "funnel"."""

    def __init__(self, cache, *, start, end, tz, category=None):
        self._cache = cache
        self._period = {"start": start, "end": end, "tz": tz}
        self._category = category

    def render(self):
        """A matplotlib figure, and a text."""
        ### BEGIN SOLUTION M4: ask once, then say it twice
        days = self._cache.get("revenue", **self._period, category=self._category)
        steps = self._cache.get("funnel", **self._period)
        return self._figure(days, steps), self._text(days, steps)
        ### END SOLUTION

    ### BEGIN SOLUTION M4: helpers, if you like
    def _title(self):
        what = self._category or "all categories"
        return "{start} until before {end} ({tz}), ".format(**self._period) + what

    def _text(self, days, steps):
        sold, refunded = (sum(row[n] for row in days) for n in (2, 3))
        price = average(days)
        said = "none" if price is None else f"{price:.2f}"
        return "\n".join(
            [
                f"Period: {self._title()}",
                *(f"{row[0]}: sold {row[2]:.2f}, refunded {row[3]:.2f}" for row in days),
                f"Total: sold {sold:.2f}, refunded {refunded:.2f}",
                f"Average: {said}",
                *(f"{step}: {count}, {_percent(share)}" for step, count, share in steps),
            ]
        )

    def _figure(self, days, steps):
        from matplotlib.figure import Figure  # not pyplot, which keeps every figure

        figure = Figure(figsize=SIZE, layout="constrained")
        figure.set_label(f"Revenue and visitors, {self._title()}")
        money, people = figure.subplots(2)
        dates = [row[0] for row in days]
        for number, label, style in ((2, "sold", "o-"), (3, "refunded", "s--")):
            money.plot(dates, [float(row[number]) for row in days], style, label=label)
        money.set(title=f"Revenue by day, {self._title()}", xlabel="Day", ylabel="Money")
        money.legend()
        bars = people.bar([step for step, _, _ in steps], [count for _, count, _ in steps])
        people.bar_label(bars)
        people.margins(y=0.1)  # room for the numbers
        people.set(title="Visitors by step", xlabel="Step", ylabel="Visitors")
        return figure

    ### END SOLUTION


### BEGIN SOLUTION M4: a share, or that there is none
def _percent(share):
    return "no share" if share is None else f"{share:.0%}"


### END SOLUTION
