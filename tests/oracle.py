"""An independent reading of the rules: plain Python, one reading and one window at a time, no numpy, no code of ours.

It is slow and has no state: it takes the whole set of readings of a channel and returns every window's value and
coverage. What the pipeline computes in pieces, in any order, must equal it.
"""

from dataclasses import dataclass, field
from itertools import pairwise

HOUR = 3_600_000_000_000
COUNTING = (0, 1)


@dataclass
class Swap:
    time: int
    final_old: float | None
    first_new: float
    ratio: float | None = None
    max_rate: float | None = None
    modulus: float | None = None


@dataclass
class Meter:
    kind: str
    max_gap: int
    max_rate: float | None = None
    modulus: float | None = None
    period: int = 0
    hold: bool = False
    in_gateway: bool = False
    ratio: float = 1.0
    swaps: list[Swap] = field(default_factory=list)


@dataclass
class Reading:
    time: int
    value: float
    quality: int = 0
    reset: bool = False
    boot: str = ""
    correction: int = 0


def same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def winners(readings: list[Reading], kind: str) -> list[Reading]:
    """Keep one reading for each time, by the total order."""
    best: dict[int, Reading] = {}
    for r in readings:

        def rank(x: Reading):
            return (
                -x.correction,
                x.quality,
                x.value if kind == "register" else -x.value,
                not x.reset,
                x.boot or "\uffff",
            )

        if r.time not in best or rank(r) < rank(best[r.time]):
            best[r.time] = r
    return [best[t] for t in sorted(best)]


def limit(m: dict, dt: int) -> float:
    return float("inf") if m["max_rate"] is None else m["max_rate"] * (dt / HOUR)


def plausible(b: Reading, r: Reading, m: dict) -> bool:
    step = r.value - b.value
    return (step >= 0 or same(b.value, r.value)) and step <= limit(m, r.time - b.time) * (1 + 1e-9)


def accepted(b: Reading, r: Reading, m: dict, in_gateway: bool) -> tuple[float, bool] | None:
    """Rules 1 to 3: the amount and whether it is a reset; None if implausible."""
    most = limit(m, r.time - b.time) * (1 + 1e-9)
    less = r.value < b.value and not same(b.value, r.value)
    if (r.reset or (less and in_gateway and b.boot and r.boot and b.boot != r.boot)) and 0 <= r.value <= most:
        return r.value, True
    if plausible(b, r, m):
        return max(r.value - b.value, 0.0), False
    if less and m["modulus"] is not None and m["max_rate"] is not None:
        rolled = r.value - b.value + m["modulus"]
        if limit(m, r.time - b.time) < m["modulus"] and 0 <= rolled <= most:
            return rolled, False
    return None


def register_steps(rs: list[Reading], m: dict, in_gateway: bool):
    """Yield (start, end, amount, reset) of the steps that count."""
    if not rs:
        return
    b, i = rs[0], 1
    while i < len(rs):
        r = rs[i]
        step = accepted(b, r, m, in_gateway)
        if step is not None:
            yield b.time, r.time, step[0], step[1]
            b, i = r, i + 1
            continue
        ahead = rs[i + 1 : i + 6]
        back = [k for k, x in enumerate(ahead) if plausible(b, x, m)]
        if back:
            i = i + 1 + back[0]
            amount, reset = accepted(
                b, rs[i], m, in_gateway
            )  # with the outliers gone, the step is tested in order
            yield b.time, rs[i].time, amount, reset
            b, i = rs[i], i + 1
        elif ahead and plausible(r, ahead[0], m):
            b, i = r, i + 1
        else:
            i += 1


def stretches(readings: list[Reading], m: Meter):  # noqa: C901 - the five kinds side by side, as the rules list them
    """Return (start, end, kind of line, first, last, interpolated) of everything that counts."""
    rs = [r for r in winners(readings, m.kind) if r.quality in COUNTING]
    out = []
    if m.kind == "register":
        if not rs:
            return []
        facts = {"max_rate": m.max_rate, "modulus": m.modulus, "ratio": m.ratio}
        rest, meters = rs, []
        carry: list[Reading] = []
        for s in m.swaps:
            old = carry + [r for r in rest if r.time < s.time]
            rest = [r for r in rest if r.time >= s.time]
            if s.final_old is not None:
                old.append(Reading(s.time, s.final_old))
            meters.append((old, facts))
            facts = {
                "max_rate": facts["max_rate"] if s.max_rate is None else s.max_rate,
                "modulus": facts["modulus"] if s.modulus is None else s.modulus,
                "ratio": facts["ratio"] if s.ratio is None else s.ratio,
            }
            carry = [Reading(s.time, s.first_new)]
        meters.append((carry + rest, facts))
        for displays, f in meters:
            for start, end, amount, reset in register_steps(displays, f, m.in_gateway):
                if end > start:
                    out.append(
                        (start, end, "amount", amount * f["ratio"], 0.0, reset or end - start > m.max_gap)
                    )
    elif m.kind in {"rate", "level"}:
        for a, b in pairwise(rs):
            if m.hold:
                out.append(
                    (
                        a.time,
                        min(b.time, a.time + m.max_gap),
                        "line",
                        a.value * m.ratio,
                        a.value * m.ratio,
                        False,
                    )
                )
            elif b.time - a.time <= m.max_gap:
                out.append((a.time, b.time, "line", a.value * m.ratio, b.value * m.ratio, False))
    elif m.kind == "interval":
        out = [(r.time - m.period, r.time, "amount", r.value * m.ratio, 0.0, False) for r in rs]
    elif m.kind == "event":
        out = [(r.time, r.time + 1, "amount", r.value * m.ratio, 0.0, False) for r in rs]
    return out


def windows(readings: list[Reading], m: Meter, window: int) -> dict[int, tuple[float, float, float]]:
    """Return window number → (amount or mean, measured share, interpolated share) of every window that is known."""
    amount: dict[int, float] = {}
    spans: dict[tuple[int, bool], list[tuple[int, int]]] = {}
    for start, end, shape, first, last, guessed in stretches(readings, m):
        for n in range(start // window, (end - 1) // window + 1):
            a, b = max(start, n * window), min(end, (n + 1) * window)
            if shape == "amount":
                part = first * ((b - a) / (end - start))
            else:
                slope = (last - first) / (end - start)
                part = (first + slope * (a - start) + first + slope * (b - start)) / 2 * ((b - a) / HOUR)
            amount[n] = amount.get(n, 0.0) + part
            spans.setdefault((n, guessed), []).append((a, b))
    result = {}
    for n, value in amount.items():
        seen, guessed = (_union(spans.get((n, g), [])) for g in (False, True))
        if m.kind == "event":
            seen = window
        mean = value / ((seen + guessed) / HOUR) if m.kind == "level" else value
        result[n] = (mean, seen / window, guessed / window)
    return result


def _union(spans: list[tuple[int, int]]) -> int:
    total, reach = 0, -(2**63)
    for a, b in sorted(spans):
        total += max(b - max(a, reach), 0)
        reach = max(reach, b)
    return total
