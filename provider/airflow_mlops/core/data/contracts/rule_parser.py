"""Parser of contract rules into the tree of :mod:`.expression`; rules are never evaluated as code.

Rules use Python's grammar, restricted to the forms named here.
"""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from airflow_mlops.core.data.contracts.expression import (
    VALUE_TYPES,
    And,
    BinaryOperation,
    ColumnRef,
    ColumnType,
    Comparison,
    ComparisonOperator,
    Constant,
    FunctionCall,
    FunctionName,
    IfElse,
    IsIn,
    IsMissing,
    IsNull,
    Modulo,
    Node,
    Not,
    Or,
    RegexMatch,
    Round,
    Scalar,
    ValueType,
    count_nodes,
    format_category,
    parse_iso_timestamp,
)
from airflow_mlops.core.data.contracts.rule_errors import (
    VALUE_TYPE_NAMES,
    RuleError,
    TypedNode,
    describe_value,
    format_rule_error,
)
from airflow_mlops.core.data.contracts.rule_functions import RULE_FUNCTIONS, find_pattern_error

MAX_RULE_LENGTH = 1000
MAX_NODES = 2000
_COMPARISONS: dict[type[ast.cmpop], ComparisonOperator] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Node, Node], Node]] = {
    ast.Add: lambda a, b: BinaryOperation("+", a, b),
    ast.Sub: lambda a, b: BinaryOperation("-", a, b),
    ast.Mult: lambda a, b: BinaryOperation("*", a, b),
    ast.Div: lambda a, b: BinaryOperation("/", a, b),
    ast.Mod: Modulo,
}


def parse_rule(rule: str, columns: Mapping[str, ColumnType]) -> Node:
    """Parse a rule: a condition that each row must satisfy.

    - columns by name, ``col("first name")`` for a name that is not an identifier; numbers, texts in quotes, ``True``,
      ``False``; dates as ``"2024-01-31"`` next to a column of dates, or ``date("2024-01-31")``
    - ``==  !=  <  <=  >  >=`` (also in a chain: ``0 <= a < b``), ``in`` and ``not in`` a list, ``is None``, ``is not
      None``, ``and``, ``or``, ``not``, ``a if condition else b``
    - ``+  -  *  /  %``, and the functions of :data:`~.rule_functions.RULE_FUNCTIONS`

    :param rule: the rule.
    :param columns: the contract's columns, and the type of each.
    :raises RuleError: when the rule cannot be parsed, is not boolean, or has an unknown column or function.
    """
    if len(rule) > MAX_RULE_LENGTH:
        raise RuleError(f"the rule has {len(rule)} characters; at most {MAX_RULE_LENGTH} are allowed")
    rule = rule.replace("\n", " ").strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # for an invalid escape sequence
            tree = ast.parse(rule, mode="eval")
    except SyntaxError as error:
        hint = "; write r before the quotes of a text with a backslash" if "escape" in error.msg else ""
        raise RuleError(format_rule_error(rule, error.msg + hint, (error.offset or 1) - 1)) from None
    except (ValueError, RecursionError, MemoryError):
        raise RuleError("the rule cannot be parsed: it is nested too deep, or has an invalid character") from None
    parser = _RuleParser(rule, columns)
    try:
        condition = parser.parse(tree.body)
    except RecursionError:
        raise RuleError("the rule is nested too deep") from None
    if condition.value_type != "bool":
        parser.fail(tree.body, f"a rule must be true or false, this is {describe_value(condition)}")
    if count_nodes(condition.node, limit=MAX_NODES) > MAX_NODES:
        raise RuleError("the rule is too large: split it into two")
    return condition.node


