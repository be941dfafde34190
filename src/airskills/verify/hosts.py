"""Hosts: where questions about a use are put, so that they mean what the use means, and change nothing of it.

What a statement evaluates first and always is asked about before it; what it evaluates later, or perhaps, or again, right
before the operand, branch, body or element in which it stands:

    (reveal_type(x.y),); x.y(3)
    x and ((reveal_type(x.y),) and (x.y(3)))

A tuple that holds something is true: `(...) and (value)` is the value, and what a test says of a name it still says.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from airskills.verify.edits import Span, Wrap
from airskills.verify.uses import Uses

_COMPOUND = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Match,
)


ITSELF = ""  # the question about an expression that is not written out again
# What stands before the questions and behind them, and at the end of what they are about.
_FORMS = {
    "simple": ("(", "); ", ""),
    "compound": ("(", ")\n", ""),
    "operand": ("((", ") and (", "))"),
    "import": ("; ", ")", ""),
    "itself": ("reveal_type(", "", ")"),
}


class Host(NamedTuple):
    """A place for questions.

    Attributes:
        span: the statement or expression that they are about.
        form: whether they stand before a statement, on its line or on one of their own, before an expression, behind an
            import, or whether the expression is its own question.
        lead: the indent of a compound statement; what is to be imported besides.
    """

    span: Span
    form: Literal["simple", "compound", "operand", "import", "itself"]
    lead: str = ""

    def wrap(self, questions: str) -> Wrap:
        """Questions, which are the items of a tuple, at their place."""
        start, end, after = _FORMS[self.form]
        if self.form == "import":  # a complaint about it ends here, so this is no text aside
            return Wrap(Span(self.span.end, self.span.end), f"{start}{self.lead}({questions}{end}")
        if self.before_statement:
            text = f"{start}{questions}{end}{self.lead}"
            return Wrap(Span(self.span.start, self.span.start), text, aside=True)
        return Wrap(self.span, f"{start}{questions}{end}", after, aside=self.form == "operand")

    @property
    def before_statement(self) -> bool:
        """Whether it is a statement that the questions stand before."""
        return self.form in {"simple", "compound"}

    @property
    def offset(self) -> int:
        """Column of the questions in the text that is put in."""
        start, *_ = _FORMS[self.form]
        return len(start) + (len(self.lead) + 1 if self.form == "import" else 0)

    def order(self) -> tuple[int, ...]:
        """By place, the larger first of two that begin together."""
        (line, column), (last, end) = self.span.start, self.span.end
        return line, column, -last, -end


def hosts_of(uses: Uses) -> list[Host | None]:
    """The host of each use; of those that stand nowhere in particular, None."""
    bound = [uses.span(node) for node in uses.syntax.of(ast.NamedExpr)]
    spans = [use.span for use in uses.all]
    found = _innermost(_hosts(uses), [*spans, *bound])
    torn = set(found[len(spans) :])  # a name is bound on the way: what comes behind it means something else
    return [Host(span, "operand") if host in torn else host for span, host in zip(spans, found, strict=False)]


def _innermost(hosts: list[Host], spans: Sequence[Span]) -> list[Host | None]:
    """For each span the smallest host that holds it."""
    hosts.sort(key=Host.order)
    found: list[Host | None] = [None] * len(spans)
    around: list[Host] = []
    last = 0
    for number in sorted(range(len(spans)), key=lambda number: spans[number].start):
        span = spans[number]
        while last < len(hosts) and hosts[last].span.start <= span.start:
            around.append(hosts[last])
            last += 1
        around = [host for host in around if span.start < host.span.end]
        found[number] = next((host for host in reversed(around) if span.end <= host.span.end), None)
    return found


def _hosts(uses: Uses) -> list[Host]:
    operands = (Host(uses.span(node), "operand") for node in _operands(uses))
    return [*(_statement(node, uses) for node in uses.syntax.statements), *operands]


def _statement(node: ast.stmt, uses: Uses) -> Host:
    span = uses.span(node)
    if not isinstance(node, _COMPOUND):
        return Host(span, "simple")
    (line, column), decorators = span.start, getattr(node, "decorator_list", ())
    start = (min([line, *(item.lineno for item in decorators)]), column)
    return Host(Span(start, span.end), "compound", uses.text(Span((start[0], 0), start)))


def _operands(uses: Uses) -> Iterator[ast.expr]:
    """Expressions that are not evaluated first, or not always, or more than once."""
    of = uses.syntax.of
    for either in of(ast.BoolOp):
        yield from either.values[1:]
    for choice in of(ast.IfExp):
        yield from (choice.body, choice.orelse)
    yield from (function.body for function in of(ast.Lambda))
    for made in (*of(ast.ListComp, ast.SetComp), *of(ast.GeneratorExp)):
        yield from _comprehended(made.generators, made.elt)
    for table in of(ast.DictComp):
        yield from _comprehended(table.generators, table.key, table.value)
    for block in of(ast.With, ast.AsyncWith):
        yield from (item.context_expr for item in block.items[1:])
    yield from _tests(uses)


def _comprehended(generators: Sequence[ast.comprehension], *results: ast.expr) -> Iterable[ast.expr]:
    first, *others = generators
    return chain(results, first.ifs, *([other.iter, *other.ifs] for other in others))


def _tests(uses: Uses) -> Iterator[ast.expr]:
    """What decides whether and how often statements run, but for an `if`, and the text of an assertion."""
    of = uses.syntax.of
    yield from (loop.test for loop in of(ast.While))
    yield from (other.test for other in of(ast.If) if _is_elif(uses.span(other), uses))
    yield from (claim.msg for claim in of(ast.Assert) if claim.msg is not None)
    yield from (handler.type for handler in of(ast.ExceptHandler) if handler.type is not None)
    yield from (case.guard for case in of(ast.match_case) if case.guard is not None)


def _is_elif(span: Span, uses: Uses) -> bool:
    line, column = span.start
    return uses.text(Span(span.start, (line, column + len("elif")))) == "elif"
