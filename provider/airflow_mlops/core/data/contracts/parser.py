"""Rules as people write them, read into the tree of :mod:`.expression`; nothing is ever evaluated.

Python's own grammar is used for the text, and only the forms named here are taken from it.
"""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from airflow_mlops.core.data.contracts.expression import (
    SORTS,
    All,
    Among,
    AnyOf,
    Call,
    Choose,
    Column,
    ColumnType,
    Compare,
    Comparison,
    Compute,
    Constant,
    Function,
    IsNull,
    Matches,
    Missing,
    Node,
    Not,
    Remainder,
    Rounded,
    Scalar,
    Sort,
    as_code,
    moment_from_text,
    size,
)
from airflow_mlops.core.data.contracts.functions import FUNCTIONS, checked_pattern
from airflow_mlops.core.data.contracts.mistakes import SORT_NAMES, RuleError, Typed, named, shown

LONGEST = 1000
LARGEST = 2000
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Node, Node], Node]] = {
    ast.Add: lambda a, b: Compute("+", a, b),
    ast.Sub: lambda a, b: Compute("-", a, b),
    ast.Mult: lambda a, b: Compute("*", a, b),
    ast.Div: lambda a, b: Compute("/", a, b),
    ast.Mod: Remainder,
}


def parse(text: str, columns: Mapping[str, ColumnType]) -> Node:
    """Read a rule: a condition that each row has to keep.

    - columns by their names, ``col("first name")`` for a name that is no word; numbers, texts in quotes, ``True``,
      ``False``; dates as ``"2024-01-31"`` beside a column of dates, or ``date("2024-01-31")``
    - ``==  !=  <  <=  >  >=`` (also in a chain: ``0 <= a < b``), ``in`` and ``not in`` a list, ``is None``, ``is not
      None``, ``and``, ``or``, ``not``, ``a if condition else b``
    - ``+  -  *  /  %``, and the functions of :data:`~.functions.FUNCTIONS`

    :param text: the rule.
    :param columns: the contract's columns, and how each is read.
    :raises RuleError: when it cannot be read, is not true or false, or names what is not there.
    """
    if len(text) > LONGEST:
        raise RuleError(f"the rule has {len(text)} characters, at most {LONGEST} are read")
    text = text.replace("\n", " ").strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a backslash that begins no escape
            tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        hint = "; write r before the quotes of a text that has a backslash" if "escape" in error.msg else ""
        raise RuleError(shown(text, error.msg + hint, (error.offset or 1) - 1)) from None
    except (ValueError, RecursionError, MemoryError):
        raise RuleError("the rule cannot be read: it is nested too deep, or has a character that no text has") from None
    reader = _Reader(text, columns)
    try:
        whole = reader.read(tree.body)
    except RecursionError:
        raise RuleError("the rule is nested too deep") from None
    if whole.sort != "bool":
        reader.refuse(tree.body, f"a rule has to be true or false, this is {named(whole)}")
    if size(whole.node, most=LARGEST) > LARGEST:
        raise RuleError("the rule is too large: make two of it")
    return whole.node


