// One Unicorn engine, kept alive, that makes one access at a time.
//
// Either each access on its own, with nothing cached before it; or, between enter() and the next
// set_registers(), with the machine's CR3 loaded all the while, so that what is cached stays.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "diff/oracle.h"
#include "diff/oracles/unicorn/guest.h"
#include "diff/oracles/unicorn/probe.h"
#include "diff/program.h"

// Unicorn's own names, so that its headers stay in the .cc files.
struct uc_struct;
struct uc_context;

namespace mmuref::diff {

class Engine {
 public:
  /// `memory` is the guest's; the page at `page` becomes the engine's own. Throws
  /// std::runtime_error when this Unicorn cannot serve.
  Engine(PhysicalMemory& memory, Word page);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// "2.1.4"
  static std::string version();

  /// Takes registers over. The next access runs with them.
  void set_registers(const Registers& registers);
  /// Takes registers over and loads CR3, whose root table leads to the engine's page. Nothing is
  /// cached; from here on only what the guest executes drops anything.
  void enter(const Registers& registers);
  /// The guest executes `op` at CPL 0. Only after enter().
  x86::Exception execute(const Operation& op);
  /// The guest stores 8 bytes at a physical address below guest::mapped_tables. Only after enter().
  void store(Word address, Word value);

  /// Puts the engine's own page back into memory that was wiped.
  void write_own_page();

  Observation access(const Access& access);
  double seconds() const { return std::chrono::duration<double>(inside_).count(); }

 private:
  struct CloseEngine {
    void operator()(uc_struct* engine) const;
  };
  struct FreeContext {
    void operator()(uc_context* context) const;
  };
  using Context = std::unique_ptr<uc_context, FreeContext>;

  struct ReadyContext {
    Context context;
    bool current = false;  ///< holds the current registers
  };

  /// Why the guest stopped.
  struct Stop {
    int vector = -1;  ///< of the exception; -1 when the engine stopped otherwise
    Word cr2 = 0;
    Word error_code = 0;
  };

  friend struct Hooks;

  void open();
  void enter_long_mode();
  void make_pristine_contexts();
  void find_error_code();

  Context new_context() const;
  void save(uc_context* context) const;
  void restore(uc_context* context);
  void write_register(int id, Word value);
  Word read_register(int id) const;
  Word read_error_code();

  uc_context* ready(bool cpl3, bool ac);
  uc_context* resident(bool cpl3, bool ac);
  void point_at_own_descriptors();
  Word window(guest::Code code, bool user) const;
  void start(Word rip);
  void run(const Access& access, unsigned bytes);
  void locate_fetch();
  Observation judge(const Access& access);

  PhysicalMemory& memory_;
  Word page_;
  Probe probe_;
  std::unique_ptr<uc_struct, CloseEngine> engine_;
  Context pristine_[2];       ///< by CPL 3: before any machine's registers
  ReadyContext ready_[2][2];  ///< by CPL 3 and AC: with the machine's registers
  Context fault_;             ///< the state at the last exception
  std::optional<std::size_t> error_code_at_;
  Registers registers_;

  bool resident_ = false;  ///< CR3 stays loaded
  // Of the access under way, for the hooks.
  bool tested_ = false;  ///< the window is to hand over to the machine's CR3
  const Access* access_ = nullptr;
  bool located_ = false;
  Word last_va_ = 0;  ///< of the access before
  Stop stop_;
  std::chrono::steady_clock::duration inside_{};
};

}  // namespace mmuref::diff
