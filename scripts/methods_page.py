"""Makes docs/methods.md from the methods and equations themselves: every number on the page is computed here and now.

The page is only made where an example's steps, which a person can follow, give what the code gives.
"""

import argparse
import ast
import inspect
import math
import operator
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from rules import methods
from rules.american import part98
from rules.american.part75 import appendix_f, appendix_g
from rules.examples import Example, Worked
from rules.factors.factor_files import BASES
from rules.factors.gases import Gases, tonnes_co2e
from rules.factors.gwp import gwp_set

PAGE = Path(__file__).resolve().parent.parent / "docs" / "methods.md"
GASES = ("co2_kg", "co2_biogenic_kg", "ch4_kg", "n2o_kg")
CO2E = "co2e_kg"
GWP = "AR5"
TIMES = "\N{MULTIPLICATION SIGN}"
EXACT = 1e-12  # relative: steps and code are the same arithmetic in another order
FARTHEST = 1e12  # how far from 0 a limit is looked for
EQUATIONS = {
    "40 CFR 75, appendix F: stack monitors": appendix_f,
    "40 CFR 75, appendix G: CO2 of metered fuel": appendix_g,
    "40 CFR 98, subpart C: stationary combustion": part98,
}
HEAD = """\
# Methods

Made by `scripts/methods` from the code; never edited by hand. `scripts/methods --check` says whether it is up to date.

A **method** is what a source of a configuration names; the **equations** of regulations below are functions that methods
and reports are built of.

* *Inputs* are, for each window, the **amount** of its covered part or the time-weighted mean of a **level**. A channel of any
  unit of the same dimension will do; it is converted to the one given here.
* *Known where* is where the method gives a number. Outside of it the emission of the window is unknown, never 0. These limits are
  found by trying the example with other values of that one number; where a limit depends on another number, it is the one of the example.
* *Plausible* is where a parameter usually is. `stackmeter check` warns of a number outside of it, and says what it looks like: kcal/kg for
  GJ/t, a fraction for %. It is computed with all the same.
* An input, factor or parameter that is itself unknown makes the emission unknown.
* In an example `factor.x` is the value x of the factor. What is put in is shown to seven digits, and results are computed with all of
  them. Numbers of examples are examples: no factor and no parameter is taken from here.
"""


def modules() -> list[ModuleType]:
    """Return the modules of all methods, by scope and name."""
    found = [import_module(f"{methods.__name__}.{m.name}") for m in pkgutil.iter_modules(methods.__path__)]
    return sorted(found, key=lambda m: (m.SPEC.scope, m.SPEC.name))