class _RuleParser:
    """Parser of one rule, with one method for each supported form of Python's grammar."""

    def __init__(self, text: str, columns: Mapping[str, ColumnType]) -> None:
        self.text, self.columns = text, columns
        self.cache: dict[ast.expr, TypedNode] = {}
        self.forms: dict[type[ast.expr], Callable[[Any], TypedNode]] = {
            ast.Name: lambda node: self.column(node, node.id),
            ast.Constant: self.constant,
            ast.BoolOp: self.logic,
            ast.UnaryOp: self.unary,
            ast.BinOp: self.arithmetic,
            ast.Compare: self.comparisons,
            ast.IfExp: self.conditional,
            ast.Call: self.call,
        }

    def fail(self, node: ast.expr, what: str) -> NoReturn:
        """Raise RuleError with a caret below the node."""
        raise RuleError(format_rule_error(self.text, what, len(self.text.encode()[: node.col_offset].decode())))

    def parse(self, node: ast.expr) -> TypedNode:
        """Parse any expression; results are cached, because comparison chains visit operands twice."""
        if node not in self.cache:
            form = self.forms.get(type(node))
            if form is None:
                self.fail(node, f"{type(node).__name__} is not supported in a rule")
            self.cache[node] = form(node)
        return self.cache[node]

    def parse_as(self, node: ast.expr, sort: ValueType) -> Node:
        """Parse an expression of a required type; text is converted where a timestamp is required."""
        value = self.parse(node)
        if sort == "timestamp":
            value = self.adapt(value, TypedNode(value.node, sort))
        if value.value_type != sort:
            self.fail(node, f"this is {describe_value(value)}; {VALUE_TYPE_NAMES[sort]} is required")
        return value.node

    def column(self, node: ast.expr, name: str) -> TypedNode:
        """Parse a column name."""
        if name not in self.columns:
            matches = difflib.get_close_matches(name, self.columns, n=1)
            hint = f"did you mean {matches[0]!r}?" if matches else f"it has {', '.join(list(self.columns)[:10])}"
            self.fail(node, f"the contract has no column {name!r}; {hint}")
        return TypedNode(ColumnRef(name, self.columns[name]), VALUE_TYPES[self.columns[name]])

    def constant(self, node: ast.Constant) -> TypedNode:
        """Parse a literal."""
        value = node.value
        if isinstance(value, bool):
            return TypedNode(Constant(value), "bool")
        if isinstance(value, (int, float)):
            if abs(value) >= 2**63:
                self.fail(node, "the number exceeds 64 bits")
            return TypedNode(Constant(value), "number")
        if isinstance(value, str):
            return TypedNode(Constant(value), "text")
        if value is None:
            return TypedNode(Constant(""), None)
        self.fail(node, f"{type(value).__name__} is not supported in a rule")

    def logic(self, node: ast.BoolOp) -> TypedNode:
        """Parse ``and`` and ``or``."""
        parts = tuple(self.parse_as(part, "bool") for part in node.values)
        return TypedNode(And(parts) if isinstance(node.op, ast.And) else Or(parts), "bool")

    def unary(self, node: ast.UnaryOp) -> TypedNode:
        """Parse ``not`` and a sign."""
        if isinstance(node.op, ast.Not):
            return TypedNode(Not(self.parse_as(node.operand, "bool")), "bool")
        if isinstance(node.op, ast.Invert):
            self.fail(node, "~ is not supported in a rule; write not")
        operand = self.parse_as(node.operand, "number")
        if isinstance(node.op, ast.UAdd):
            return TypedNode(operand, "number")
        if isinstance(operand, Constant) and isinstance(operand.value, (int, float)):
            return TypedNode(Constant(-operand.value), "number")
        return TypedNode(BinaryOperation("-", Constant(0), operand), "number")

    def arithmetic(self, node: ast.BinOp) -> TypedNode:
        """Parse an arithmetic operation."""
        build = _ARITHMETIC.get(type(node.op))
        if build is None:
            hint = "; write and, or" if isinstance(node.op, (ast.BitAnd, ast.BitOr)) else ""
            self.fail(node, f"{type(node.op).__name__} is not supported in a rule{hint}")
        left, right = self.parse(node.left), self.parse(node.right)
        if left.value_type == right.value_type == "timestamp" and isinstance(node.op, ast.Sub):
            self.fail(node, "subtract dates with days(later, earlier)")
        return TypedNode(build(self.parse_as(node.left, "number"), self.parse_as(node.right, "number")), "number")

    def comparisons(self, node: ast.Compare) -> TypedNode:
        """Parse a comparison, or a chain of comparisons."""
        sides = [node.left, *node.comparators]
        parts = [self.comparison(a, op, b) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)]
        return TypedNode(parts[0] if len(parts) == 1 else And(tuple(parts)), "bool")

    def comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        """Parse one comparison."""
        if isinstance(operator, (ast.Is, ast.IsNot)):
            return self.is_none(left, right, negated=isinstance(operator, ast.IsNot))
        if isinstance(operator, (ast.In, ast.NotIn)):
            membership = self.membership(left, right)
            return Not(membership) if isinstance(operator, ast.NotIn) else membership
        a, b = self.same_type(left, right)
        symbol = _COMPARISONS[type(operator)]
        if a.value_type in ("text", "bool") and symbol not in ("==", "!="):
            self.fail(left, f"{describe_value(a)} has no order; compare it with == or !=")
        return Comparison(symbol, a.node, b.node)

    def is_none(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Node:
        """Parse ``is None``: of a column the stored value is checked, of any other expression its result."""
        if not (isinstance(right, ast.Constant) and right.value is None):
            self.fail(right, "is requires None; compare values with ==")
        operand = self.parse(left).node
        missing = IsMissing(operand) if isinstance(operand, ColumnRef) else IsNull(operand)
        return Not(missing) if negated else missing

    def membership(self, left: ast.expr, right: ast.expr) -> IsIn:
        """Parse ``in`` a list of literals."""
        operand = self.parse(left)
        if not isinstance(right, (ast.List, ast.Tuple, ast.Set)) or not right.elts:
            self.fail(right, "in requires a list of values, such as ['a', 'b']")
        values: list[Scalar] = []
        for item in right.elts:
            value = self.adapt(self.parse(item), operand)
            if (
                not isinstance(value.node, Constant)
                or value.value_type is None
                or value.value_type != operand.value_type
            ):
                self.fail(item, f"a value is required that {describe_value(operand)} can have")
            values.append(value.node.value)
        return IsIn(operand.node, tuple(values))

    def same_type(self, left: ast.expr, right: ast.expr) -> tuple[TypedNode, TypedNode]:
        """Parse two operands of one type; a literal is converted to the type of the other operand."""
        a, b = self.parse(left), self.parse(right)
        a, b = self.adapt(a, b), self.adapt(b, a)
        if a.value_type is None or b.value_type is None:
            self.fail(left, "None cannot be compared; write is None, or is not None")
        if a.value_type != b.value_type:
            self.fail(left, f"{describe_value(a)} cannot be compared with {describe_value(b)}")
        return a, b

    def adapt(self, value: TypedNode, other: TypedNode) -> TypedNode:
        """Convert a literal to the type of the other operand: text to a timestamp, a number to a category code."""
        if not isinstance(value.node, Constant):
            return value
        literal = value.node.value
        if other.value_type == "timestamp" and isinstance(literal, str) and (timestamp := parse_iso_timestamp(literal)):
            return TypedNode(Constant(timestamp), "timestamp")
        is_code = isinstance(other.node, ColumnRef) and other.node.type == "category"
        if is_code and value.value_type in ("number", "bool") and not isinstance(literal, (str, bytes)):
            return TypedNode(Constant(format_category(literal)), "text")  # type: ignore[arg-type]
        return value

    def conditional(self, node: ast.IfExp) -> TypedNode:
        """Parse ``a if condition else b``."""
        condition = self.parse_as(node.test, "bool")
        then, otherwise = self.same_type(node.body, node.orelse)
        return TypedNode(IfElse(condition, then.node, otherwise.node), then.value_type)

    def call(self, node: ast.Call) -> TypedNode:
        """Parse a function call."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in RULE_FUNCTIONS:
            matches = difflib.get_close_matches(name, RULE_FUNCTIONS, n=1)
            hint = f"did you mean {matches[0]}?" if matches else f"available: {', '.join(sorted(RULE_FUNCTIONS))}"
            self.fail(node, f"there is no function {name or 'of this form'}; {hint}")
        function = RULE_FUNCTIONS[name]
        if node.keywords or not function.min_arguments <= len(node.args) <= function.max_arguments:
            self.fail(node, f"write {function.usage}")
        special = {"col": self.column_call, "date": self.date, "matches": self.matches, "round": self.rounding}
        if name in special:
            return special[name](node)
        if function.argument_type is None:
            return self.variadic(node)
        arguments = tuple(self.parse_as(a, function.argument_type) for a in node.args)
        if name == "ceil":  # ceil(x) is -floor(-x)
            return TypedNode(
                BinaryOperation(
                    "-", Constant(0), FunctionCall("floor", (BinaryOperation("-", Constant(0), arguments[0]),))
                ),
                "number",
            )
        return TypedNode(FunctionCall(_function(name), arguments), function.return_type)

    def variadic(self, node: ast.Call) -> TypedNode:
        """Parse ``min``, ``max`` or ``coalesce``, whose arguments and result have one type."""
        name = _function(node.func.id)  # type: ignore[attr-defined]
        pairs = [self.same_type(node.args[0], argument) for argument in node.args[1:]]
        sort = pairs[0][0].value_type
        if name != "coalesce" and sort not in ("number", "timestamp"):
            self.fail(node, f"{name} applies to numbers, dates and times")
        return TypedNode(FunctionCall(name, (pairs[0][0].node, *(right.node for _, right in pairs))), sort)

    def column_call(self, node: ast.Call) -> TypedNode:
        """Parse ``col("first name")``."""
        return self.column(node, self.literal_text(node.args[0]))

    def date(self, node: ast.Call) -> TypedNode:
        """Parse ``date("2024-01-31")``."""
        timestamp = parse_iso_timestamp(self.literal_text(node.args[0]))
        if timestamp is None:
            self.fail(node.args[0], "a date is written as '2024-01-31', a time as '2024-01-31T12:00'")
        return TypedNode(Constant(timestamp), "timestamp")

    def matches(self, node: ast.Call) -> TypedNode:
        """Parse ``matches(code, "[A-Z]{2}")``."""
        pattern = self.literal_text(node.args[1])
        if any(ord(character) < 32 for character in pattern):  # '\b' is a backspace, r'\b' a word boundary
            self.fail(node.args[1], "write r before the quotes of a pattern with a backslash: r'\\bno\\b'")
        if error := find_pattern_error(pattern):
            self.fail(node.args[1], error)
        return TypedNode(RegexMatch(self.parse_as(node.args[0], "text"), pattern), "bool")

    def rounding(self, node: ast.Call) -> TypedNode:
        """Parse ``round(price, 2)``."""
        places: Any = 0
        if len(node.args) == 2:
            places = getattr(node.args[1], "value", None)
            if isinstance(places, bool) or not isinstance(places, int) or places > 12:
                self.fail(node.args[1], "the number of places must be 0 to 12")
        return TypedNode(Round(self.parse_as(node.args[0], "number"), places), "number")

    def literal_text(self, node: ast.expr) -> str:
        """Return the value of a text literal."""
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            self.fail(node, "a text in quotes is required")
        return node.value


def _function(name: str) -> FunctionName:
    return name  # type: ignore[return-value]  # checked against FUNCTIONS by the caller
