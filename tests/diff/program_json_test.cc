#include "diff/program_json.h"

#include <gtest/gtest.h>

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using x86::OperationKind;

constexpr const char* machine =
    R"("maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000","cr4":"0x20",)"
    R"("efer":"0xd01","pkru":"0x0","mem":{"0x1000":"0x2067"})";

std::string program(const std::string& rest) {
  return std::string("{") + machine + "," + rest + "}";
}

std::string error_of(const std::string& text) {
  try {
    parse_program(text);
  } catch (const FormError& e) {
    return e.what();
  }
  return "";
}

TEST(ProgramJson, ReadsEveryStep) {
  const Program p = parse_program(program(R"("cpus":"0x2","steps":[
    {"cpu":1,"step":"write","address":"0x1008","value":"0x3067"},
    {"step":"access","access":"write","va":"0x1234","cpl":3,"ac":true,"stack":true},
    {"step":"access","access":"fetch","va":"0x1000","cpl":0,"implicit":true},
    {"step":"invlpg","va":"0x7000"},
    {"step":"invpcid","type":0,"pcid":"0x5","va":"0x8000"},
    {"step":"invpcid","type":2},
    {"step":"mov_cr3","value":"0x8000000000002001"},
    {"step":"mov_cr4","value":"0xa0"},
    {"step":"mov_cr0","value":"0x80000033"},
    {"step":"wrmsr_efer","value":"0x501"},
    {"step":"wrpkru","value":"0xc"},
    {"cpu":"0X1","step":"wrmsr_pkrs","value":3}])"));
  EXPECT_EQ(p.cpus, 2U);
  EXPECT_EQ(p.machine.cpu.maxphyaddr, 46U);
  EXPECT_EQ(p.machine.registers.cr3, 0x1000U);
  EXPECT_EQ(p.machine.memory.read(0x1000), 0x2067U);
  ASSERT_EQ(p.steps.size(), 12U);
  EXPECT_EQ(p.steps[0].cpu, 1U);
  EXPECT_EQ(std::get<TableWrite>(p.steps[0].action).address, 0x1008U);
  EXPECT_EQ(std::get<TableWrite>(p.steps[0].action).value, 0x3067U);
  const Access& write = std::get<Access>(p.steps[1].action);
  EXPECT_EQ(p.steps[1].cpu, 0U);
  EXPECT_TRUE(write.write && write.cpl3 && write.ac && write.stack && !write.fetch);
  EXPECT_EQ(write.va, 0x1234U);
  const Access& fetch = std::get<Access>(p.steps[2].action);
  EXPECT_TRUE(fetch.fetch && fetch.implicit && !fetch.cpl3 && !fetch.ac && !fetch.stack);

  struct Row {
    OperationKind kind;
    Word value, address, descriptor;
  };
  const Row rows[] = {
      {OperationKind::invlpg, 0, 0x7000, 0},    {OperationKind::invpcid, 0, 0x8000, 5},
      {OperationKind::invpcid, 2, 0, 0},        {OperationKind::mov_cr3, 0x8000000000002001, 0, 0},
      {OperationKind::mov_cr4, 0xa0, 0, 0},     {OperationKind::mov_cr0, 0x80000033, 0, 0},
      {OperationKind::wrmsr_efer, 0x501, 0, 0}, {OperationKind::wrpkru, 0xc, 0, 0},
      {OperationKind::wrmsr_pkrs, 3, 0, 0}};
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const auto& op = std::get<Operation>(p.steps[i + 3].action);
    EXPECT_EQ(op.kind, rows[i].kind) << i;
    EXPECT_EQ(op.value, rows[i].value) << i;
    EXPECT_EQ(op.address, rows[i].address) << i;
    EXPECT_EQ(op.descriptor, rows[i].descriptor) << i;
  }
  EXPECT_EQ(p.steps[11].cpu, 1U);
}

