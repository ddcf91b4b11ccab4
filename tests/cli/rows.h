// The command lines that are held to tests/cli/golden/: add a row, then
//   MMUREF_UPDATE_GOLDEN=1 build/tests/cli/cli_test
// and read what it wrote before you commit it.
#pragma once

#include <ostream>
#include <string>

namespace mmuref::cli_test {

struct Row {
  std::string name;       ///< of the test and of the file in golden/
  std::string arguments;  ///< as a shell reads them; `<file` gives standard input

  friend void PrintTo(const Row& row, std::ostream* out) { *out << "mmuref " << row.arguments; }
};

// The commands run in a folder with corpora/ and the images that scratch.cc makes:
// small.img (raw; 4-level tables at 0x1000, 5-level at 0x6000), kdump.core, cut.core, empty.
#define LINUX61 "corpora/linux-6.1-kaslr-4level/pagetables.core"
#define SMALL "small.img --cr3 0x1000 --efer 0xd00 "
#define SMALL_PKS SMALL "--cr4 0x1400020 "

inline const Row rows[] = {
    // walk: what translates.
    {"walk_kernel_text", "walk " LINUX61 " 0xffffffffaca00123"},
    {"walk_user_page", "walk " LINUX61 " 400123"},
    {"walk_json", "walk " LINUX61 " 0x400123 --access fetch --cpl 3 --json"},
    {"walk_1g_sets_accessed", "walk " SMALL "--cr4 0x20 0x40000000"},
    {"walk_2m_write_sets_dirty", "walk " SMALL "--cr4 0x20 0x234567 --access write"},
    {"walk_5_levels", "walk small.img --cr3 0x6000 --cr4 0x1020 --efer 0xd00 0x1000"},
    {"walk_self_mapping", "walk " SMALL "--cr4 0x20 0xfffffffffffff008 --access write"},

    // walk: every kind of fault.
    {"walk_non_canonical", "walk " LINUX61 " 0x800000000000"},
    {"walk_non_canonical_stack", "walk " LINUX61 " 0x800000000000 --stack --json"},
    {"walk_not_present", "walk " LINUX61 " 0x0 --access write"},
    {"walk_user_supervisor", "walk " LINUX61 " 0xffffffffaca00123 --cpl 3 --access write"},
    {"walk_read_only", "walk " LINUX61 " 0xffffffffaca00123 --access write"},
    {"walk_wp_clear", "walk " LINUX61 " 0xffffffffaca00123 --access write --cr0 0x80000001"},
    {"walk_smap", "walk " LINUX61 " 0x400123 --cpl 0"},
    {"walk_smap_ac", "walk " LINUX61 " 0x400123 --cpl 0 --ac"},
    {"walk_smap_implicit", "walk " LINUX61 " 0x400123 --cpl 3 --ac --implicit"},
    {"walk_smep", "walk " LINUX61 " 0x401123 --cpl 0 --access fetch"},
    {"walk_execute_disable", "walk " LINUX61 " 0x400123 --access fetch"},
    {"walk_user_key", "walk " SMALL "--cr4 0x400020 0x3000 --access write --pkru 0x800"},
    {"walk_supervisor_key", "walk " SMALL_PKS "0x2000 --cpl 0 --pkrs 0x40"},
    {"walk_reserved_address", "walk " SMALL "--cr4 0x20 0x400000 --maxphyaddr 46"},
    {"walk_reserved_xd", "walk small.img --cr3 1000 --efer 500 --cr4 20 0x2000 --cpl 0"},
    {"walk_reserved_page_size", "walk " SMALL "--cr4 0x20 0x8000000000"},
    {"walk_reserved_frame", "walk " SMALL "--cr4 0x20 0x80000000"},
    {"walk_no_1g", "walk " SMALL "--cr4 0x20 0x40000000 --no-1g"},
    {"walk_reserved_amd", "walk " SMALL "--cr4 0x20 0x18000000000 --vendor amd"},
    {"walk_fault_may_write", "walk " SMALL "--cr4 0x20 0x6000"},
    {"walk_fault_json", "walk " SMALL "--cr4 0x20 0x6000 --json"},
    {"walk_not_in_image", "walk " SMALL "--cr4 0x20 0x10000000000"},

    // maps.
    {"maps_linux", "maps " LINUX61},
    {"maps_small", "maps " SMALL "--cr4 0x20 --maxphyaddr 46"},
    {"maps_json", "maps " SMALL "--cr4 0x20 --maxphyaddr 46 --json"},
    {"maps_info_tlb", "maps " SMALL "--cr4 0x20 --maxphyaddr 46 --info-tlb"},
    {"maps_max_tables", "maps " SMALL "--cr4 0x20 --max-tables 2"},
    {"maps_no_root", "maps " LINUX61 " --cr3 0x1000"},

    // explain.
    {"explain_pte", "explain 0x80000000fee0001b --level 1"},
    {"explain_json", "explain 0x80000000fee0001b --level 1 --json"},
    {"explain_table", "explain 6815067 --level 4"},
    {"explain_not_present", "explain 0x8000000000000000 --level 1 --nxe 0"},
    {"explain_2m", "explain 0x180000004e011e1 --level 2 --maxphyaddr 40"},
    {"explain_1g_key", "explain 0x28000000400000e7 --level 3"},
    {"explain_no_1g", "explain 0x400000e7 --level 3 --no-1g"},
    {"explain_every_reserved",
     "explain 0x800ff00000003187 --level 5 --nxe 0 --vendor amd "
     "--maxphyaddr 36"},

    // Bad usage and bad input: one line, exit code 2.
    {"help", "--help"},
    {"help_walk", "walk --help"},
    {"help_maps", "maps --help"},
    {"help_explain", "explain --help"},
    {"bad_no_file", "walk no-such-file 0x0"},
    {"bad_directory", "walk corpora 0x0"},
    {"bad_empty", "walk empty 0x0"},
    {"bad_cut_core", "walk cut.core 0x0"},
    {"bad_kdump_needs_cr3", "walk kdump.core 0x0"},
    {"walk_kdump_cr3", "walk kdump.core 0x0 --cr3 0x1000"},
    {"bad_raw_needs_registers", "maps small.img --cr3 0x1000"},
    {"bad_no_paging", "walk " LINUX61 " 0x0 --cr0 0x1"},
    {"bad_cpu", "walk " LINUX61 " 0x0 --cpu 1"},
    {"bad_cr3", "walk " LINUX61 " 0x0 --cr3 0xz"},
    {"bad_va", "walk " LINUX61 " 0x10000000000000000"},
    {"bad_va_empty", "walk " LINUX61 " ''"},
    {"bad_access", "walk " LINUX61 " 0x0 --access jump"},
    {"bad_cpl", "walk " LINUX61 " 0x0 --cpl 4"},
    {"bad_maxphyaddr", "maps " LINUX61 " --maxphyaddr 53"},
    {"bad_level", "explain 0x1 --level 6"},
    {"bad_entry", "explain 1g --level 1"},
    {"bad_no_level", "explain 0x1"},
    {"bad_nxe", "explain 0x1 --level 1 --nxe 2"},
    {"bad_subcommand", "wlak " LINUX61 " 0x0"},
    {"bad_count", "diff --count -1"},
    {"bad_seed", "diff --seed -1 --count 100"},
    {"bad_shard", "diff --shard 2/2"},
    {"bad_mode", "diff --mode fast"},
    {"bad_mode_oracle", "diff --mode tlb --oracle spec"},
    {"bad_campaign_file", "diff --count 100 --out corpora"},
    {"bad_both_forms", "maps " LINUX61 " --json --info-tlb"},
};

}  // namespace mmuref::cli_test
