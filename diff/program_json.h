// A program and its steps as JSON: the form of `mmuref tlb eval` (docs/tlb-eval.md), of traces and
// of corpus files.
//
// A program is one object: the machine, by the fields of a request of `mmuref eval` without those
// of the access (maxphyaddr, page1gb, vendor, cr0 … pkrs, mem); and
//
//   cpus     1..64, optional (1)          steps    an array of steps
//
// A step is one object. Every field is required but those marked optional; any other is refused.
//
//   cpu      0..cpus-1, optional (0)
//   step     what is done, and with it
//            "write"       address (8-byte aligned, below 2^maxphyaddr), value: an entry is stored
//            "access"      access, va, cpl as in a request; optional ac, implicit, stack (false)
//            "invlpg"      va
//            "invpcid"     type; pcid (the descriptor's low 64 bits) for type 0 and 1, optional
//                          else (0); va for type 0, optional else (0)
//            "mov_cr0", "mov_cr3", "mov_cr4", "wrmsr_efer", "wrpkru", "wrmsr_pkrs"   value
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "diff/program.h"
#include "diff/strict_json.h"

namespace mmuref::diff {

inline constexpr std::size_t max_cpus = 64;
/// Of a program that is one document.
inline constexpr std::size_t max_steps = 4096;

/// Reads a program from a document. Throws FormError.
Program read_program(const nlohmann::json& document);
Program parse_program(std::string_view text);

/// The inverse of `read_program`. What a step does not use is not written; the model asks only
/// whether CPL is 3, any other is written as 0.
nlohmann::ordered_json to_json(const Program& program);
nlohmann::ordered_json to_json(const ProgramStep& step);

// The parts, for forms that say more: each asks `object` for its fields and leaves the others.
// All throw FormError.

/// The machine and the number of processors; the steps are empty.
Program read_program_machine(ObjectReader& object);
/// The field "cpu" of a step.
std::size_t read_cpu(ObjectReader& object, std::size_t cpus);
/// The array "steps", of at most max_steps.
const nlohmann::json& read_steps(ObjectReader& object);
/// A step of `program`, whose machine is read. `also` names steps of the form that are not read
/// here, for the error: each in quotes with ", " behind it.
ProgramStep read_step(ObjectReader& object, const Program& program, std::string_view also = {});
/// The field `name`, a physical address aligned to `alignment` that the machine has; `expected`
/// says so in the error. Throws FormError.
Word read_physical(ObjectReader& object, std::string_view name, const Program& program,
                   Word alignment, const char* expected);

/// Appends the fields of the machine, and the number of processors where it is not 1.
void append_machine(nlohmann::ordered_json& document, const Program& program);

}  // namespace mmuref::diff