def page() -> str:
    """Return the page."""
    every = modules()
    parts = [HEAD, _contents(every)]
    for scope in sorted({m.SPEC.scope for m in every}):
        parts.append(f"## Scope {scope}\n")
        parts += [_method(m) for m in every if m.SPEC.scope == scope]
    parts.append("## Equations\n")
    parts += [_equations(title, module) for title, module in EQUATIONS.items()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def gases_of(module: ModuleType, changed: Mapping[str, float] | None = None) -> Gases:
    """Run a method over the one row of its example, with some of its inputs or parameters changed."""
    example: Example = module.EXAMPLE
    changed = changed or {}

    def columns(given: Mapping[str, float]) -> dict[str, np.ndarray]:
        return {name: np.array([changed.get(name, value)], np.float64) for name, value in given.items()}

    factor = {name: np.array([value], np.float64) for name, value in example.factor.items()}
    gases: Gases = module.emissions(columns(example.inputs), factor, columns(example.parameters))
    return gases


def kilograms(gases: Gases) -> dict[str, float]:
    """Return what is known of one row, by gas; of a row that is CO2e as a whole, that alone."""
    if gases.co2e_kg is not None and not np.isnan(gases.co2e_kg[0]):
        return {CO2E: float(gases.co2e_kg[0])}
    return {gas: float(getattr(gases, gas)[0]) for gas in GASES}


# --- methods -------------------------------------------------------------------------------------------------------


def _contents(every: list[ModuleType]) -> str:
    lines = ["| method | scope | for | factor |", "|---|---|---|---|"]
    lines += [
        f"| [`{m.SPEC.name}`](#{m.SPEC.name}) | {m.SPEC.scope} | {m.SPEC.title} | {_code(_basis(m)) or 'none'} |"
        for m in every
    ]
    return "\n".join(lines) + "\n"


def _method(module: ModuleType) -> str:
    spec = module.SPEC
    summary, *equations = _prose(module.emissions)
    lines = [
        f"### {spec.name}\n",
        f"{spec.title}. {summary}\n",
        *(f"{paragraph}\n" for paragraph in equations),
        f"*Reference:* {spec.reference}.\n",
        *_references(module.emissions),
        *_inputs(module),
        *_parameters(module),
        *_factor(module),
        f"*Gives:* {_gives(module)}\n",
        "*Example:*\n",
        _example(module),
    ]
    return "\n".join(lines)


def _inputs(module: ModuleType) -> Iterator[str]:
    yield "| input | unit | amount or level | required | known where | |"
    yield "|---|---|---|---|---|---|"
    for role in module.SPEC.roles:
        required = "yes" if role.required else f"no: {_number(role.default or 0.0)} without it"
        kind = "level" if role.level else "amount"
        activity = "; the source's activity" if role.name == module.SPEC.activity else ""
        words = [_code(role.name), role.unit, kind + activity, required, _limits(module, role.name)]
        yield _row(*words, _described(module, "inputs", role.name))
    yield ""


def _parameters(module: ModuleType) -> Iterator[str]:
    if not module.SPEC.parameters:
        return
    yield "| parameter | unit | default | known where | plausible | |"
    yield "|---|---|---|---|---|---|"
    for parameter in module.SPEC.parameters:
        default = "required" if parameter.default is None else _number(parameter.default)
        usual = parameter.plausible.told(parameter.unit) if parameter.plausible else ""
        words = [_code(parameter.name), parameter.unit, default, _limits(module, parameter.name), usual]
        yield _row(*words, _described(module, "parameters", parameter.name))
    yield ""


def _factor(module: ModuleType) -> Iterator[str]:
    if not module.SPEC.factor:
        return
    units = dict(BASES[module.BASIS].units)
    if "co2" in units:
        units.setdefault("co2_biogenic", units["co2"])
    values = ", ".join(f"`{name}` [{units[name]}]" for name in module.SPEC.factor)
    if "co2e" in units:
        values += f", or `co2e` [{units['co2e']}] alone"
    yield f"*Factor* of basis [`{module.BASIS}`](factors.md): {values}. {_linked(_entry(module, 'factor'))}\n"


def _gives(module: ModuleType) -> str:
    text = _without_unit(_section(module.emissions, "Returns").partition("\n")[2])
    return _linked(re.sub(r"^Shape of `\w+`\.", "CO2, fossil and biogenic apart, CH4 and N2O.", text))


def _basis(module: ModuleType) -> str:
    return getattr(module, "BASIS", "")


def _example(module: ModuleType) -> str:
    """Return the example's steps with its numbers put in, after they have led to what the method gives."""
    example: Example = module.EXAMPLE
    names = {**example.inputs, **example.parameters, **{f"factor.{k}": v for k, v in example.factor.items()}}
    units = _units(module)
    lines = [*(f"{name} = {_number(value)} {units[name]}".rstrip() for name, value in names.items()), ""]
    found = kilograms(gases_of(module))
    stepped = dict.fromkeys(found, 0.0)
    for step in module.WORKING:
        name, unit, expression = _step(step)
        names[name] = value = evaluate(expression, names)
        lines += [*_shown(name, expression, names, value, unit), ""]
        if name in stepped:
            stepped[name] = float(value)
    for gas, value in found.items():
        if not math.isclose(value, stepped[gas], rel_tol=EXACT, abs_tol=1e-300):
            raise ArithmeticError(
                f"{module.SPEC.name}: {gas} is {value!r} by the method, {stepped[gas]!r} by its steps"
            )
        if gas not in names:
            lines.append(f"{gas} = 0: outside the method")
    return "```text\n" + "\n".join([*lines, *_tonnes(module, found)]) + "\n```\n"


def _tonnes(module: ModuleType, found: Mapping[str, float]) -> Iterator[str]:
    tonnes = float(tonnes_co2e(gases_of(module), gwp_set(GWP))[0])
    if CO2E in found:
        expression, potentials = f"{CO2E} / 1000", {}
    else:
        potentials = {gas: gwp_set(GWP)[gas] for gas in ("CO2", "CH4", "N2O")}
        expression = "(co2_kg * {CO2:g} + ch4_kg * {CH4:g} + n2o_kg * {N2O:g}) / 1000".format(**potentials)
    if not math.isclose(float(evaluate(expression, found)), tonnes, rel_tol=EXACT):
        raise ArithmeticError(f"{module.SPEC.name}: its gases are not its CO2e")
    title = f"co2e_t ({GWP})" if potentials else "co2e_t"
    yield from _shown(title, expression, found, tonnes, "t")


def _units(module: ModuleType) -> dict[str, str]:
    units = {item.name: item.unit for item in (*module.SPEC.roles, *module.SPEC.parameters)}
    if module.SPEC.factor:
        of_basis = dict(BASES[module.BASIS].units)
        of_basis.setdefault("co2_biogenic", of_basis.get("co2", ""))
        units |= {f"factor.{name}": unit for name, unit in of_basis.items()}
    return {name: "" if unit == "1" else unit for name, unit in units.items()}


def _limits(module: ModuleType, name: str) -> str:
    """Return where a method knows its emission when one number of its example changes: found by bisection."""
    value = {**module.EXAMPLE.inputs, **module.EXAMPLE.parameters}[name]

    def known(tried: float) -> bool:
        return not any(map(math.isnan, kilograms(gases_of(module, {name: tried})).values()))

    low, high = (_edge(known, value, end) for end in (-FARTHEST, FARTHEST))
    left = "" if low is None else f"{_number(low)} {'≤' if known(low) else '<'} "
    right = "" if high is None else f" {'≤' if known(high) else '<'} {_number(high)}"
    if not right and left:
        return f"{'≥' if '≤' in left else '>'} {_number(low or 0.0)}"
    return f"{left}x{right}" if left or right else "everywhere"


def _edge(known: Callable[[float], bool], inside: float, outside: float) -> float | None:
    """Return the edge between a value at which something is known and one at which it may not be, None if it is."""
    if known(outside):
        return None
    for _ in range(200):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if known(middle) else (inside, middle)
    return round(inside, 9) + 0.0


# --- equations -----------------------------------------------------------------------------------------------------


def _equations(title: str, module: ModuleType) -> str:
    lines = [
        f"### {title}\n",
        f"`{module.__name__}`. {_joined(inspect.getdoc(module) or '').partition(' References')[0]}\n",
    ]
    lines += [_equation(module, key) for key in module.EXAMPLES]
    return "\n".join(lines + _references(module))


def called(module: ModuleType, key: str) -> Any:
    """Run the function of an equation's example; a key is its name, and which of its forms where it has several."""
    name = key.partition(": ")[0]
    worked: Worked = module.EXAMPLES[key]
    arguments = {k: np.array(v) if isinstance(v, tuple) else v for k, v in worked.arguments.items()}
    return getattr(module, name)(**arguments)


def _equation(module: ModuleType, key: str) -> str:
    worked: Worked = module.EXAMPLES[key]
    name, _, choice = key.partition(": ")
    summary, *rest = _prose(getattr(module, name))
    result, stepped = float(called(module, key)), float(evaluate(worked.working, worked.arguments))
    if not math.isclose(result, stepped, rel_tol=EXACT):
        raise ArithmeticError(f"{module.__name__}.{key} is {result!r}, {stepped!r} by its working")
    given = [f"{k} = {_shown_value(v)}" for k, v in worked.arguments.items()]
    steps = _shown(choice or name, worked.working, worked.arguments, result, worked.unit)
    title = f"**`{name}`** ({choice})" if choice else f"**`{name}`**"
    return (
        " ".join([f"{title}: {summary}", *rest])
        + "\n\n```text\n"
        + "\n".join([", ".join(given), *steps])
        + "\n```\n"
    )


# --- docstrings ----------------------------------------------------------------------------------------------------


def _sections(thing: object) -> dict[str, str]:
    """Return a numpydoc docstring by section; what comes before the first is ""."""
    pieces = re.split(r"^(\w+)\n-{3,}\n", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    return {"": pieces[0], **dict(zip(pieces[1::2], pieces[2::2], strict=True))}


def _section(thing: object, name: str) -> str:
    return _sections(thing).get(name, "")


def _prose(thing: object) -> list[str]:
    """Return the paragraphs before the first section; a literal table stays as it is."""
    found = [p for p in re.split(r"\n{2,}", _section(thing, "").strip()) if not p.startswith("=")]
    return [_linked(_joined(paragraph)) for paragraph in found]


def _references(thing: object) -> list[str]:
    text = _section(thing, "References")
    found = [_joined(item) for item in re.split(r"^\.\. ", text, flags=re.MULTILINE) if item.strip()]
    return [*(f"{item}  " for item in found), ""] if found else []


def _entry(module: ModuleType, block: str, name: str = "") -> str:
    """Return what a method's docstring says of a block (inputs, factor, parameters), or of one name in it."""
    text = _section(module.emissions, "Parameters")
    found = re.search(rf"^{block}\n((?:[ ]+.*\n?|\n)+)", text, re.MULTILINE)
    body = inspect.cleandoc(found[1]) if found else ""
    if not name:
        return _joined(body)
    for item in re.split(r"\n(?=`[\w`, ]+`:)", "\n" + body):
        names, colon, rest = _joined(item).partition("`: ")
        if colon and name in re.findall(r"\w+", names):
            return _without_unit(rest)
    return _joined(body)


def _described(module: ModuleType, block: str, name: str) -> str:
    """Return what an input or parameter is, followed to the method that says it."""
    text = _entry(module, block, name)
    said = re.match(r"[Aa]s `(\w+)\.emissions`(.*)", text)
    if said is None:
        return _linked(text[:1].upper() + text[1:])
    elsewhere = _described(import_module(f"{methods.__name__}.{said[1]}"), block, name)
    more = re.sub(r"^(, and|[.,;:])\s*", "", _without_unit(said[2])).removesuffix("none.")
    return f"{elsewhere} {more[:1].upper()}{more[1:]}".strip()


def _without_unit(text: str) -> str:
    return re.sub(r"(\s*\[[^\[\]]+\],?)+\.?$", "", _joined(text))


def _joined(text: str) -> str:
    plain = re.sub(r"\[(\d)\]_", r"[\1]", " ".join(text.split()))
    return re.sub(r"(^|\. )NaN\b", r"\1Unknown", plain).replace("NaN", "unknown")


def _linked(text: str) -> str:
    """Return text whose names of other methods' functions are links to them."""

    def link(found: re.Match[str]) -> str:
        name = found[1].replace("_", "-")
        return f"[`{name}`](#{name})"

    return re.sub(r"`(\w+)\.emissions`", link, text)


# --- arithmetic ----------------------------------------------------------------------------------------------------

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """Return the value of an arithmetic expression over named numbers or columns.

    Raises
    ------
    ValueError
        Where it is anything else.
    """

    def value(node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="factor"), attr=name):
                found = names[f"factor.{name}" if isinstance(node, ast.Attribute) else name]
                return np.array(found) if isinstance(found, tuple) else found
            case ast.Call(func=ast.Name(id="sum"), args=[one]):
                return value(one).sum()
            case ast.Call(func=ast.Name(id="max"), args=[one, other]):
                return np.maximum(value(one), value(other))
        raise ValueError(f"no arithmetic: {expression}")

    return value(ast.parse(expression, mode="eval").body)


def _step(step: str) -> tuple[str, str, str]:
    """Return name, unit and expression of a step `name [unit] = expression`; a name that ends in _kg says its unit."""
    found = re.fullmatch(r"(\w+)(?: \[(.+?)\])? = (.+)", step)
    if found is None or not (found[2] or found[1].endswith("_kg")):
        raise ValueError(f"no step: {step}")
    return found[1], found[2] or "kg", found[3]


def _shown(name: str, expression: str, names: Mapping[str, Any], value: float, unit: str) -> list[str]:
    """Return an expression, the same with numbers put in, and its value, one below the other."""
    put_in = re.sub(
        r"(?<![\w.])[A-Za-z_]\w*(?:\.\w+)?",
        lambda m: _shown_value(names[m[0]]) if m[0] in names else m[0],
        expression,
    )
    pad, unit = " " * len(name), "" if unit == "1" else f" {unit}"
    forms = [f.replace("*", TIMES) for f in dict.fromkeys((expression, put_in))]
    result = f"{_number(value)}{unit}"
    lines = [f"{name if k == 0 else pad} = {form}" for k, form in enumerate(forms)]
    same = forms[-1] == _number(value)
    return [*lines[:-1], f"{lines[-1]}{unit}"] if same else [*lines, f"{pad} = {result}"]


def _shown_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return f"({'; '.join(map(_number, value))})"
    return f"({_number(value)})" if value < 0 else _number(value)


def _number(value: float) -> str:
    """Return a number to seven digits, without what a reader does not need."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if abs(value) < 1e-3:
        digits, _, exponent = f"{value:.6e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    decimals = max(0, 6 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the page, or say whether it is what the code gives."""
    parser = argparse.ArgumentParser(description="Make docs/methods.md from the code.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the page is not up to date"
    )
    wanted = page()
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print("docs/methods.md is not what the code gives: run scripts/methods", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
