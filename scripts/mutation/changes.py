"""The small changes that are tried on a file, each the replacement of one piece of its text.

Texts, decorators, annotations and calls of the log are left alone: no number depends on them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
EXCHANGED = {
    name: other
    for pair in (("min", "max"), ("minimum", "maximum"), ("any", "all"), ("floor", "ceil"))
    for name, other in (pair, pair[::-1])
}
LOGS = {"log", "logger", "logging"}
EITHER_WAY = {
    "min",
    "max",
    "minimum",
    "maximum",
    "array",
    "zeros",
    "empty",
    "full",
    "ones",
    "isinstance",
}  # the first two
DECLARED = {"field", "dataclass", "Field", "ConfigDict"}  # how a class is made, not what it does


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a file: the text from `start` to `end` (offsets in its UTF-8) becomes `after`.

    `code` is the line on which it begins, and `lines` are the number of that line and of the first one of its statement.
    """

    file: str
    code: str
    lines: tuple[int, int]
    start: int
    end: int
    before: str
    after: str

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return self.lines[0]

    @property
    def change(self) -> str:
        """What was changed, on one line."""
        return " ".join(f"{self.before} → {self.after}".split())

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by: where a line stands may change."""
        return self.file, self.code, self.change

    def applied(self, source: bytes) -> bytes:
        """Return the file as this mutant has it."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Return every mutant of a file, in the order of the text."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    code = source.decode().split("\n")
    found = []
    for node, after, statement in _changes(ast.parse(source)):
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: S101, PT018  # it was parsed
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before = source[start:end].decode()
        found.append(
            Mutant(file, code[node.lineno - 1].strip(), (node.lineno, statement), start, end, before, after)
        )
    found = [mutant for mutant in found if mutant.after != mutant.before]
    return sorted(set(found), key=lambda mutant: (mutant.start, mutant.end, mutant.after))


Replaced = ast.expr | ast.stmt


def _changes(tree: ast.AST) -> Iterator[tuple[Replaced, str, int]]:
    """Yield the node to replace, what by, and the first line of its statement."""
    for statement in _statements(tree):
        if dropped := _dropped(statement):
            yield statement, dropped, statement.lineno
        for node in _expressions(statement):
            for after in _replacements(node):
                yield node, after, statement.lineno
        if isinstance(statement, ast.If | ast.While):
            for after in ("True", "False") if isinstance(statement, ast.If) else ("False",):
                yield statement.test, after, statement.lineno
        if (
            isinstance(statement, ast.Return)
            and statement.value is not None
            and not _is_none(statement.value)
        ):
            yield statement.value, "None", statement.lineno
        if isinstance(statement, ast.AugAssign) and type(statement.op) in CALCULATED:
            other = ast.AugAssign(statement.target, CALCULATED[type(statement.op)](), statement.value)
            yield statement, ast.unparse(other), statement.lineno


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not _is_told(node):
            yield node


def _is_told(statement: ast.stmt) -> bool:
    """Whether a statement is a text, or tells the log something."""
    if not isinstance(statement, ast.Expr):
        return False
    called = statement.value.func if isinstance(statement.value, ast.Call) else statement.value
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return called.value.id.strip("_").lower() in LOGS
    return isinstance(called, ast.Constant)


def _dropped(statement: ast.stmt) -> str:
    """Return what stands where a statement is left out; empty where leaving it out would say nothing."""
    if isinstance(statement, ast.Continue | ast.Break | ast.Raise | ast.AugAssign):
        return "pass"
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Yield | ast.YieldFrom):
        return "pass"
    if isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name | ast.Tuple):
        return "pass"
    return ""


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions of a statement itself, not of those inside it, nor of its annotations and decorators."""
    left_out = {"annotation", "returns", "decorator_list", "body", "orelse", "finalbody", "handlers", "bases"}
    waiting: list[ast.AST] = [
        child
        for name, value in ast.iter_fields(statement)
        if name not in left_out
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST)
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr):
            if isinstance(node, ast.JoinedStr) or _name(node) in DECLARED:
                continue
            yield node
        waiting += [
            child
            for name, value in ast.iter_fields(node)
            if name not in {"annotation", "returns"}
            for child in (value if isinstance(value, list) else [value])
            if isinstance(child, ast.AST) and not isinstance(child, ast.stmt)
        ]


def _replacements(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in CALCULATED and not _is_text(node):
        yield _within(ast.BinOp(node.left, CALCULATED[type(node.op)](), node.right))
    elif isinstance(node, ast.BoolOp):
        yield _within(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield _within(node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield repr(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield _within(node.body)
        yield _within(node.orelse)
    elif isinstance(node, ast.Call):
        yield from _called(node)


def _compared(node: ast.Compare) -> Iterator[str]:
    parts = [ast.unparse(node.left)]
    for op, right in zip(node.ops, node.comparators, strict=True):
        parts += [_sign(op), ast.unparse(right)]
    for i, op in enumerate(node.ops):
        yield f"({' '.join([*parts[: 2 * i + 1], COMPARED[type(op)], *parts[2 * i + 2 :]])})"


def _sign(op: ast.cmpop) -> str:
    return ast.unparse(ast.Compare(ast.Name("a"), [op], [ast.Name("b")]))[1:-1].strip()


def _called(node: ast.Call) -> Iterator[str]:
    args = node.args
    is_swapped = len(args) > 1 and _name(node) not in EITHER_WAY
    if is_swapped and not any(isinstance(arg, ast.Starred) for arg in args[:2]):
        yield ast.unparse(ast.Call(node.func, [args[1], args[0], *args[2:]], node.keywords))
    if isinstance(node.func, ast.Name) and node.func.id in EXCHANGED:
        yield ast.unparse(ast.Call(ast.Name(EXCHANGED[node.func.id]), args, node.keywords))
    if isinstance(node.func, ast.Attribute) and node.func.attr in EXCHANGED:
        other = ast.Attribute(node.func.value, EXCHANGED[node.func.attr])
        yield ast.unparse(ast.Call(other, args, node.keywords))


def _name(node: ast.expr) -> str:
    """Return the last name of what an expression calls; empty where it calls nothing."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _within(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
