/* rethink data check: is the data set whole, and is it the official one? */
#include "base/path.h"
#include "cli/command.h"
#include "cli/output.h"
#include "data/check.h"

static void print_counts(struct rt_text *text, const struct rt_data_report *report)
{
    rt_text_printf(text, "  %-12s %8s %6s\n", "class", "training", "test");
    for (int i = 0; i < RT_CLASSES; i++)
        rt_text_printf(text, "  %-12s %8zu %6zu\n", report->source.classes[i], report->counts[0][i],
                       report->counts[1][i]);
}

static void print_files(struct rt_text *text, const struct rt_data_report *report)
{
    for (int i = 0; i < report->file_count; i++) {
        const struct rt_data_file *file = &report->files[i];

        rt_text_printf(text, "  %-16s SHA-256 %s %s\n", file->name, file->digest,
                       file->official ? "official" : "not official");
    }
}

/* Hashed as they are: digests are published of gzipped files only. */
static void print_hashed(struct rt_text *text, const struct rt_source *source)
{
    for (int i = 0; i < source->file_count; i++)
        rt_text_printf(text, "  %-26s MD5 %s %s\n", source->files[i].name, source->files[i].md5,
                       source->files[i].official ? "official"
                       : rt_path_has_suffix(source->files[i].name, ".gz")
                           ? "not official"
                           : "not gzipped: nothing to compare with");
}

/* Whether there is a published digest for any of the files. */
static bool can_compare(const struct rt_data_report *report)
{
    for (int i = 0; i < report->source.file_count; i++)
        if (rt_path_has_suffix(report->source.files[i].name, ".gz"))
            return true;
    return report->file_count > 0;
}

static int run_data_check(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *data = arguments->operand_count ? arguments->operands[0] : rt_argument(arguments, "data");
    struct rt_data_report report;
    struct rt_text text = {0};

    RT_TRY(rt_data_check(&report, data, err));
    rt_text_printf(&text, "%s: %s\n", report.source.kind->name, report.source.where);
    print_files(&text, &report);
    print_hashed(&text, &report.source);
    print_counts(&text, &report);
    rt_text_append(&text, "every record is well-formed\n");
    if (report.official)
        rt_text_append(&text, "these are the official bytes\n");
    else if (report.file_count || report.source.file_count)
        rt_text_printf(&text, "remark: %s; results may differ from those on the official images\n",
                       can_compare(&report) ? "not the official bytes"
                                            : "whether these are the official bytes cannot be told");
    return rt_output_text(&text, err);
}

static const struct rt_option options[] = {RT_OPTION_DATA, {0}};

const struct rt_command rt_command_data_check = {
    .name = "data check",
    .operands = "[DIR]",
    .operands_max = 1,
    .operand_values = "@dirs",
    .summary = "Read every record of a data set and compare its bytes with the official ones.",
    .description = "Checks the files' sizes, every label, and each file's SHA-256. Damage is an error that "
                   "names the file and the record; well-formed files that are not the official ones "
                   "(re-encoded images, for example) only cause a remark. DIR contains data_batch_1.bin, "
                   "or the Python version's data_batch_1, or one of the folders cifar-10-batches-bin and "
                   "cifar-10-batches-py, or the IDX files of MNIST or Fashion-MNIST, plain or gzipped "
                   "(also as torchvision keeps them, MNIST/raw and FashionMNIST/raw), whose MD5 is compared "
                   "where they are gzipped as published; the default is the installed data set. Pickles are "
                   "parsed, never executed.",
    .examples = "rethink data check                 # what 'rethink data fetch' installed\n"
                "rethink data check DIR             # another copy\n"
                "rethink data check --data shapes10 # what the program draws itself",
    .options = options,
    .run = run_data_check,
};
