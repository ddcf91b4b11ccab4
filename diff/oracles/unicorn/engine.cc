#include "diff/oracles/unicorn/engine.h"

#include <unicorn/unicorn.h>

#include <cstring>
#include <stdexcept>

#include "diff/oracles/unicorn/unicorn_oracle.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {

namespace {

constexpr std::uint32_t efer_msr = 0xc000'0080;
constexpr Word selector_under_test = 8;  // index 1, GDT, RPL 0
constexpr int breakpoint_vector = 3, invalid_opcode_vector = 6, general_protection_vector = 13;

void check(uc_err error, const char* what) {
  if (error != UC_ERR_OK) {
    throw std::runtime_error(std::string("unicorn: ") + what + ": " + uc_strerror(error));
  }
}

Word page_number(Word address) {
  return address >> x86::page_shift;
}

guest::Code code_for(const Access& access, unsigned bytes) {
  using guest::Code;
  if (access.implicit) return Code::descriptor;
  if (access.stack) {
    if (access.write) return bytes == 8 ? Code::stack_write_8 : Code::stack_write_1;
    return bytes == 8 ? Code::stack_read_8 : Code::stack_read_1;
  }
  if (access.write) return bytes == 8 ? Code::write_8 : Code::write_1;
  return bytes == 8 ? Code::read_8 : Code::read_1;
}

guest::Code code_for(const Operation& op) {
  using guest::Code;
  switch (op.kind) {
    case x86::OperationKind::mov_cr0: return Code::mov_cr0;
    case x86::OperationKind::mov_cr3: return Code::mov_cr3;
    case x86::OperationKind::mov_cr4: return Code::mov_cr4;
    case x86::OperationKind::wrmsr_efer: return Code::wrmsr;
    case x86::OperationKind::wrpkru: return Code::set_pkru;
    case x86::OperationKind::invlpg: return Code::invlpg;
    case x86::OperationKind::wrmsr_pkrs:
    case x86::OperationKind::invpcid: break;
  }
  throw std::invalid_argument("unicorn: an instruction that it does not have");
}

x86::Outcome outcome_of(int vector) {
  using x86::Outcome;
  for (const Outcome outcome :
       {Outcome::page_fault, Outcome::general_protection, Outcome::stack_fault}) {
    if (vector == x86::vector(outcome)) return outcome;
  }
  throw std::runtime_error("unicorn: unexpected exception " + std::to_string(vector));
}

}  // namespace

/// What the engine calls. None may throw: the frames below are C.
struct Hooks {
  /// The window's first instruction was reached: from here on the machine's tables hold. MOV CR3
  /// drops every cached translation, and the rest of the block needs none of its own.
  static void block(uc_engine*, std::uint64_t, std::uint32_t, void* user) {
    auto& engine = *static_cast<Engine*>(user);
    if (engine.tested_ && !engine.resident_)
      engine.write_register(UC_X86_REG_CR3, engine.registers_.cr3);
  }

  static void interrupt(uc_engine* uc, std::uint32_t vector, void* user) {
    auto& engine = *static_cast<Engine*>(user);
    engine.stop_.vector = static_cast<int>(vector);
    if (engine.stop_.vector != breakpoint_vector) {
      // Later is too late: the engine may look up an address of its own when it stops.
      engine.stop_.cr2 = engine.read_register(UC_X86_REG_CR2);
      engine.stop_.error_code = engine.read_error_code();
    } else if (engine.access_ && engine.access_->fetch) {
      engine.locate_fetch();
    }
    uc_emu_stop(uc);
  }

  static void data(uc_engine*, uc_mem_type type, std::uint64_t address, int, std::int64_t,
                   void* user) {
    auto& engine = *static_cast<Engine*>(user);
    if (!engine.tested_) return;
    if (type == UC_MEM_WRITE) {
      engine.probe_.before_store(address);
    } else if (engine.access_->implicit) {
      engine.probe_.before_descriptor(address);
    } else {
      engine.probe_.before_load(address);
    }
  }

  /// Guest memory is mapped not executable so that each fetch is announced here before the engine
  /// decodes it; `true` lets it go on.
  static bool fetch(uc_engine*, uc_mem_type, std::uint64_t address, int, std::int64_t, void* user) {
    auto& engine = *static_cast<Engine*>(user);
    if (engine.access_ && engine.access_->fetch) engine.probe_.before_fetch(address);
    return true;
  }
};

void Engine::CloseEngine::operator()(uc_struct* engine) const {
  uc_close(engine);
}
void Engine::FreeContext::operator()(uc_context* context) const {
  uc_context_free(context);
}

