// The rules a walk can end by, with the place in the manual that states each.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mmuref::x86 {

enum class Rule : unsigned char {
  translated,
  non_canonical,
  not_present,
  reserved_address,
  reserved_execute_disable,
  reserved_page_size,
  reserved_global,
  reserved_large_frame,
  user_supervisor,
  smap,
  smep,
  read_only,
  execute_disable,
  user_key,
  supervisor_key,
};

struct RuleText {
  Rule rule;
  std::string_view name;     ///< stable: other programs read it
  std::string_view says;     ///< the rule in a sentence
  std::string_view section;  ///< where the manual states it
};

inline constexpr std::array rule_texts{
    RuleText{Rule::translated, "translated", "the walk is valid and the access is permitted",
             "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging"},
    RuleText{Rule::non_canonical, "non-canonical",
             "the bits above the linear-address width must equal its highest bit",
             "SDM vol. 1, 3.3.7.1 Canonical Addressing"},
    RuleText{Rule::not_present, "not-present", "an entry with P=0 ends the walk",
             "SDM vol. 3, 4.7 Page-Fault Exceptions"},
    RuleText{Rule::reserved_address, "reserved-address", "bits 51:MAXPHYADDR must be 0",
             "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging"},
    RuleText{Rule::reserved_execute_disable, "reserved-execute-disable",
             "bit 63 must be 0 while EFER.NXE=0",
             "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging"},
    RuleText{Rule::reserved_page_size, "reserved-page-size",
             "bit 7 must be 0 in a PML5E or PML4E, and in a PDPTE without 1-GByte pages",
             "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging"},
    RuleText{Rule::reserved_global, "reserved-global",
             "bit 8 of a PML5E or PML4E must be zero (AMD)",
             "APM vol. 2, 5.3.3 4-Kbyte Page Translation"},
    RuleText{Rule::reserved_large_frame, "reserved-large-frame",
             "a PDPTE that maps a page has bits 29:13 zero, a PDE bits 20:13",
             "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging"},
    RuleText{Rule::user_supervisor, "user-supervisor",
             "a user-mode access needs U/S=1 in every entry",
             "SDM vol. 3, 4.6.1 Determination of Access Rights"},
    RuleText{Rule::smap, "smap",
             "with CR4.SMAP=1 supervisor mode reads and writes user-mode addresses only explicitly "
             "and with EFLAGS.AC=1",
             "SDM vol. 3, 4.6.1 Determination of Access Rights"},
    RuleText{Rule::smep, "smep",
             "with CR4.SMEP=1 supervisor mode does not fetch from user-mode addresses",
             "SDM vol. 3, 4.6.1 Determination of Access Rights"},
    RuleText{Rule::read_only, "read-only",
             "a write needs R/W=1 in every entry, unless in supervisor mode with CR0.WP=0",
             "SDM vol. 3, 4.6.1 Determination of Access Rights"},
    RuleText{Rule::execute_disable, "execute-disable", "a fetch needs XD=0 in every entry",
             "SDM vol. 3, 4.6.1 Determination of Access Rights"},
    RuleText{Rule::user_key, "user-key",
             "PKRU denies data accesses to user-mode addresses with this protection key",
             "SDM vol. 3, 4.6.2 Protection Keys"},
    RuleText{Rule::supervisor_key, "supervisor-key",
             "IA32_PKRS denies data accesses to supervisor-mode addresses with this protection key",
             "SDM vol. 3, 4.6.2 Protection Keys"},
};

constexpr const RuleText& text(Rule rule) {
  return rule_texts[static_cast<std::size_t>(rule)];
}

}  // namespace mmuref::x86