class _Reader:
    """Reads one rule; each form of Python's grammar that is taken has a method of its own."""

    def __init__(self, text: str, columns: Mapping[str, ColumnType]) -> None:
        self.text, self.columns = text, columns
        self.seen: dict[ast.expr, Typed] = {}
        self.forms: dict[type[ast.expr], Callable[[Any], Typed]] = {
            ast.Name: lambda node: self.column(node, node.id),
            ast.Constant: self.constant,
            ast.BoolOp: self.logic,
            ast.UnaryOp: self.unary,
            ast.BinOp: self.arithmetic,
            ast.Compare: self.comparisons,
            ast.IfExp: self.choice,
            ast.Call: self.call,
        }

    def refuse(self, node: ast.expr, what: str) -> NoReturn:
        """Say what is wrong, with a mark below the place."""
        raise RuleError(shown(self.text, what, len(self.text.encode()[: node.col_offset].decode())))

    def read(self, node: ast.expr) -> Typed:
        """Read any expression. What has been read is kept: both neighbours in a chain ask for the same one."""
        if node not in self.seen:
            form = self.forms.get(type(node))
            if form is None:
                self.refuse(node, f"{type(node).__name__} may not be used in a rule")
            self.seen[node] = form(node)
        return self.seen[node]

    def of(self, node: ast.expr, sort: Sort) -> Node:
        """Read an expression that has to be of one sort; text where a moment is needed is read as one."""
        found = self.read(node)
        if sort == "moment":
            found = self.adapted(Typed(found.node, sort), found)
        if found.sort != sort:
            self.refuse(node, f"this is {named(found)}, {SORT_NAMES[sort]} is needed")
        return found.node

    def column(self, node: ast.expr, name: str) -> Typed:
        """Read a column's name."""
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(self.columns)[:10])}"
            self.refuse(node, f"the contract has no column {name!r}; {hint}")
        return Typed(Column(name, self.columns[name]), SORTS[self.columns[name]])

    def constant(self, node: ast.Constant) -> Typed:
        """Read a literal."""
        value = node.value
        if isinstance(value, bool):
            return Typed(Constant(value), "bool")
        if isinstance(value, (int, float)):
            if abs(value) >= 2**63:
                self.refuse(node, "the number is beyond 64 bits")
            return Typed(Constant(value), "number")
        if isinstance(value, str):
            return Typed(Constant(value), "text")
        if value is None:
            return Typed(Constant(""), None)
        self.refuse(node, f"{type(value).__name__} may not be used in a rule")

    def logic(self, node: ast.BoolOp) -> Typed:
        """Read ``and`` and ``or``."""
        parts = tuple(self.of(part, "bool") for part in node.values)
        return Typed(All(parts) if isinstance(node.op, ast.And) else AnyOf(parts), "bool")

    def unary(self, node: ast.UnaryOp) -> Typed:
        """Read ``not`` and a sign."""
        if isinstance(node.op, ast.Not):
            return Typed(Not(self.of(node.operand, "bool")), "bool")
        if isinstance(node.op, ast.Invert):
            self.refuse(node, "~ may not be used in a rule; write not")
        operand = self.of(node.operand, "number")
        if isinstance(node.op, ast.UAdd):
            return Typed(operand, "number")
        if isinstance(operand, Constant) and isinstance(operand.value, (int, float)):
            return Typed(Constant(-operand.value), "number")
        return Typed(Compute("-", Constant(0), operand), "number")

    def arithmetic(self, node: ast.BinOp) -> Typed:
        """Read a sum, a product and such."""
        make = _ARITHMETIC.get(type(node.op))
        if make is None:
            hint = "; write and, or" if isinstance(node.op, (ast.BitAnd, ast.BitOr)) else ""
            self.refuse(node, f"{type(node.op).__name__} may not be used in a rule{hint}")
        left, right = self.read(node.left), self.read(node.right)
        if left.sort == right.sort == "moment" and isinstance(node.op, ast.Sub):
            self.refuse(node, "dates are subtracted with days(later, earlier)")
        return Typed(make(self.of(node.left, "number"), self.of(node.right, "number")), "number")

    def comparisons(self, node: ast.Compare) -> Typed:
        """Read a comparison, or a chain of them."""
        sides = [node.left, *node.comparators]
        parts = [self.comparison(a, op, b) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)]
        return Typed(parts[0] if len(parts) == 1 else All(tuple(parts)), "bool")

    def comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        """Read one comparison."""
        if isinstance(operator, (ast.Is, ast.IsNot)):
            return self.is_none(left, right, negated=isinstance(operator, ast.IsNot))
        if isinstance(operator, (ast.In, ast.NotIn)):
            among = self.among(left, right)
            return Not(among) if isinstance(operator, ast.NotIn) else among
        a, b = self.alike(left, right)
        symbol = _COMPARISONS[type(operator)]
        if a.sort in ("text", "bool") and symbol not in ("==", "!="):
            self.refuse(left, f"{named(a)} has no order here; compare it with == or !=")
        return Compare(symbol, a.node, b.node)

    def is_none(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Node:
        """Read ``is None``: of a column as it is stored, of anything else as it comes out."""
        if not (isinstance(right, ast.Constant) and right.value is None):
            self.refuse(right, "is asks for None; compare values with ==")
        operand = self.read(left).node
        missing = Missing(operand) if isinstance(operand, Column) else IsNull(operand)
        return Not(missing) if negated else missing

    def among(self, left: ast.expr, right: ast.expr) -> Among:
        """Read ``in`` a list of literals."""
        operand = self.read(left)
        if not isinstance(right, (ast.List, ast.Tuple, ast.Set)) or not right.elts:
            self.refuse(right, "in needs a list of values, such as ['a', 'b']")
        values: list[Scalar] = []
        for item in right.elts:
            value = self.adapted(operand, self.read(item))
            if not isinstance(value.node, Constant) or value.sort is None or value.sort != operand.sort:
                self.refuse(item, f"a value is needed here that {named(operand)} can be")
            values.append(value.node.value)
        return Among(operand.node, tuple(values))

    def alike(self, left: ast.expr, right: ast.expr) -> tuple[Typed, Typed]:
        """Read two sides of one sort; a literal is read as what the other side is."""
        a, b = self.read(left), self.read(right)
        a, b = self.adapted(b, a), self.adapted(a, b)
        if a.sort is None or b.sort is None:
            self.refuse(left, "None equals nothing; write is None, or is not None")
        if a.sort != b.sort:
            self.refuse(left, f"{named(a)} cannot be compared with {named(b)}")
        return a, b

    def adapted(self, other: Typed, value: Typed) -> Typed:
        """Read a literal as what stands beside it: text as a moment, a number as a category's code."""
        if not isinstance(value.node, Constant):
            return value
        literal = value.node.value
        if other.sort == "moment" and isinstance(literal, str) and (read := moment_from_text(literal)):
            return Typed(Constant(read), "moment")
        is_code = isinstance(other.node, Column) and other.node.type == "category"
        if is_code and value.sort in ("number", "bool") and not isinstance(literal, (str, bytes)):
            return Typed(Constant(as_code(literal)), "text")  # type: ignore[arg-type]
        return value

    def choice(self, node: ast.IfExp) -> Typed:
        """Read ``a if condition else b``."""
        condition = self.of(node.test, "bool")
        then, otherwise = self.alike(node.body, node.orelse)
        return Typed(Choose(condition, then.node, otherwise.node), then.sort)

    def call(self, node: ast.Call) -> Typed:
        """Read a function."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(FUNCTIONS))}"
            self.refuse(node, f"there is no function {name or 'of this form'}; {hint}")
        known = FUNCTIONS[name]
        if node.keywords or not known.least <= len(node.args) <= known.most:
            self.refuse(node, f"write {known.usage}")
        special = {"col": self.named_column, "date": self.date, "matches": self.matches, "round": self.rounding}
        if name in special:
            return special[name](node)
        if known.takes is None:
            return self.same_sort(node)
        arguments = tuple(self.of(a, known.takes) for a in node.args)
        if name == "ceil":  # the least whole number above is less the greatest below on the other side of 0
            return Typed(Compute("-", Constant(0), Call("floor", (Compute("-", Constant(0), arguments[0]),))), "number")
        return Typed(Call(_function(name), arguments), known.gives)

    def same_sort(self, node: ast.Call) -> Typed:
        """Read ``min``, ``max`` or ``coalesce``, whose arguments are of one sort, which they give."""
        name = _function(node.func.id)  # type: ignore[attr-defined]
        pairs = [self.alike(node.args[0], argument) for argument in node.args[1:]]
        sort = pairs[0][0].sort
        if name != "coalesce" and sort not in ("number", "moment"):
            self.refuse(node, f"{name} is for numbers, dates and times")
        return Typed(Call(name, (pairs[0][0].node, *(right.node for _, right in pairs))), sort)

    def named_column(self, node: ast.Call) -> Typed:
        """Read ``col("first name")``."""
        return self.column(node, self.text_of(node.args[0]))

    def date(self, node: ast.Call) -> Typed:
        """Read ``date("2024-01-31")``."""
        found = moment_from_text(self.text_of(node.args[0]))
        if found is None:
            self.refuse(node.args[0], "a date is written as '2024-01-31', a time as '2024-01-31T12:00'")
        return Typed(Constant(found), "moment")

    def matches(self, node: ast.Call) -> Typed:
        """Read ``matches(code, "[A-Z]{2}")``."""
        pattern = self.text_of(node.args[1])
        if any(ord(character) < 32 for character in pattern):  # '\b' is a backspace, r'\b' the edge of a word
            self.refuse(node.args[1], "write r before the quotes of a pattern that has a backslash: r'\\bno\\b'")
        if wrong := checked_pattern(pattern):
            self.refuse(node.args[1], wrong)
        return Typed(Matches(self.of(node.args[0], "text"), pattern), "bool")

    def rounding(self, node: ast.Call) -> Typed:
        """Read ``round(price, 2)``."""
        places: Any = 0
        if len(node.args) == 2:
            places = getattr(node.args[1], "value", None)
            if isinstance(places, bool) or not isinstance(places, int) or places > 12:
                self.refuse(node.args[1], "the number of places is 0 to 12")
        return Typed(Rounded(self.of(node.args[0], "number"), places), "number")

    def text_of(self, node: ast.expr) -> str:
        """Read a text that has to be literal."""
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            self.refuse(node, "a text in quotes is needed here")
        return node.value


def _function(name: str) -> Function:
    return name  # type: ignore[return-value]  # FUNCTIONS has been asked
