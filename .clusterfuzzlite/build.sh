#!/usr/bin/env bash
# Builds every fuzz target as OSS-Fuzz and ClusterFuzzLite ask for it: with $CC, $CXX, $CFLAGS and
# $CXXFLAGS, linked with $LIB_FUZZING_ENGINE, into $OUT, with seeds and dictionary beside each.
# What is in $OUT needs nothing else at run time but the C library, and the C++ library of $CXX.
# FUZZ_TARGETS="walk_vs_spec …" builds these alone. Nothing is downloaded.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
for name in CC CXX LIB_FUZZING_ENGINE OUT; do
  if [ -z "${!name:-}" ]; then
    echo "build.sh: expected \$$name, as OSS-Fuzz sets it" >&2
    exit 2
  fi
done
read -ra targets <<<"${FUZZ_TARGETS:-$(cd fuzz/corpus && echo *)}"
work=${WORK:-$(mktemp -d)}

cmake -G Ninja -S . -B "$work" -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="${CXXFLAGS:-}" \
  -DMMUREF_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$work" --target "${targets[@]/#/fuzz_}"

for target in "${targets[@]}"; do
  cp "$work/fuzz/fuzz_$target" "$OUT/"
  mapfile -t seeds <"$work/fuzz/$target.seeds"
  # Two folders may have files of one name, so each stays a folder.
  (cd / && cmake -E tar cf "$OUT/fuzz_${target}_seed_corpus.zip" --format=zip -- "${seeds[@]}")
  if [ -f "fuzz/dictionaries/$target" ]; then
    cp "fuzz/dictionaries/$target" "$OUT/fuzz_$target.dict"
  fi
done
