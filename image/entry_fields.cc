#include "image/entry_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/x86/walk.h"

namespace mmuref::image {
namespace {

using namespace x86::entry;

/// Collects fields from bit 0 up.
class Builder {
 public:
  Builder(Word e, int level, bool leaf, const x86::ReservedBits<Word>& r)
      : entry_(e), level_(level), leaf_(leaf), reserved_(leaf ? r.leaf[level] : r.table[level]) {}

  void flag(unsigned n, std::string_view name, std::string_view clear, std::string_view set) {
    const bool value = has(entry_, bit(n));
    add({n, n, FieldKind::flag, name, value, std::string(value ? set : clear)});
  }
  void number(unsigned high, unsigned low, std::string_view name, std::string meaning) {
    add({high, low, FieldKind::number, name, raw(high, low), std::move(meaning)});
  }
  void address(unsigned high, unsigned low, std::string_view name, std::string meaning) {
    add({high, low, FieldKind::address, name, entry_ & bits(high, low), std::move(meaning)});
  }
  void ignored(unsigned high, unsigned low, std::string_view meaning = "ignored") {
    add({high, low, FieldKind::ignored, "", raw(high, low), std::string(meaning)});
  }
  void reserved(unsigned high, unsigned low) {
    add({high, low, FieldKind::reserved, "", raw(high, low), "reserved, 0"});
  }

  std::vector<Field> from_the_top() {
    std::reverse(fields_.begin(), fields_.end());
    return std::move(fields_);
  }

 private:
  Word raw(unsigned high, unsigned low) const { return (entry_ & bits(high, low)) >> low; }

  /// Whatever a field is for, the model decides whether its bits are reserved.
  void add(Field f) {
    if (const Word set = entry_ & bits(f.high, f.low) & reserved_) {
      f.broken = x86::reserved_rule(set, level_, leaf_);
      f.meaning = fmt::format("reserved: {}", x86::text(f.broken).says);
    }
    fields_.push_back(std::move(f));
  }

