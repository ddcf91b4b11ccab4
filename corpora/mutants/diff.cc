// The campaign a broken model is put to: prints how many accesses Unicorn answers otherwise.
#include <cstdio>

#include "diff/campaign.h"
#include "diff/oracles.h"

int main() {
  using namespace mmuref;
  const auto oracle = diff::make_oracle("unicorn");
  diff::CampaignOptions options;
  options.count = 100'000;
  const auto totals = diff::run_campaign(*oracle, diff::domain_of(*oracle), options);
  std::printf("unexplained %llu\n", static_cast<unsigned long long>(totals.unexplained));
}