Engine::Engine(PhysicalMemory& memory, Word page) : memory_(memory), page_(page), probe_(memory) {
  open();
  write_own_page();
  enter_long_mode();
  make_pristine_contexts();
  find_error_code();
}

std::string Engine::version() {
  unsigned major = 0, minor = 0;
  const unsigned all = uc_version(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor) + "." +
         std::to_string((all >> 8) & 0xff);
}

void Engine::open() {
  unsigned major = 0, minor = 0;
  uc_version(&major, &minor);
  if (major < 2 || (major == 2 && minor < 1)) {
    throw std::runtime_error("unicorn " + version() +
                             " is refused: before 2.1 its x86 MMU discards the translated address");
  }
  uc_engine* engine = nullptr;
  check(uc_open(UC_ARCH_X86, UC_MODE_64, &engine), "open");
  engine_.reset(engine);
  // The one model with SMEP, SMAP, PKU and LA57 together.
  check(uc_ctl_set_cpu_model(engine, UC_CPU_X86_ICELAKE_SERVER), "choose the CPU model");
  // No address stops the engine, not even 0.
  check(uc_ctl_exits_enable(engine), "enable exits");
  check(uc_mem_map_ptr(engine, 0, memory_.size(), UC_PROT_READ | UC_PROT_WRITE, memory_.at(0)),
        "map physical memory");

  uc_hook hook = 0;
  const auto everywhere = [&](int type, auto* callback) {
    check(
        uc_hook_add(engine, &hook, type, reinterpret_cast<void*>(callback), this, Word{1}, Word{0}),
        "add a hook");
  };
  everywhere(UC_HOOK_INTR, &Hooks::interrupt);
  everywhere(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, &Hooks::data);
  everywhere(UC_HOOK_MEM_FETCH_PROT, &Hooks::fetch);
  for (const bool user : {false, true}) {
    for (const bool second : {false, true}) {
      const Word first = guest::linear(page_, 0, {user, second});
      check(uc_hook_add(engine, &hook, UC_HOOK_BLOCK, reinterpret_cast<void*>(&Hooks::block), this,
                        first, first + guest::page_size - 1),
            "add a hook");
    }
  }
}

void Engine::write_own_page() {
  const auto contents = guest::contents(page_);
  std::memcpy(memory_.at(page_), contents.data(), contents.size());
}

void Engine::enter_long_mode() {
  using namespace x86;
  uc_x86_msr msr{efer_msr, efer::LME | efer::NXE};
  check(uc_reg_write(engine_.get(), UC_X86_REG_MSR, &msr), "write EFER");
  write_register(UC_X86_REG_CR3, page_);
  write_register(UC_X86_REG_CR4, cr4::PAE);
  write_register(UC_X86_REG_CR0, cr0::PE | cr0::WP | cr0::PG);
}

void Engine::make_pristine_contexts() {
  for (Context& context : pristine_) context = new_context();
  for (auto& by_ac : ready_) {
    for (ReadyContext& ready : by_ac) ready.context = new_context();
  }
  fault_ = new_context();
  save(pristine_[0].get());

  point_at_own_descriptors();
  start(guest::linear(page_, guest::offset_of(guest::Code::enter_user), {}));
  if (stop_.vector != breakpoint_vector || (read_register(UC_X86_REG_CS) & 3) != 3) {
    throw std::runtime_error("unicorn: IRETQ did not reach CPL 3");
  }
  save(pristine_[1].get());
}

/// What IRETQ to CPL 3 needs.
void Engine::point_at_own_descriptors() {
  uc_x86_mmr gdt{};
  gdt.base = guest::linear(page_, guest::gdt_offset, {});
  gdt.limit = guest::gdt_size - 1;
  check(uc_reg_write(engine_.get(), UC_X86_REG_GDTR, &gdt), "write GDTR");
  write_register(UC_X86_REG_RSP, guest::linear(page_, guest::frame_offset, {}));
}

Engine::Context Engine::new_context() const {
  uc_context* context = nullptr;
  check(uc_context_alloc(engine_.get(), &context), "allocate a context");
  return Context(context);
}

void Engine::save(uc_context* context) const {
  uc_context_save(engine_.get(), context);
}

void Engine::restore(uc_context* context) {
  uc_context_restore(engine_.get(), context);
}

void Engine::write_register(int id, Word value) {
  uc_reg_write(engine_.get(), id, &value);
}

Word Engine::read_register(int id) const {
  Word value = 0;
  uc_reg_read(engine_.get(), id, &value);
  return value;
}

