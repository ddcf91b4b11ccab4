#!/usr/bin/env python3
"""What rewrite.py makes of a header that has one operator of each kind, and of what only looks like
one."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import rewrite

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

EVERY_KIND = """
inline constexpr std::uint64_t FLAG = bit(3), FIELD = bits(5, 4) | bit(9);
template <class W, int n = (3 > 2)>
concept Readable = n > 1 && requires(W w) { w & w; };
constexpr unsigned kinds(unsigned a, const unsigned* p, std::uint64_t w, bool c) {
  const auto f = [&](unsigned&& x, int* y) { return y == nullptr ? x : x + 1; };
  if (a < 1 || a <= 2 && a > 3 || p != nullptr && *p >= 4) return f(a * 2, nullptr);
  switch (a) {
    case 1 | 2: break;
  }
  if (c) w |= FIELD << 1;
  while (!c) return static_cast<unsigned>(~w >> 2);
  return (w & FLAG) == (w ^ 1) ? a - 1 : a % 7 / 2 + select(c, 1, bit(2) != 0 ? 1 : 0);
}
"""


def header(text):
    constants = rewrite.constants_of(text)
    return rewrite.Header("every.h", text, constants, 0)


class Rewrite(unittest.TestCase):
    def kinds(self, text):
        h = header(text)
        h.rewritten()
        return [site.original for site in h.sites]

    def test_every_kind_is_found_once(self):
        self.assertEqual(
            sorted(self.kinds(EVERY_KIND)),
            sorted(["==", "+", "<", "||", "||", "<=", "&&", ">", "&&", "!=", ">=", "*", "condition",
                    "|=", "<<", "mask", "!", "~", ">>", "&", "mask", "==", "^", "-", "%", "/", "+",
                    "condition", "mask", "!="]))

    def test_mutants_are_numbered_without_gaps(self):
        h = header(EVERY_KIND)
        h.rewritten()
        numbers = [site.first + k for site in h.sites for k in range(len(site.variants))]
        self.assertEqual(sorted(numbers), list(range(h.next)))

    def test_what_the_compiler_evaluates_is_left_alone(self):
        for text in ("inline constexpr int a = 1 + 2;", "enum class E : int { a = 1 << 2 };",
                     "template <class T = A<(1 > 2)>>\nvoid f();", "static_assert(1 < 2);"):
            self.assertEqual(self.kinds(text + "\n"), [], text)

    def test_an_operator_that_does_not_compile_is_kept_and_listed(self):
        text = "int f(int a) { return a + 1; }\n"
        h = rewrite.Header("f.h", text, {}, 0, {("f.h", 1, 24)})
        self.assertEqual(h.rewritten(), text)
        self.assertEqual([site.first for site in h.sites], [None])

    def test_what_is_written_computes_the_same_until_told_otherwise(self):
        main = """
#include <array>
#include <cstdio>
#include "model/word.h"
using namespace mmuref;
HERE
int main() {
  const unsigned numbers[] = {3, 4, 5};
  static_assert(kinds(1, nullptr, 8, true) == 1);
  for (unsigned a = 0; a < 8; ++a)
    for (std::uint64_t w = 0; w < 16; ++w)
      std::printf("%u %u\\n", kinds(a, numbers + w % 3, w, true), kinds(a, nullptr, w, w < 8));
}
"""
        with tempfile.TemporaryDirectory() as folder:
            def output(name, text, **environment):
                path = pathlib.Path(folder) / name
                if not path.exists():
                    path.with_suffix(".cc").write_text(main.replace("HERE", text))
                    subprocess.run([sys.argv[1], "-std=c++20", "-O0", "-w", f"-I{ROOT}", "-o", path,
                                    path.with_suffix(".cc")], check=True)
                return subprocess.run([path], capture_output=True, env=environment).stdout

            h = header(EVERY_KIND)
            switchable = '#include "corpora/sweep/switch.h"\n' + h.rewritten()
            right = output("right", EVERY_KIND)
            self.assertEqual(output("switched", switchable), right)
            reached = pathlib.Path(folder) / "reached"
            output("switched", switchable, MMUREF_REACHED=str(reached))
            noticed = {n for n in range(h.next)
                       if output("switched", switchable, MMUREF_MUTANT=str(n)) != right}
            able = {n for n in range(h.next) if reached.read_bytes()[n]}
            self.assertLessEqual(noticed, able)
            self.assertGreater(len(noticed), h.next // 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