  Word entry_;
  int level_;
  bool leaf_;
  Word reserved_;
  std::vector<Field> fields_;
};

void add_low_flags(Builder& b, int level, bool leaf, const x86::Processor<Word>& cpu) {
  b.flag(0, "P", "not present", "present");
  b.flag(1, "R/W", "read-only", "writable, if every other level is");
  b.flag(2, "U/S", "supervisor-mode", "user-mode, if every other level is");
  b.flag(3, "PWT", "write-back", "write-through");
  b.flag(4, "PCD", "cached", "cache-disable");
  b.flag(5, "A", "not accessed", "accessed");
  if (leaf) {
    b.flag(6, "D", "not dirty", "dirty");
  } else {
    b.ignored(6, 6);
  }
  if (level == 1) {
    b.flag(7, "PAT", "selects PAT entries 0..3", "selects PAT entries 4..7");
  } else if (level <= x86::max_leaf_level) {
    b.flag(7, "PS", "references a table", "maps a page");
  } else {
    b.reserved(7, 7);
  }
  if (leaf) {
    b.flag(8, "G", "not global", "global, with CR4.PGE=1");
  } else if (cpu.amd && level > x86::max_leaf_level) {
    b.reserved(8, 8);
  } else {
    b.ignored(8, 8);
  }
  b.ignored(10, 9, "ignored, available to software");
  b.ignored(11, 11, "ignored, but for HLAT paging");
}

void add_address(Builder& b, int level, bool leaf, unsigned maxphyaddr) {
  unsigned low = x86::page_shift;
  if (leaf && level > 1) {
    b.flag(12, "PAT", "selects PAT entries 0..3", "selects PAT entries 4..7");
    low = x86::level_shift(level);
    b.reserved(low - 1, 13);
  }
  b.address(maxphyaddr - 1, low, leaf ? "page" : "table",
            leaf ? fmt::format("physical address of the {} page", page_name(level))
                 : fmt::format("physical address of the table of {}s", entry_name(level - 1)));
  if (maxphyaddr < x86::max_maxphyaddr) b.reserved(x86::max_maxphyaddr - 1, maxphyaddr);
}

void add_high_bits(Builder& b, Word e, bool leaf) {
  if (leaf) {
    b.ignored(58, 52, "ignored, available to software");
    b.number(62, 59, "key",
             fmt::format("protection key {}, with CR4.PKE or CR4.PKS", x86::protection_key(e)));
  } else {
    b.ignored(62, 52, "ignored, available to software");
  }
  b.flag(63, "XD", "fetches, if every other level allows", "execute-disable: no fetches");
}

std::string_view format_title(int level, Role role) {
  if (role == Role::not_present) return "Page-Fault Exceptions: P=0";
  if (role == Role::page) {
    switch (level) {
      case 3: return "Format of a Page-Directory-Pointer-Table Entry that Maps a 1-GByte Page";
      case 2: return "Format of a Page-Directory Entry that Maps a 2-MByte Page";
      default: return "Format of a Page-Table Entry that Maps a 4-KByte Page";
    }
  }
  switch (level) {
    case 5: return "Format of a PML5 Entry that References a PML4 Table";
    case 4: return "Format of a PML4 Entry that References a Page-Directory-Pointer Table";
    case 3:
      return "Format of a Page-Directory-Pointer-Table Entry that References a Page Directory";
    default: return "Format of a Page-Directory Entry that References a Page Table";
  }
}

}  // namespace

EntryFields entry_fields(Word e, int level, const x86::Processor<Word>& cpu, bool nxe) {
  EntryFields result;
  const x86::ReservedBits<Word> reserved = x86::reserved_bits(cpu, nxe);
  const bool leaf = x86::is_leaf(e, level);
  Builder b{e, level, leaf, reserved};
  if (!has(e, P)) {
    // Nothing in it matters to the processor, reserved bits included: no rule to hold it to.
    Builder free{e, level, leaf, x86::ReservedBits<Word>{}};
    free.flag(0, "P", "not present", "present");
    free.ignored(63, 1, "ignored, available to software");
    result.fields = free.from_the_top();
    result.format = format_title(level, Role::not_present);
    return result;
  }
  const auto maxphyaddr = static_cast<unsigned>(cpu.maxphyaddr);
  add_low_flags(b, level, leaf, cpu);
  add_address(b, level, leaf, maxphyaddr);
  add_high_bits(b, e, leaf);

  result.role = leaf ? Role::page : Role::table;
  result.fields = b.from_the_top();
  result.reserved = e & (leaf ? reserved.leaf[level] : reserved.table[level]);
  const unsigned low = leaf ? x86::level_shift(level) : x86::page_shift;
  result.target = e & bits(maxphyaddr - 1, low);
  result.page_size = leaf ? bit(low) : 0;
  result.pat_index = static_cast<unsigned>((e & (PWT | PCD)) >> 3);
  if (leaf && has(e, level == 1 ? PAT_4K : PAT_large)) result.pat_index += 4;
  result.format = format_title(level, result.role);
  return result;
}

std::string_view entry_name(int level) {
  constexpr std::string_view names[] = {"", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
  return names[level];
}

std::string_view page_name(int level) {
  constexpr std::string_view names[] = {"", "4-KByte", "2-MByte", "1-GByte"};
  return names[level];
}

std::string flag_letters(Word e, int level) {
  struct Letter {
    char letter;
    Word mask;
  };
  const bool leaf = x86::is_leaf(e, level), large = leaf && level > 1;
  const Letter letters[] = {{'X', XD},
                            {'G', leaf ? G : 0},
                            {'M', level == 1 ? PAT_4K : (large ? PAT_large : 0)},
                            {'L', level == 1 ? 0 : PS},
                            {'D', leaf ? D : 0},
                            {'A', A},
                            {'C', PCD},
                            {'T', PWT},
                            {'U', US},
                            {'W', RW},
                            {'P', P}};
  std::string text;
  for (const Letter& l : letters) text += has(e, l.mask) ? l.letter : '-';
  return text;
}

std::string_view reset_memory_type(unsigned pat_index) {
  constexpr std::string_view types[] = {"WB", "WT", "UC-", "UC"};
  return types[pat_index % 4];
}

}  // namespace mmuref::image