/// Of the exception under way; 0 before its place is known.
Word Engine::read_error_code() {
  save(fault_.get());
  std::uint32_t error_code = 0;
  if (error_code_at_) {
    const auto* const bytes = reinterpret_cast<const char*>(fault_.get());
    std::memcpy(&error_code, bytes + *error_code_at_, sizeof error_code);
  }
  return error_code;
}

void Engine::set_registers(const Registers& registers) {
  registers_ = registers;
  resident_ = false;
  for (auto& by_ac : ready_) {
    for (ReadyContext& ready : by_ac) ready.current = false;
  }
}

/// The state an access starts from: the machine's registers but for CR3, which names the engine's
/// own tables until the first instruction runs.
uc_context* Engine::ready(bool cpl3, bool ac) {
  if (resident_) return resident(cpl3, ac);
  ReadyContext& ready = ready_[cpl3][ac];
  if (ready.current) return ready.context.get();
  restore(pristine_[cpl3].get());
  uc_x86_msr msr{efer_msr, registers_.efer};
  uc_reg_write(engine_.get(), UC_X86_REG_MSR, &msr);
  write_register(UC_X86_REG_CR4, registers_.cr4);
  write_register(UC_X86_REG_CR0, registers_.cr0);
  // PKRU has no name in the API: the guest writes it. The instruction does not exist without
  // CR4.PKE, which a program may set later.
  if (has(registers_.cr4, x86::cr4::PKE) || registers_.pkru != 0) {
    write_register(UC_X86_REG_CR4, registers_.cr4 | x86::cr4::PKE);
    write_register(UC_X86_REG_RAX, registers_.pkru & 0xffff'ffff);
    write_register(UC_X86_REG_RCX, 0);
    write_register(UC_X86_REG_RDX, 0);
    start(window(guest::Code::set_pkru, cpl3));
    if (stop_.vector != breakpoint_vector) throw std::runtime_error("unicorn: WRPKRU failed");
    write_register(UC_X86_REG_CR4, registers_.cr4);
  }
  write_register(UC_X86_REG_EFLAGS, bit(1) | (ac ? x86::rflags::AC : 0));
  save(ready.context.get());
  ready.current = true;
  return ready.context.get();
}

/// The same with the machine's CR3 loaded. Made from the one at CPL 0 by what drops no cached
/// translation: the guest goes to CPL 3 itself.
uc_context* Engine::resident(bool cpl3, bool ac) {
  ReadyContext& ready = ready_[cpl3][ac];
  if (ready.current) return ready.context.get();
  restore(ready_[0][0].context.get());
  if (cpl3) {
    start(window(guest::Code::enter_user, false));
    if (stop_.vector != breakpoint_vector || (read_register(UC_X86_REG_CS) & 3) != 3) {
      throw std::runtime_error("unicorn: IRETQ did not reach CPL 3 through the program's tables");
    }
  }
  write_register(UC_X86_REG_EFLAGS, bit(1) | (ac ? x86::rflags::AC : 0));
  save(ready.context.get());
  ready.current = true;
  return ready.context.get();
}

void Engine::enter(const Registers& registers) {
  const auto begin = std::chrono::steady_clock::now();
  set_registers(registers);
  tested_ = false;
  access_ = nullptr;
  restore(ready(false, false));
  point_at_own_descriptors();
  // Each drops all translations, and the engine chooses its TLB's size anew by how many of them were
  // in use. A program that used most of it can leave a larger one: units begin with a new engine.
  for (int times = 0; times < 4; ++times) write_register(UC_X86_REG_CR3, registers.cr3);
  save(ready_[0][0].context.get());
  resident_ = true;
  inside_ += std::chrono::steady_clock::now() - begin;
}

void Engine::store(Word address, Word value) {
  const auto begin = std::chrono::steady_clock::now();
  restore(ready(false, false));
  write_register(UC_X86_REG_RCX, guest::linear_table(address));
  write_register(UC_X86_REG_RAX, value);
  start(window(guest::Code::write_8, false));
  if (stop_.vector != breakpoint_vector) {
    throw std::runtime_error("unicorn: a table cannot be written through the program's tables");
  }
  inside_ += std::chrono::steady_clock::now() - begin;
}

x86::Exception Engine::execute(const Operation& op) {
  const auto begin = std::chrono::steady_clock::now();
  restore(ready(false, false));
  write_register(UC_X86_REG_RAX, op.value);
  write_register(UC_X86_REG_RCX, 0);
  write_register(UC_X86_REG_RDX, 0);
  if (op.kind == x86::OperationKind::wrmsr_efer) {
    write_register(UC_X86_REG_RCX, efer_msr);
    write_register(UC_X86_REG_RDX, op.value >> 32);
  }
  if (op.kind == x86::OperationKind::invlpg) write_register(UC_X86_REG_RCX, op.address);
  start(window(code_for(op), false));
  inside_ += std::chrono::steady_clock::now() - begin;
  switch (stop_.vector) {
    case invalid_opcode_vector: return x86::Exception::invalid_opcode;
    case general_protection_vector: return x86::Exception::general_protection;
    case breakpoint_vector: break;
    default:
      throw std::runtime_error("unicorn: unexpected exception " + std::to_string(stop_.vector) +
                               " in a program's instruction");
  }
  // INVLPG changes no register, and the other states stay what they are.
  if (op.kind == x86::OperationKind::invlpg) return x86::Exception::none;
  for (auto& by_ac : ready_) {
    for (ReadyContext& ready : by_ac) ready.current = false;
  }
  save(ready_[0][0].context.get());
  ready_[0][0].current = true;
  return x86::Exception::none;
}

/// Where to start `code`. Restoring a context drops no cached translation: a window that shares its
/// page with the access before would be fetched through that one's translation.
Word Engine::window(guest::Code code, bool user) const {
  const Word first = guest::linear(page_, guest::offset_of(code), {.user = user});
  if (resident_ || page_number(first) != page_number(last_va_)) return first;
  return guest::linear(page_, guest::offset_of(code), {.user = user, .second = true});
}

/// Runs the guest from `rip` until its first exception or breakpoint.
void Engine::start(Word rip) {
  stop_ = {};
  const uc_err error = uc_emu_start(engine_.get(), rip, 0, 0, 0);
  // #UD alone is not announced.
  if (error == UC_ERR_INSN_INVALID) stop_.vector = invalid_opcode_vector;
  if (stop_.vector < 0) {
    throw std::runtime_error(std::string("unicorn: stopped without an exception: ") +
                             uc_strerror(error));
  }
}

Observation Engine::access(const Access& access) {
  const auto begin = std::chrono::steady_clock::now();
  const unsigned bytes = access.implicit || access.va % 8 == 0 ? 8 : 1;
  // Not left over from an access that was given up.
  tested_ = false;
  access_ = nullptr;
  restore(ready(access.cpl3, access.ac));
  probe_.arm(bytes);
  access_ = &access;
  located_ = false;
  run(access, bytes);
  access_ = nullptr;
  tested_ = false;
  const Observation seen = judge(access);
  probe_.restore();
  inside_ += std::chrono::steady_clock::now() - begin;
  return seen;
}

void Engine::run(const Access& access, unsigned bytes) {
  if (access.fetch) {
    last_va_ = access.va;
    if (!resident_) write_register(UC_X86_REG_CR3, registers_.cr3);
    return start(access.va);
  }
  write_register(access.stack ? UC_X86_REG_RSP : UC_X86_REG_RCX, access.va);
  write_register(UC_X86_REG_RAX, probe_.value());
  if (access.implicit) {
    uc_x86_mmr gdt{};
    gdt.base = access.va - selector_under_test;
    gdt.limit = 0xffff;
    uc_reg_write(engine_.get(), UC_X86_REG_GDTR, &gdt);
    write_register(UC_X86_REG_RCX, selector_under_test);
  }
  const Word rip = window(code_for(access, bytes), access.cpl3);
  last_va_ = access.va;
  tested_ = true;
  start(rip);
}

/// In the breakpoint of a fetch that translated, while its translation is still cached.
void Engine::locate_fetch() {
  probe_.restore();
  probe_.arm(probe_.bytes());
  Word hint = 0;
  if (uc_vmem_translate(engine_.get(), access_->va, UC_PROT_EXEC, &hint) != UC_ERR_OK) return;
  probe_.before_load(hint);
  Word data = 0;
  if (uc_vmem_read(engine_.get(), access_->va, UC_PROT_EXEC, &data, probe_.bytes()) != UC_ERR_OK) {
    return;
  }
  located_ = probe_.loaded(data);
}

Observation Engine::judge(const Access& access) {
  Observation seen;
  if (stop_.vector != breakpoint_vector) {
    seen.outcome = outcome_of(stop_.vector);
    seen.error_code = stop_.error_code;
    if (seen.outcome == x86::Outcome::page_fault) seen.cr2 = stop_.cr2;
    return seen;
  }
  if (access.write) {
    located_ = probe_.stored();
  } else if (access.implicit) {
    located_ = probe_.described(read_register(UC_X86_REG_RAX));
  } else if (!access.fetch) {
    located_ = probe_.loaded(read_register(UC_X86_REG_RAX));
  }
  seen.located = located_;
  if (located_) seen.physical_address = probe_.hint();
  return seen;
}

}  // namespace mmuref::diff
