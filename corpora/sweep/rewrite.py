"""Rewrites the operators of a header of the model into those of switch.h, and lists them.

The tree is clang-formatted: an operator with two operands has white space on both sides, and what
looks like one but is none (template brackets, references, pointers) has not. So tokens are enough;
only `&&`, `||`, `?:` and conditions need their operands found.
"""

import collections
import re

COMPARE = {
    # Each variant answers one of less, equal, greater otherwise.
    "<": ("Less", ["False", "LessEqual", "NotEqual"]),
    "<=": ("LessEqual", ["Equal", "Less", "True"]),
    ">": ("Greater", ["NotEqual", "GreaterEqual", "False"]),
    ">=": ("GreaterEqual", ["True", "Greater", "Equal"]),
    "==": ("Equal", ["LessEqual", "False", "GreaterEqual"]),
    "!=": ("NotEqual", ["Greater", "True", "Less"]),
}
# A pointer is only asked whether it is null.
NULL = {"==": ("Equal", ["False", "True"]), "!=": ("NotEqual", ["False", "True"])}
BITS = {
    # Each variant changes one row of the truth table: 00, 01, 10, 11.
    "&": ("And", ["Agree", "Right", "Left", "Zero"]),
    "|": ("Or", ["Ones", "Left", "Right", "Differ"]),
    "^": ("Xor", ["Nand", "AndNot", "NotAnd", "Or"]),
}
ARITHMETIC = {
    "<<": ("ShiftLeft", ["ShiftOff<mut::ShiftLeft, 1>", "ShiftOff<mut::ShiftLeft, -1>",
                         "ShiftRight"]),
    ">>": ("ShiftRight", ["ShiftOff<mut::ShiftRight, 1>", "ShiftOff<mut::ShiftRight, -1>",
                          "ShiftLeft"]),
    "+": ("Plus", ["More<mut::Plus>", "Fewer<mut::Plus>", "Minus"]),
    "-": ("Minus", ["More<mut::Minus>", "Fewer<mut::Minus>", "Plus"]),
    "*": ("Times", ["More<mut::Times>", "Fewer<mut::Times>"]),
    "/": ("Over", ["More<mut::Over>", "Fewer<mut::Over>"]),
    "%": ("Modulo", ["More<mut::Modulo>", "Fewer<mut::Modulo>"]),
}
UNARY = {
    "!": ("Negation", ["False", "True"]),
    "~": ("Complement", ["Left", "Zero", "Ones"]),
}
MASK = ["WithoutLowest", "WithoutHighest", "OneLower", "OneHigher"]
ONE_BIT = ["WithoutLowest", "OneLower", "OneHigher"]
# Variants that `./run sweep` leaves out unless told `--all`: where the others are noticed these
# nearly always are, or the operands never are such that they differ.
FAR = {"Agree", "Zero", "Ones", "Differ", "Nand", "AndNot", "NotAnd"}
FAR_OF = {"<": {"NotEqual"}, "<=": {"Equal"}, ">": {"NotEqual"}, ">=": {"Equal"},
          "==": {"LessEqual"}, "!=": {"Greater"},
          "<<": {"ShiftRight"}, ">>": {"ShiftLeft"}, "+": {"Minus"}, "-": {"Plus"},
          "&&": {"False"}, "||": {"True"}}
LOGICAL = {"&&": ("both", ["Left", "Right", "False"]), "||": ("either", ["Left", "Right", "True"])}
CONDITION = ["False", "True"]

BINARY = {**COMPARE, **BITS, **ARITHMETIC}
# The operator of the same precedence that switch.h overloads.
CARRIER = {**dict.fromkeys("*/%", "*"), **dict.fromkeys("+-", "+"),
           **dict.fromkeys(("<<", ">>"), "<<"), **dict.fromkeys(("<", "<=", ">", ">="), "<"),
           **dict.fromkeys(("==", "!="), "!="), "&": "&", "^": "^", "|": "|"}
