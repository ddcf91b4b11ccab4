#include "diff/domain.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace mmuref::diff {
namespace {

struct Feature {
  std::string_view name;
  Word Registers::*where;
  Word bit;
};

constexpr std::array features{
    Feature{"CR0.WP", &Registers::cr0, x86::cr0::WP},
    Feature{"CR4.PGE", &Registers::cr4, x86::cr4::PGE},
    Feature{"CR4.LA57", &Registers::cr4, x86::cr4::LA57},
    Feature{"CR4.PCIDE", &Registers::cr4, x86::cr4::PCIDE},
    Feature{"CR4.SMEP", &Registers::cr4, x86::cr4::SMEP},
    Feature{"CR4.SMAP", &Registers::cr4, x86::cr4::SMAP},
    Feature{"CR4.PKE", &Registers::cr4, x86::cr4::PKE},
    Feature{"CR4.PKS", &Registers::cr4, x86::cr4::PKS},
    Feature{"EFER.NXE", &Registers::efer, x86::efer::NXE},
};

void exclude(Domain& domain, const std::string& reason, const std::string& what) {
  std::string& list = domain.excluded[reason];
  if (!list.empty()) list += ", ";
  list += what;
}

/// "32-39, 41-52" of ascending numbers.
std::string ranges_text(const std::vector<Word>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ", ";
    text +=
        last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return text;
}

/// Removes the processors that `oracle` does not have. Those of one kind that it refuses for one
/// reason are named together, by their widths.
void restrict_processors(Domain& domain, const AnyOracle& oracle) {
  std::map<std::pair<std::string, std::string>, std::vector<Word>> refused;  // by reason and kind
  std::vector<Processor> supported;
  for (const Processor& cpu : domain.processors) {
    const std::string reason = oracle.unsupported(cpu, domain.base, Access{});
    if (reason.empty()) {
      supported.push_back(cpu);
    } else {
      const char* const pages = cpu.page1gb ? "" : " without 1-GByte pages";
      refused[{reason, fmt::format("{}{}", cpu.amd ? "AMD" : "Intel", pages)}].push_back(
          cpu.maxphyaddr);
    }
  }
  for (const auto& [key, widths] : refused) {
    exclude(domain, key.first,
            fmt::format("{} with MAXPHYADDR {}", key.second, ranges_text(widths)));
  }
  domain.processors = supported;
}

void restrict_features(Domain& domain, const AnyOracle& oracle) {
  const Processor& cpu = domain.processors.front();
  for (const Feature& feature : features) {
    Registers with = domain.base;
    with.*feature.where |= feature.bit;
    const std::string reason = oracle.unsupported(cpu, with, Access{});
    if (reason.empty()) continue;
    domain.optional.*feature.where &= ~feature.bit;
    exclude(domain, reason, std::string(feature.name));
  }
}

}  // namespace

Domain full_domain() {
  Domain domain;
  for (Word width = x86::min_maxphyaddr; width <= x86::max_maxphyaddr; ++width) {
    for (const bool page1gb : {true, false}) {
      for (const bool amd : {false, true}) {
        domain.processors.push_back({.maxphyaddr = width, .page1gb = page1gb, .amd = amd});
      }
    }
  }
  domain.base.cr0 = x86::cr0::PE | x86::cr0::PG;
  domain.base.cr4 = x86::cr4::PAE;
  domain.base.efer = x86::efer::LME | x86::efer::LMA;
  for (const Feature& feature : features) domain.optional.*feature.where |= feature.bit;
  domain.optional.cr3 = bits(11, 0);
  domain.optional.pkru = bits(31, 0);
  domain.optional.pkrs = bits(31, 0);
  return domain;
}

Domain domain_of(const AnyOracle& oracle) {
  Domain domain = full_domain();
  restrict_processors(domain, oracle);
  if (!domain.processors.empty()) restrict_features(domain, oracle);
  return domain;
}

}  // namespace mmuref::diff
