"""Drawing of a plot as SVG: lines over two axes, with a legend and a title that a reader of the page's text hears, too.

Add here another mark; what is plotted comes from the rows.
"""

from html import escape

from benchmarks.gates.figures import Plot
from ratchet.evaluation.report.scales import pick_ticks, write_ticks

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 320, 60, 40, 260, 46
_COLOURS = ("#1b5e8c", "#c2571a", "#2f7d4f", "#7a4a9c", "#8a6d00", "#4a4a4a")
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 4")


def draw(plot: Plot) -> str:
    """Return the plot as one SVG document without any link to elsewhere."""
    xs = [x for curve in plot.curves for x, _ in curve.points]
    ys = [y for curve in plot.curves for _, y in curve.points] + ([] if plot.limit is None else [plot.limit])
    x_ticks, y_ticks = pick_ticks(min(xs), max(xs)), pick_ticks(min(0.0, *ys), max(ys))
    left, right = min(xs[0], *xs, *x_ticks), max(*xs, *x_ticks)
    low, high = min(0.0, *ys, *y_ticks), max(*ys, *y_ticks)
    across = (_WIDTH - _LEFT - _RIGHT) / ((right - left) or 1)
    upward = (_HEIGHT - _TOP - _BOTTOM) / ((high - low) or 1)

    def place(x: float, y: float) -> tuple[float, float]:
        return round(_LEFT + (x - left) * across, 1), round(_HEIGHT - _BOTTOM - (y - low) * upward, 1)

    end, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif"'
        f' font-size="11"><title>{escape(plot.title)}</title>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="13" fill="#222222">{escape(plot.title)}</text>',
    ]
    for tick, word in zip(x_ticks, write_ticks(x_ticks), strict=True):
        x, _ = place(tick, low)
        parts.append(f'<text x="{x}" y="{floor + 16}" text-anchor="middle" fill="#444444">{word}</text>')
    for tick, word in zip(y_ticks, write_ticks(y_ticks), strict=True):
        _, y = place(left, tick)
        parts.append(f'<path d="M{_LEFT} {y}H{end}" stroke="#e2e2e2"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#444444">{word}</text>')
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 8}" fill="#222222">{escape(plot.across)}</text>')
    parts.append(f'<text x="{_LEFT}" y="{_TOP - 6}" fill="#222222">{escape(plot.up)}</text>')
    if plot.limit is not None:
        _, y = place(left, plot.limit)
        parts.append(f'<path d="M{_LEFT} {y}H{end}" stroke="#b00020" stroke-width="1.2" stroke-dasharray="3 2"/>')
        parts.append(f'<text x="{end + 8}" y="{y + 4}" fill="#b00020">the demand</text>')
    for i, curve in enumerate(plot.curves):
        colour, dash = _COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]
        line = "L".join(f"{x} {y}" for x, y in (place(*point) for point in curve.points))
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        y = _TOP + 26 + 18 * i
        parts.append(
            f'<path d="M{end + 8} {y - 4}h22" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{end + 35}" y="{y}" fill="#222222">{escape(curve.name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])
