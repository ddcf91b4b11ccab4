#include "cli/command.h"
#include "spec/prover.h"
#include <fstream>
namespace mmuref::cli {

Run add_prove(CLI::App& app) {
  static std::string filter; auto* c = app.add_subcommand("prove"); c->add_option("filter", filter);
  return []() -> int { 
    spec::ProveOptions o; o.scripts=true; o.done=[](const spec::Verdict& v){ printf("%-10s %6.2fs paths %zu obl %zu %s %s\n", spec::name(v.status).data(), v.seconds, v.paths, v.obligations, v.theorem.name.data(), v.detail.c_str()); fflush(stdout);
     std::ofstream(std::string("/tmp/smt/")+std::string(v.theorem.name)+".smt2")<<v.script;};
    auto all=spec::all_theorems(); std::erase_if(all,[](auto&x){return x.name.find(filter)==std::string_view::npos;}); prove(all,o); return 0; };
}

}  // namespace mmuref::cli