TEST(ProgramJson, WritesWhatItReads) {
  const auto text = program(
      R"("cpus":3,"steps":[{"cpu":2,"step":"write","address":"0x1008","value":"0x3067"},)"
      R"({"step":"access","access":"write","va":"0x1234","cpl":3,"stack":true},)"
      R"({"step":"access","access":"read","va":"0x1234","cpl":0},)"
      R"({"step":"invlpg","va":"0x7000"},{"step":"invpcid","type":1,"pcid":"0x5"},)"
      R"({"step":"invpcid","type":0,"pcid":"0x0","va":"0x0"},{"step":"invpcid","type":"0x9"},)"
      R"({"step":"invpcid","type":2,"pcid":"0x5"},)"
      R"({"step":"mov_cr3","value":"0x2001"},{"step":"wrmsr_pkrs","value":"0x3"}])");
  EXPECT_EQ(to_json(parse_program(text)).dump(), ordered_json::parse(text).dump());
}

TEST(ProgramJson, SaysWhatIsWrong) {
  struct Row {
    std::string text, error;
  };
  const std::string words = R"(a number below 2^64, as a hex string such as "0x1f")";
  const Row rows[] = {
      {"[]", "expected an object"},
      {program(R"("steps":[],"cpl":3)"), R"(unknown field "cpl")"},
      {program(R"("steps":[],"id":3)"), R"(unknown field "id")"},
      {program(R"("steps":[],"cr3":0)"), "cr3: given twice"},
      {program(R"("cpus":2)"), "steps: missing"},
      {program(R"("steps":{})"), "steps: expected an array of at most 4096 steps"},
      {program(R"("steps":[],"cpus":0)"), "cpus: expected an integer 1 to 64"},
      {program(R"("steps":[],"cpus":65)"), "cpus: expected an integer 1 to 64"},
      {program(R"("steps":[3])"), "steps[0]: expected an object"},
      {program(R"("steps":[{"va":"0x1"}])"), "steps[0].step: missing"},
      {program(R"("steps":[{"step":"invlpg"}])"), "steps[0].va: missing"},
      {program(R"("steps":[{"step":"invlpg","va":-1}])"), "steps[0].va: expected " + words},
      {program(R"("steps":[{"step":"invlpg","va":0,"pcid":0}])"),
       R"(steps[0]: unknown field "pcid")"},
      {program(R"("steps":[{"step":"invlpg","va":0,"va":0}])"), "va: given twice"},
      {program(R"("steps":[{"step":"invpcid","type":0,"pcid":0}])"), "steps[0].va: missing"},
      {program(R"("steps":[{"step":"invpcid","type":1,"va":0}])"), "steps[0].pcid: missing"},
      {program(R"("steps":[{"step":"write","address":"0x4","value":0}])"),
       R"(steps[0].address: expected an 8-byte aligned physical address such as "0x1f8")"},
      {program(R"("steps":[{"step":"access","access":"jump","va":0,"cpl":3}])"),
       R"(steps[0].access: expected "read", "write" or "fetch")"},
      {program(R"("steps":[{"step":"access","access":"read","va":0}])"), "steps[0].cpl: missing"},
      {program(R"("steps":[{"cpu":1,"step":"invlpg","va":0}])"),
       "steps[0].cpu: expected an integer 0 to 0"},
      {program(R"("steps":[{"step":"mov_cr9","value":0}])"),
       R"(steps[0].step: expected "write", "access", "invlpg", "invpcid", "mov_cr0", "mov_cr3", )"
       R"("mov_cr4", "wrmsr_efer", "wrpkru" or "wrmsr_pkrs")"},
      {R"({"steps":[]})", "maxphyaddr: missing"},
      {program(R"("steps":[[[[[[[[[[]]]]]]]]]])"), "expected at most 8 levels of nesting"},
      {program(R"("steps":[],"cpus":1e999)"), "a number beyond the range of a double"},
  };
  for (const Row& row : rows) EXPECT_EQ(error_of(row.text), row.error) << row.text;
  EXPECT_EQ(error_of(program(R"("steps":[tru])")).substr(0, 7), "column ");
  EXPECT_EQ(error_of(std::string("{\0}", 3)), "a NUL byte where JSON text was expected");
}

TEST(ProgramJson, NoMoreStepsThanItsLimit) {
  ordered_json document = ordered_json::parse(program(R"("steps":[])"));
  const ordered_json step = {{"step", "invpcid"}, {"type", 2}};
  for (std::size_t i = 0; i < max_steps; ++i) document["steps"].push_back(step);
  EXPECT_EQ(parse_program(document.dump()).steps.size(), max_steps);
  document["steps"].push_back(step);
  EXPECT_NE(error_of(document.dump()), "");
}

}  // namespace
}  // namespace mmuref::diff
