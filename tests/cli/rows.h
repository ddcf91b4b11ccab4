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
// small.img (raw; 4-level tables at 0x1000, 5-level at 0x6000), kdump.core, cut.core, empty,
// trace.txt and bad-trace.txt (addresses for tlb simulate).
#define LINUX61 "corpora/linux-6.1-kaslr-4level/pagetables.core"
#define SMALL "small.img --cr3 0x1000 --efer 0xd00 "
#define KASLR                                                            \
  "--page-offset-base ffff8ee180000000 --vmalloc-base ffffd27280000000 " \
  "--vmemmap-base fffffba980000000 "
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

    // tlb simulate.
    {"tlb_simulate", "tlb simulate " LINUX61 " trace.txt"},
    {"tlb_simulate_json", "tlb simulate " LINUX61 " --pdes 1x0 --json <trace.txt"},
    {"tlb_simulate_nothing", "tlb simulate " LINUX61 " <empty"},

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

    // explain --linux: a state each, and what differs between versions.
    {"explain_linux_page", "explain 0x8000000fee00227 --level 1 --linux"},
    {"explain_linux_none", "explain 0x60 --level 1 --linux"},
    {"explain_linux_none_4_6", "explain 0x60 --level 1 --linux --kernel 4.6"},
    {"explain_linux_inverted", "explain 0xffffffedcb120 --level 1 --linux"},
    {"explain_linux_swap", "explain 0x17ffffffffdb9602 --level 1 --linux --kernel 5.4"},
    {"explain_linux_swap_4_6", "explain 0x2604 --level 1 --linux --kernel 4.6"},
    {"explain_linux_migration", "explain 0xd7fffffffdb97202 --level 2 --linux"},
    {"explain_linux_thp", "explain 0x1000000402011e7 --level 2 --linux --kernel 4.6"},
    {"explain_linux_invalidated", "explain 0xfffffbfc000e6 --level 2 --linux"},
    {"explain_linux_invalidated_3_2", "explain 0xe6 --level 2 --linux --kernel 3.2"},
    {"explain_linux_pmd_swap_4_6", "explain 0x2604 --level 2 --linux --kernel 4.6"},
    {"explain_linux_pmd_swap", "explain 0x17ffffffffdb9600 --level 2 --linux"},
    {"explain_linux_pmd_hugetlb_3_2", "explain 0x2468003e --level 2 --linux --kernel 3.2"},
    {"explain_linux_file_3_2", "explain 0x1240 --level 1 --linux --kernel 3.2"},
    {"explain_linux_page_3_2", "explain 0x12345827 --level 1 --linux --kernel 3.2"},
    {"explain_linux_pud_5_6", "explain 0x800000c00000e7 --level 3 --linux --kernel 5.6"},
    {"explain_linux_bad", "explain 0x400006815067 --level 2 --linux --kernel 4.6"},
    {"explain_linux_pud_not_present", "explain 0x2 --level 3 --linux"},
    {"explain_linux_pgd_json", "explain 0x6815067 --level 4 --linux --kernel 4.6 --json"},
    {"explain_linux_json", "explain 0xc7fffffffedcb004 --level 1 --linux --json"},
    // Caches and traces.
    {"tlb_eval", "tlb eval <programs.jsonl"},
    {"trace_clean", "trace check corpora/traces/good_remote_flush.jsonl"},
    {"trace_stale", "trace check corpora/traces/bad_no_remote_flush.jsonl"},
    {"trace_stale_json", "trace check --json corpora/traces/bad_no_remote_flush.jsonl"},
    {"trace_spurious", "trace check corpora/traces/good_unprotect_spurious.jsonl"},
    {"trace_table_freed", "trace check corpora/traces/bad_lazy_tables_freed.jsonl"},
    {"trace_dirty", "trace check corpora/traces/bad_dirty_cleared.jsonl"},
    {"trace_two",
     "trace check corpora/traces/bad_bit_63.jsonl corpora/traces/good_bit_63_clear.jsonl"},

    // Bad usage and bad input: one line, exit code 2.
    {"bad_tlb_line", "tlb eval <corpora/traces/bad_bit_63.jsonl"},
    {"bad_tlb_subcommand", "tlb"},
    {"bad_trace_form", "trace check corpora/README.md"},
    {"bad_trace_empty", "trace check empty"},
    {"bad_trace_endless", "trace check /dev/zero"},
    {"bad_tlb_endless", "tlb simulate " LINUX61 " /dev/zero"},
    {"bad_trace_no_file", "trace check nowhere.jsonl"},
    {"bad_trace_folder", "trace check corpora/ledger"},
    {"help_tlb_eval", "tlb eval --help"},
    {"help_trace_check", "trace check --help"},
    {"flush_list", "flush explore --list"},
    {"bad_break", "flush explore --break barrier"},
    {"bad_cpus", "flush explore --cpus 4"},
    {"help_flush_explore", "flush explore --help"},
    {"help", "--help"},
    {"help_walk", "walk --help"},
    {"help_tlb_simulate", "tlb simulate --help"},
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
    {"bad_kernel", "explain 0x1 --level 1 --linux --kernel 6.x"},
    {"bad_kernel_old", "explain 0x1 --level 1 --linux --kernel 2.6"},
    {"bad_kernel_new", "explain 0x1 --level 1 --linux --kernel 6.13"},
    {"bad_kernel_zero", "va 0 --kernel 4.06"},
    {"bad_kernel_levels", "explain 0x1 --level 5 --linux --kernel 4.6"},
    {"bad_kernel_alone", "explain 0x1 --level 1 --kernel 4.6"},
    {"bad_subcommand", "wlak " LINUX61 " 0x0"},
    {"bad_count", "diff --count -1"},
    {"bad_seed", "diff --seed -1 --count 100"},
    {"bad_count_wide", "diff --count 99999999999999999999"},
    {"bad_seed_wide", "diff --seed 99999999999999999999"},
    {"bad_corpora", "check --corpora corpora/traces"},
    {"bad_replay_no_file", "replay nowhere.json"},
    {"replay_one", "replay corpora/ledger/accessed-1g-early.json"},
    {"bad_shard", "diff --shard 2/2"},
    {"bad_mode", "diff --mode fast"},
    {"bad_mode_oracle", "diff --mode tlb --oracle spec"},
    {"bad_campaign_file", "diff --count 100 --out corpora"},
    {"bad_tlb_sets", "tlb simulate " LINUX61 " --pages-4k 3x4"},
    {"bad_tlb_size", "tlb simulate " LINUX61 " --pdes 8x"},
    {"bad_tlb_trace", "tlb simulate " LINUX61 " bad-trace.txt"},
    {"bad_tlb_no_trace", "tlb simulate " LINUX61 " no-such-file"},
    {"bad_both_forms", "maps " LINUX61 " --json --info-tlb"},

    // layout, va, pa.
    {"help_layout", "layout --help"},
    {"help_va", "va --help"},
    {"help_pa", "pa --help"},
    {"layout_3_2", "layout --kernel 3.2"},
    {"layout_4_6", "layout --kernel 4.6"},
    {"layout_5_level", "layout --kernel 4.20 --la57"},
    {"layout_json", "layout --kernel 4.20 --la57 --json"},
    {"layout_kaslr", "layout --kernel 6.1 " KASLR},
    {"layout_address", "layout --kernel 6.1 ffffea0000040000"},
    {"layout_address_json", "layout ffffffffa0000000 --json"},
    {"pa_direct", "pa ffff888000001000"},
    {"pa_image", "pa --kernel 6.1 " KASLR "--phys-base ffffffffd8400000 ffffffffaca00000"},
    {"pa_modules", "pa ffffffffc0000000"},
    {"pa_user", "pa 400123 --kernel 4.6"},
    {"pa_too_wide", "pa ffff8c0000000000 --phys-bits 39"},
    {"pa_json", "pa 0 --json"},
    {"va_memory", "va fee00000 --kernel 4.6"},
    {"va_wraps", "va ffffffffffffffff"},
    {"va_json", "va 1000 --la57 --json"},
    {"va_4_15", "va 1000 --kernel 4.15"},
    {"va_5_level_4_14", "va 1000 --kernel 4.14 --la57 --json"},
    {"pa_4_12_json", "pa ffffffff81000000 --kernel 4.12 --phys-base 1c00000 --json"},
    {"pa_no_randomize_base", "pa ffffffffa0000000 --no-randomize-base"},
    {"layout_no_randomize_base", "layout --kernel 4.11 --no-randomize-base"},
    {"bad_layout_kernel", "layout --kernel 4.17"},
    {"bad_layout_kernel_4_12", "layout --kernel 4.12"},
    {"bad_la57", "layout --kernel 4.6 --la57"},
    {"bad_la57_va", "va 0 --kernel 4.13 --la57"},
    {"bad_vmemmap_kernel", "va 0 --kernel 4.9 --vmemmap-base ffffea0040000000"},
    {"bad_bases_no_randomize", "va 0 --no-randomize-base --page-offset-base ffff888040000000"},
    {"bad_phys_base", "pa ffffffff81000000 --phys-base 1000"},
    {"bad_bases_order", "layout --vmalloc-base ffff880000000000"},
    {"bad_base_alignment", "va 0 --page-offset-base ffff888000001000"},
    {"bad_bases_kernel", "pa 0 --kernel 4.6 --vmalloc-base ffffc90000000000"},
    {"bad_pa", "pa 0xg"},
    {"bad_phys_bits", "va 0 --phys-bits 53"},
};

}  // namespace mmuref::cli_test