ASSIGN = {op + "=": op for op in (*BITS, *ARITHMETIC)}

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)
      |(?P<string>"(?:[^"\\]|\\.)*"|(?<![0-9a-fA-F])'(?:[^'\\]|\\.)+')
      |(?P<number>[0-9](?:[0-9a-zA-Z.']|(?<=[eE])[+-])*)
      |(?P<name>[A-Za-z_]\w*)
      |(?P<op><<=|>>=|<=>|->\*|::|->|\+\+|--|&&|\|\||<<|>>|[-+*/%&|^<>=!]=|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)

OPEN, CLOSE = "([{", ")]}"
# Where an expression whose operands are to be found begins or ends.
DELIMITERS = {",", ";", "=", "?", ":", "return", "{", "}", *ASSIGN}

Site = collections.namedtuple("Site", "first file line column text nth original variants place")
Token = collections.namedtuple("Token", "text kind start end")


def tokens_of(source):
    found, at = [], 0
    while at < len(source):
        m = TOKEN.match(source, at)
        if m is None:
            raise ValueError(f"offset {at}: no token")
        if m.lastgroup != "skip":
            found.append(Token(m[0], m.lastgroup, m.start(), m.end()))
        at = m.end()
    return found


def constants_of(source):
    """Names of word constants, and whether each is known to be one bit."""
    found = {}
    for statement in re.findall(r"^inline constexpr std::uint64_t (.*?);", source, re.M | re.S):
        for name, value in re.findall(r"(\w+) = ((?:[^,(]|\([^)]*\))*)", statement):
            found[name] = re.fullmatch(r"bit\([^)]*\)", value.strip()) is not None
    return found


def is_far(original, variant):
    return variant in FAR or variant in FAR_OF.get(original, ())


class Header:
    """One header; `constants` are those of all headers, `first` the number of its first mutant."""

    def __init__(self, file, source, constants, first, unusable=frozenset()):
        self.file, self.source, self.constants = file, source, constants
        self.next, self.unusable, self.sites = first, unusable, []
        self.tokens = tokens_of(source)
        self.partner = self.brackets()
        self.constant = self.evaluated_by_compiler()
        self.lines = source.splitlines()
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def brackets(self):
        partner, stack = {}, []
        for i, t in enumerate(self.tokens):
            if t.text in OPEN:
                stack.append(i)
            elif t.text in CLOSE:
                partner[stack.pop()] = i
        return partner

    def spaced(self, i):
        """Whether token `i` has white space on both sides."""
        t = self.tokens[i]
        return self.source[t.start - 1].isspace() and self.source[t.end].isspace()

    def statement_end(self, i):
        while self.tokens[i].text != ";":
            i = self.partner.get(i, i) + 1
        return i

    def evaluated_by_compiler(self):
        """Tokens of constants, concepts and template parameters: nothing there runs."""
        inside, i = set(), 0
        while i < len(self.tokens):
            text, end = self.tokens[i].text, i
            if text in ("concept", "static_assert", "using", "enum"):
                end = self.statement_end(i)
            elif text == "requires":
                while self.tokens[end].text not in ("constexpr", ";", "{"):
                    end += 1
            elif text == "constexpr":
                while self.tokens[end].text not in ("(", "=", "{", ";"):
                    end += 1
                end = i if self.tokens[end].text == "(" else self.statement_end(i)
            elif text == "template" and self.tokens[i + 1].text == "<":
                depth = 0
                for end in range(i + 1, len(self.tokens)):
                    shifted = {"<": 1, ">": -1, ">>": -2}.get(self.tokens[end].text, 0)
                    depth += shifted
                    if shifted < 0 and depth <= 0:
                        break
            elif text == "case":
                while self.tokens[end].text != ":":
                    end += 1
            inside.update(range(i, end + 1) if end > i else ())
            i = end + 1
        return inside

    def site(self, i, original, variants):
        """The number of the first of the mutants of token `i`; None if they do not compile."""
        at = self.tokens[i].start
        row = next(n for n, s in enumerate(self.starts) if s > at) - 1
        column = at - self.starts[row]
        text = self.lines[row].strip()
        nth = sum(s.line == row + 1 and s.original == original for s in self.sites) + 1
        place = (self.file, row + 1, column)
        if place in self.unusable:
            self.sites.append(Site(None, self.file, row + 1, column, text, nth, original,
                                   variants, place))
            return None
        first = self.next
        self.next += len(variants)
        self.sites.append(Site(first, self.file, row + 1, column, text, nth, original, variants,
                               place))
        return first

    def rewritten(self):
        end = self.tokens[-1].end if self.tokens else 0
        out = self.emit(0, len(self.tokens)) + self.source[end:]
        # Constants of functions: else the compiler evaluates what they are set to.
        out = re.sub(r"(?m)^( +)const ((?:W|std::uint64_t|unsigned|int|bool|Bool<W>|Word) \w+"
                     r"(?: =|\{))", r"\1\2", out)
        return out.replace("#pragma once\n", '#pragma once\n#include "corpora/sweep/switch.h"\n', 1)

    # Emission. Text between tokens goes out with the token that follows it.

    def gap(self, i):
        return self.source[self.tokens[i - 1].end if i else 0:self.tokens[i].start]

    def emit(self, low, high):
        """The tokens low..high, brackets closed, split where expressions begin and end."""
        out, at = "", low
        while at < high:
            end = at
            while end < high and not self.delimits(end):
                end = self.partner.get(end, end) + 1
            if end > at:
                ends_in_question = end < high and self.tokens[end].text == "?"
                out += self.expression(at, end, ends_in_question)
            if end < high:
                if self.tokens[end].text == "{":
                    close = self.partner[end]
                    out += self.gap(end) + "{" + self.emit(end + 1, close)
                    out += self.gap(close) + "}"
                    end = close
                else:
                    out += self.one(end)
            at = end + 1
        return out

    def delimits(self, i):
        text = self.tokens[i].text
        return text in DELIMITERS and (text != "{" or self.is_block(i))

    def is_block(self, i):
        """A `{` that is no part of an expression: it follows `)`, `=` or white space."""
        return self.source[self.tokens[i].start - 1].isspace()

    def split(self, low, high, operator):
        """Where `operator` stands between low and high, outside of brackets."""
        found, i = [], low
        while i < high:
            if self.tokens[i].text == operator and self.spaced(i) and i not in self.constant:
                found.append(i)
            i = self.partner.get(i, i) + 1
        return found

    def expression(self, low, high, is_condition=False):
        for operator in ("||", "&&"):
            places = self.split(low, high, operator)
            if places:
                return self.logical(low, high, operator, places)
        if is_condition and low not in self.constant:
            return self.condition(low, high)
        return self.plain(low, high)

    def logical(self, low, high, operator, places):
        function, variants = LOGICAL[operator]
        lead = self.gap(low)
        out = self.expression(low, places[0])[len(lead):]
        for place, end in zip(places, [*places[1:], high]):
            first = self.site(place, operator, variants)
            right = self.expression(place + 1, end).strip()
            if first is None:
                out = f"{out} {operator} {right}"
            else:
                out = (f"mut::{function}<{first}>(static_cast<bool>({out}), "
                       f"[&] {{ return static_cast<bool>({right}); }})")
        return lead + out

    def condition(self, low, high):
        """The condition of if, while, ?: or select; its variants would be those of its operator if
        it has one."""
        i, decided = low, False
        while i < high:
            t = self.tokens[i]
            decided |= t.text == "!" and i == low or t.text in (*COMPARE, *BITS) and self.spaced(i)
            decided |= t.text == "is_constant_evaluated"
            i = self.partner.get(i, i) + 1
        first = None if decided else self.site(low, "condition", CONDITION)
        out, lead = self.plain(low, high), self.gap(low)
        return out if first is None else f"{lead}mut::condition<{first}>({out[len(lead):]})"

    def plain(self, low, high):
        out, i = "", low
        while i < high:
            mask = self.mask_end(i, high)
            if i in self.partner:
                close = self.partner[i]
                is_condition = (self.tokens[i].text == "(" and i > 0
                                and self.tokens[i - 1].text in ("if", "while"))
                out += self.one(i)
                if self.tokens[i - 1].text == "select" and self.tokens[i].text == "(" and \
                        self.tokens[i + 1].text not in ("bool", "const"):
                    comma = i + 1
                    while self.tokens[comma].text != ",":
                        comma = self.partner.get(comma, comma) + 1
                    out += self.expression(i + 1, comma, True) + self.emit(comma, close)
                elif is_condition and not self.splits(i + 1, close):
                    out += self.expression(i + 1, close, True)
                else:
                    out += self.emit(i + 1, close)
                out += self.one(close)
                i = close + 1
            elif mask is not None:
                out += self.mask(i, mask)
                i = mask
            else:
                out += self.one(i)
                i += 1
        return out

    def mask(self, low, high):
        """bit(…), bits(…) or the name of a constant, between low and high."""
        lead, last = self.gap(low), self.tokens[high - 1]
        one_bit = self.constants.get(last.text, self.tokens[low].text == "bit")
        first = self.site(low, "mask", ONE_BIT if one_bit else MASK)
        if last.text == ")":
            text = self.tokens[low].text + "(" + self.emit(low + 2, high - 1) + ")"
        else:
            text = self.source[self.tokens[low].start:last.end]
        if first is None:
            return lead + text
        variants = ", ".join("mut::" + v for v in (ONE_BIT if one_bit else MASK))
        return f"{lead}mut::mask<{first}, {variants}>({text})"

    def splits(self, low, high):
        i = low
        while i < high:
            if self.delimits(i):
                return True
            i = self.partner.get(i, i) + 1
        return False

    def mask_end(self, i, high):
        """Behind the mask that begins at token `i`: bit(…), bits(…), a constant with its scope."""
        if i in self.constant or self.tokens[i].kind != "name":
            return None
        before = self.tokens[i - 1] if i else self.tokens[i]
        if before.text in ("::", ".", "->"):
            return None
        if self.tokens[i].text in ("bit", "bits"):
            declared = before.kind == "name" and before.text != "return"
            return None if declared else self.partner[i + 1] + 1
        end = i
        while end + 2 < high and self.tokens[end + 1].text == "::":
            end += 2
        known = self.tokens[end].text in self.constants
        called = end + 1 < high and self.tokens[end + 1].text in ("(", "=", "{", "<")
        return end + 1 if known and not called else None

    def one(self, i):
        """Token `i`, made switchable if it is an operator."""
        t, lead = self.tokens[i], self.gap(i)
        if i in self.constant or i > 0 and self.tokens[i - 1].text == "operator":
            return lead + t.text
        if t.text in BINARY and self.spaced(i):
            rows = NULL if self.tokens[i + 1].text == "nullptr" else BINARY
            return lead + self.operator(i, t.text, rows[t.text], CARRIER[t.text])
        if t.text in ASSIGN and self.spaced(i):
            return lead + self.operator(i, t.text, BINARY[ASSIGN[t.text]], "|=")
        if t.text in UNARY and not self.source[t.end].isspace():
            name, variants = UNARY[t.text]
            first = self.site(i, t.text, variants)
            return lead + (t.text if first is None else f"{op(first, name, variants)} ->* ")
        return lead + t.text

    def operator(self, i, original, row, carrier):
        first = self.site(i, original, row[1])
        return original if first is None else f"{carrier} {op(first, *row)} {carrier}"


def op(first, name, variants):
    return f"mut::Op<{first}, mut::{name}, {', '.join('mut::' + v for v in variants)}>{{}}"
