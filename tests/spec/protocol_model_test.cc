// The programs of spec/protocol and the decisions of model/linux were written apart: they agree.
#include <gtest/gtest.h>

#include "model/linux/flush_target.h"
#include "model/linux/switch_mm.h"
#include "spec/protocol/gallery.h"

namespace mmuref::spec::protocol {
namespace {

using Word = std::uint64_t;

/// Page p lies at p * 4096.
lnx::FlushInfo<Word> info(Byte page, Word generation) {
  lnx::FlushInfo<Word> f{.new_tlb_gen = generation};
  if (page == all_pages) return f;
  f.start = page * Word{4096};
  f.end = f.start + 4096;
  return f;
}

/// CPU 1 of a protocol takes an interrupt that CPU 0 sent.
class Told {
 public:
  explicit Told(const Protocol& protocol)
      : system_(protocol.system({.cpus = 2, .mms = 2, .pages = 2, .observe_one = false})),
        state_(system_.initial) {
    Cpu& sender = state_.cpus[0];
    sender.waiting = bit_of(1);
    cpu().pending = bit_of(0);
    state_.memory[at(Place::mask, 0)] = bit_of(1);
  }
  Cpu& cpu() { return state_.cpus[1]; }
  State& state() { return state_; }

  /// The tables of mm `mm` are in use under slot 0, which holds something of both pages.
  void use(Byte mm) {
    cpu().cr3 = mm;
    cpu().slots[0] = {.mm = mm, .pages = {2, 2}, .table = 1, .context = mm, .generation = 1};
    for (const Own own : {Own::loaded_mm, Own::active_mm}) cpu().own[static_cast<int>(own)] = mm;
    state_.memory[at(Place::loaded, 1)] = mm;
  }
  void send(Byte page, Byte generation) {
    Byte* payload = state_.cpus[0].payload;
    payload[static_cast<int>(Payload::mm)] = 0;
    payload[static_cast<int>(Payload::page)] = page;
    payload[static_cast<int>(Payload::generation)] = generation;
    Machine(system_, state_, 1).interrupt(0);
    while (cpu().sender != 0) {
      Machine m(system_, state_, 1);
      if (m.enabled()) {
        m.take();
      } else {
        m.drain();
      }
    }
  }
  bool keeps(int page) { return cpu().cr3 == cpu().slots[0].mm && cpu().slots[0].pages[page] != 0; }

 private:
  System system_;
  State state_;
};

void expect_same(Told& told, const lnx::LocalFlush<Word>& flush) {
  const bool leaves = flush.leaves || flush.what == lnx::Primitive::leave_mm;
  EXPECT_EQ(told.cpu().cr3 == no_mm, leaves);
  if (leaves) return;
  for (const int page : {0, 1})
    EXPECT_EQ(told.keeps(page), !lnx::drops(flush, Word{4096} * static_cast<Word>(page))) << page;
}

TEST(ProtocolAndModel, Linux46ToldOfAFlush) {
  const lnx::Kernel k = lnx::kernel(lnx::v4_6);
  for (const bool ours : {true, false})
    for (const bool lazy : {true, false})
      for (const Byte page : {Byte{0}, Byte{1}, all_pages}) {
        Told told(protocols()[0]);
        told.use(ours ? 0 : 1);
        told.cpu().own[static_cast<int>(Own::tlb_state)] = lazy ? 2 : 1;
        told.send(page, 0);
        const auto done =
            lnx::flush_tlb_func<Word>(k, {}, {.loaded = ours, .lazy = lazy}, info(page, 0), 0);
        expect_same(told, done.flush);
      }
}

TEST(ProtocolAndModel, GenerationsToldOfAFlush) {
  int flushes = 0;
  for (const auto& [protocol, version] :
       {std::pair{1, lnx::v4_20}, std::pair{2, lnx::Version{6, 12, 117}}}) {
    const lnx::Kernel k = lnx::kernel(version);
    for (const bool ours : {true, false})
      for (const bool lazy : {true, false})
        for (Byte local = 1; local <= 4; ++local)
          for (Byte sent = 2; sent <= 4; ++sent)
            for (Byte newest = std::max(sent, local); newest <= 4; ++newest)
              for (const Byte page : {Byte{0}, Byte{1}, all_pages}) {
                Told told(protocols()[static_cast<std::size_t>(protocol)]);
                told.use(ours ? 0 : 1);
                told.cpu().slots[0].generation = local;
                told.state().memory[at(Place::generation, 0)] = newest;
                told.state().memory[at(Place::lazy, 1)] = lazy ? 1 : 0;
                told.send(page, sent);
                const auto done = lnx::flush_tlb_func<Word>(
                    k, {}, {.loaded = ours, .lazy = lazy, .local_gen = local}, info(page, sent),
                    newest);
                SCOPED_TRACE(testing::Message()
                             << protocols()[static_cast<std::size_t>(protocol)].name << " ours "
                             << ours << " lazy " << lazy << " local " << int{local} << " sent "
                             << int{sent} << " newest " << int{newest});
                expect_same(told, done.flush);
                flushes += done.flush.what != lnx::Primitive::none;
                if (ours && !lazy) {
                  EXPECT_EQ(told.cpu().slots[0].generation, done.local_gen);
                }
              }
  }
  EXPECT_GT(flushes, 100);
}

/// The first slots of Linux's six, the rest taken by mms that are never asked for.
TEST(ProtocolAndModel, ASlotIsChosenAlike) {
  Code code;
  const Operand mm = of(Register::mm), newer = of(Register::newer);
  System s;
  s.asids = 3;
  s.programs.push_back(code.finish(
      {{"choose",
        [&] { code.add({.op = Op::choose_slot, .a = mm, .b = newer, .to = of(Register::asid)}); }}},
      [] {}));
  int found = 0;
  for (Byte wanted = 0; wanted < 2; ++wanted)
    for (Byte generation = 1; generation < 4; ++generation)
      for (Byte held = 0; held < 3; ++held)
        for (Byte noted = 1; noted < 4; ++noted)
          for (Byte next = 0; next < 3; ++next) {
            State state;
            Cpu& cpu = state.cpus[0];
            lnx::Asids<Word> asids{};
            for (std::size_t i = 0; i < 3; ++i) {
              cpu.slots[i] = {.context = i == held ? Byte{1} : no_mm, .generation = noted};
              asids.ctx_id[i] = cpu.slots[i].context + Word{10};
              asids.tlb_gen[i] = noted;
            }
            cpu.registers[static_cast<int>(Register::mm)] = wanted;
            cpu.registers[static_cast<int>(Register::newer)] = generation;
            cpu.own[static_cast<int>(Own::next_asid)] = next;
            asids.next = next;
            Machine(s, state, 0).take();
            const auto model =
                lnx::choose_new_asid<Word>({.pcid = true}, asids, wanted + Word{10}, generation);
            EXPECT_EQ(cpu.registers[static_cast<int>(Register::asid)], model.asid);
            EXPECT_EQ(cpu.registers[static_cast<int>(Register::flag)] != 0, model.flush);
            found += !model.flush;
          }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace mmuref::spec::protocol
