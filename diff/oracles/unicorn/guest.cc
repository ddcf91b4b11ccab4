#include "diff/oracles/unicorn/guest.h"

#include <cstring>
#include <initializer_list>

#include "model/x86/entry.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff::guest {

namespace {

// The entries of the one table and what their index stands for.
constexpr std::size_t pml5_index = 0, pml4_index[] = {1, 2}, supervisor_pdpt_index = 3,
                      user_pdpt_index = 4, tables_pdpt_index = 5;

constexpr std::size_t code_offset = 0x400, code_stride = 16;

constexpr std::uint64_t user_code_selector = 0x0b, user_data_selector = 0x13;  // RPL 3

using Page = std::array<std::byte, page_size>;

void put(Page& page, std::size_t offset, std::initializer_list<std::uint64_t> words) {
  for (const std::uint64_t word : words) {
    std::memcpy(page.data() + offset, &word, sizeof word);
    offset += sizeof word;
  }
}

void put(Page& page, Code code, std::initializer_list<unsigned char> bytes) {
  std::size_t offset = offset_of(code);
  for (const unsigned char byte : bytes) page[offset++] = std::byte{byte};
  page[offset] = std::byte{0xcc};
}

// A and D are set beforehand: the oracle's own walks write nothing.
constexpr std::uint64_t common = x86::entry::P | x86::entry::RW | x86::entry::A;

void put_code(Page& page) {
  put(page, Code::read_8, {0x48, 0x8b, 0x01});
  put(page, Code::read_1, {0x8a, 0x01});
  put(page, Code::write_8, {0x48, 0x89, 0x01});
  put(page, Code::write_1, {0x88, 0x01});
  put(page, Code::stack_read_8, {0x48, 0x8b, 0x04, 0x24});
  put(page, Code::stack_read_1, {0x8a, 0x04, 0x24});
  put(page, Code::stack_write_8, {0x48, 0x89, 0x04, 0x24});
  put(page, Code::stack_write_1, {0x88, 0x04, 0x24});
  put(page, Code::descriptor, {0x48, 0x0f, 0x03, 0xc1});  // LSL RAX, ECX
  put(page, Code::set_pkru, {0x0f, 0x01, 0xef});          // WRPKRU
  put(page, Code::mov_cr0, {0x0f, 0x22, 0xc0});
  put(page, Code::mov_cr3, {0x0f, 0x22, 0xd8});
  put(page, Code::mov_cr4, {0x0f, 0x22, 0xe0});
  put(page, Code::wrmsr, {0x0f, 0x30});
  put(page, Code::invlpg, {0x0f, 0x01, 0x39});
  put(page, Code::enter_user, {0x48, 0xcf});  // IRETQ
  put(page, Code::stop, {});
}

}  // namespace

std::size_t offset_of(Code code) {
  return code_offset + static_cast<std::size_t>(code) * code_stride;
}

std::uint64_t linear(std::uint64_t page, std::size_t offset, Window window) {
  const std::uint64_t pml4 = pml4_index[window.second ? 1 : 0];
  const std::uint64_t pdpt = window.user ? user_pdpt_index : supervisor_pdpt_index;
  return pml4 << x86::level_shift(4) | pdpt << x86::level_shift(3) |
         (page & (bit(x86::level_shift(3)) - 1)) | offset;
}

std::uint64_t linear_table(std::uint64_t table) {
  return std::uint64_t{pml4_index[0]} << x86::level_shift(4) |
         std::uint64_t{tables_pdpt_index} << x86::level_shift(3) | table;
}

std::size_t root_index(int levels) {
  return levels == 5 ? pml5_index : pml4_index[0];
}

std::uint64_t root_entry(std::uint64_t page) {
  return page | common | x86::entry::US;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> own_entries(std::uint64_t page) {
  using namespace x86::entry;
  const std::uint64_t frame = page & ~(bit(x86::level_shift(3)) - 1);
  const auto at = [page](std::size_t index) { return page | (index << 3); };
  return {{at(pml5_index), root_entry(page)},
          {at(pml4_index[0]), root_entry(page)},
          {at(pml4_index[1]), root_entry(page)},
          {at(supervisor_pdpt_index), frame | common | D | PS},
          {at(user_pdpt_index), frame | common | D | PS | US},
          {at(tables_pdpt_index), common | D | PS}};
}

Page contents(std::uint64_t page) {
  Page bytes{};
  for (const auto& [address, value] : own_entries(page)) put(bytes, address - page, {value});
  put_code(bytes);
  // SDM vol. 3, "Segment Descriptors" (3.4.5): 64-bit code and data for CPL 3, then the IRETQ
  // frame: RIP, CS, RFLAGS, RSP, SS.
  put(bytes, gdt_offset, {0, 0x00af'fa00'0000'ffff, 0x00cf'f200'0000'ffff, 0});
  put(bytes, frame_offset,
      {linear(page, offset_of(Code::stop), {.user = true}), user_code_selector, 2, 0,
       user_data_selector});
  return bytes;
}

}  // namespace mmuref::diff::guest
