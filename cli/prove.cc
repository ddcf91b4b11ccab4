#include "cli/command.h"
#include "spec/prover.h"

namespace mmuref::cli {

Run add_prove(CLI::App& app) {
  static std::string filter; auto* c = app.add_subcommand("prove"); c->add_option("filter", filter);
  return []() -> int { 
    spec::ProveOptions o; o.done=[](const spec::Verdict& v){ printf("%-10s %6.2fs paths %zu obl %zu %s %s\n", spec::name(v.status).data(), v.seconds, v.paths, v.obligations, v.theorem.name.data(), v.detail.c_str()); fflush(stdout);
      if (v.counterexample) { printf("  claim %s replayed %d\n", v.counterexample->claim.c_str(), v.counterexample->replayed); for (auto&[n,x]:v.counterexample->inputs.words) printf("   %s=%lx\n", n.c_str(), x);  for (auto&[n,x]:v.counterexample->inputs.flags) printf("   %s=%d\n", n.c_str(), x);  for (auto&[n,m]:v.counterexample->inputs.memories) for (auto&[a,x]:m) printf("   %s[%lx]=%lx\n", n.c_str(), a,x); } };
    auto all=spec::all_theorems(); std::erase_if(all,[](auto&x){return x.name.find(filter)==std::string_view::npos;}); prove(all,o); return 0; };
}

}  // namespace mmuref::cli
