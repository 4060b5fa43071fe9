"""The grammar of label selector text: `x in (a, b), !y, z != c`.

After Lexer and Parser in staging/src/k8s.io/apimachinery/pkg/labels/selector.go, Kubernetes 1.37
development. Only syntax is judged here; keys and values are validated by whoever builds the
requirements.
"""

import re
from typing import TypeAlias

ParsedRequirement: TypeAlias = tuple[str, str, tuple[str, ...]]

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+)")
_SYMBOLS = frozenset(("==", "!=", "=", "!", "(", ")", ",", "<", ">"))
_END = ""
_BINARY_OPERATORS = {
    "in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt",
}  # fmt: skip


class SelectorError(ValueError):
    """A selector is malformed; the one-line message says what was expected."""


def parse_requirements(text: str) -> tuple[ParsedRequirement, ...]:
    """(key, operator, sorted distinct values) of each requirement in order, or SelectorError.

    Operators are upstream's: in notin = == != gt lt exists and `!` for does-not-exist.
    """
    return _Parser(text).parse()


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._position = 0

    def parse(self) -> tuple[ParsedRequirement, ...]:
        requirements = list[ParsedRequirement]()
        if self._next == _END:
            return ()
        while True:
            requirements.append(self._requirement())
            found = self._take()
            if found == _END:
                return tuple(requirements)
            if found != ",":
                raise self._error(found, "',' or the end")

    @property
    def _next(self) -> str:
        return self._tokens[self._position]

    def _take(self) -> str:
        token = self._next
        self._position += token != _END
        return token

    def _error(self, found: str, expected: str) -> SelectorError:
        shown = repr(found) if found else "the end"
        return SelectorError(f"selector {self._text!r}: expected {expected}, found {shown}")

    def _identifier(self) -> str:
        token = self._take()
        if not _is_identifier(token):
            raise self._error(token, "an identifier")
        return token

    def _requirement(self) -> ParsedRequirement:
        if self._next == "!":
            self._take()
            return self._identifier(), "!", ()
        key = self._identifier()
        if self._next in (",", _END):
            return key, "exists", ()
        operator = self._operator()
        if operator in ("in", "notin"):
            return key, operator, self._value_set()
        return key, operator, (self._exact_value(),)

    def _operator(self) -> str:
        token = self._take()
        if token not in _BINARY_OPERATORS:
            raise self._error(token, "one of " + " ".join(_BINARY_OPERATORS))
        return _BINARY_OPERATORS[token]

    def _exact_value(self) -> str:
        return "" if self._next in (",", _END) else self._identifier()

    def _value_set(self) -> tuple[str, ...]:
        """Identifiers between parentheses; an empty place between commas is the empty value."""
        if (token := self._take()) != "(":
            raise self._error(token, "'('")
        values = {self._value_or_empty()}
        while (token := self._take()) == ",":
            values.add(self._value_or_empty())
        if token != ")":
            raise self._error(token, "',' or ')'")
        return tuple(sorted(values))

    def _value_or_empty(self) -> str:
        return "" if self._next in (",", ")") else self._identifier()


def _is_identifier(token: str) -> bool:
    return token != _END and token not in _SYMBOLS


def _tokens(text: str) -> tuple[str, ...]:
    """The tokens of the text, then the empty one for its end."""
    tokens = list[str]()
    position = 0
    while found := _TOKEN.match(text, position):
        tokens.append(found[1])
        position = found.end()
    return (*tokens, _END)
