/* rethink data fetch: a data set from its server, a mirror or a local archive. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/output.h"
#include "data/check.h"
#include "data/cifar10.h"
#include "data/fetch.h"
#include "data/places.h"
#include "data/source.h"

enum { BAR = 30 };

/* One line, rewritten twice a second on a terminal; a line at each tenth elsewhere. */
struct meter {
    bool terminal;
    double start_s, shown_s;
    int64_t start_bytes; /* of an earlier download */
    int tenth;
};

static void show_bar(const struct meter *meter, int64_t received, int64_t total, double now_s)
{
    const double rate = (double)(received - meter->start_bytes) / (now_s - meter->start_s + 1e-9);
    const double left_s = rate > 0 ? (double)(total - received) / rate : 0;
    const int filled = (int)(received * BAR / total);
    char bar[BAR + 1], line[160], left[32] = "";

    for (int i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = '\0';
    if (rate > 0)
        snprintf(left, sizeof left, ", %02d:%02d left", (int)(left_s / 60), (int)left_s % 60);
    snprintf(line, sizeof line, "%3d%% [%s] %.1f of %.1f MB, %.0f kB/s%s", (int)(received * 100 / total), bar,
             (double)received / 1e6, (double)total / 1e6, rate / 1e3, left);
    rt_log_redraw(line, false);
}

static void on_progress(void *context, int64_t received, int64_t total)
{
    struct meter *meter = context;
    const double now_s = rt_clock_wall_s();
    const int tenth = (int)(received * 10 / total);

    if (rt_log_level() == RT_LOG_QUIET || received <= 0)
        return;
    if (meter->start_s == 0) {
        meter->start_s = now_s;
        meter->start_bytes = received;
        meter->tenth = tenth;
    }
    if (meter->terminal && now_s - meter->shown_s >= 0.5) {
        show_bar(meter, received, total, now_s);
        meter->shown_s = now_s;
    } else if (!meter->terminal && tenth > meter->tenth) {
        rt_log_info("%d%% of %.1f MB", tenth * 10, (double)total / 1e6);
        meter->tenth = tenth;
    }
}

/* What is installed already and official needs no fetching. */
static bool is_there(const char *home, const char *folder, const char *name)
{
    struct rt_data_report report;
    char path[RT_PATH_MAX];

    return !rt_path_join(path, home, folder, NULL) && !rt_data_check(&report, path, NULL) && report.official &&
           !strcmp(report.source.kind->name, name);
}

/* The files of `files`, or CIFAR-10's archive where that is null. */
static int install(const struct rt_fetch_files *files, struct rt_fetch *fetch, const char *url,
                   const char *home, char installed[RT_PATH_MAX], struct rt_error *err)
{
    const char *urls[] = {url, NULL};
    struct rt_fetch_files from;

    if (!files) {
        fetch->urls = url ? urls : fetch->urls;
        return rt_fetch_install(fetch, home, installed, err);
    }
    from = *files;
    from.bases = url ? urls : files->bases;
    return rt_fetch_install_files(&from, fetch, home, installed, err);
}

#define FETCHED_WORD(id, word, help) " " word

/* *files: null where it is an archive. */
static int choose(const struct rt_fetch_files **files, const char *name, struct rt_error *err)
{
    static const struct rt_source_kind *const kinds[] = {
#define KIND(id, word, help) &rt_source_##id,
        RT_FETCHED_SOURCES(KIND)
#undef KIND
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i]->name, name)) {
            *files = kinds[i]->published;
            return RT_OK;
        }
    return rt_fail(err, RT_EUSAGE, "'%.80s' is none of" RT_FETCHED_SOURCES(FETCHED_WORD), name);
}

static int run_data_fetch(const struct rt_arguments *arguments, struct rt_error *err)
{
    const char *name = arguments->operand_count ? arguments->operands[0] : "cifar10";
    const char *url = rt_argument(arguments, "url");
    const struct rt_fetch_files *files = NULL;
    struct meter meter = {.terminal = isatty(STDERR_FILENO)};
    struct rt_fetch fetch = rt_fetch_cifar10;
    char home[RT_PATH_MAX], installed[RT_PATH_MAX];
    struct rt_text text = {0};
    int rc;

    RT_TRY(choose(&files, name, err));
    if (rt_argument_flag(arguments, "quiet"))
        rt_log_set_level(RT_LOG_QUIET);
    RT_TRY(rt_data_home(home, "set one of them: the data set is installed below it", err));
    if (!url)
        fetch.advice =
            files ? "without a network, --url DIR installs files that were brought here, and '--data shapes10' "
                    "needs none"
                  : "without a network, 'rethink data fetch --url FILE' installs an archive that was brought "
                    "here, and '--data shapes10' needs none";
    fetch.replace = rt_argument_flag(arguments, "force");
    fetch.progress = on_progress;
    fetch.context = &meter;
    if (!fetch.replace && is_there(home, files ? name : RT_CIFAR10_FOLDER, name)) {
        rt_text_printf(&text, "%s is in %s already, the official bytes\n", files ? name : "CIFAR-10", home);
        return rt_output_text(&text, err);
    }
    rc = install(files, &fetch, url, home, installed, err);
    rt_log_clear();
    if (rc)
        return rc;
    rt_text_printf(&text, "installed %s in %s\n", files ? name : "CIFAR-10", installed);
    return rt_output_text(&text, err);
}

static const struct rt_option options[] = {
    {"url", 0, "URL", "@files", "get it from this address (https, http, file), file or folder alone"},
    {"force", 0, NULL, NULL, "replace what is installed already"},
    RT_OPTION_QUIET,
    {0},
};

const struct rt_command rt_command_data_fetch = {
    .name = "data fetch",
    .operands = "[NAME]",
    .operands_max = 1,
    .operand_values = RT_FETCHED_SOURCES(RT_SOURCE_WORD),
    .summary = "Download CIFAR-10, MNIST or Fashion-MNIST and install it for all later commands.",
    .description =
        "NAME is cifar10 (the default), mnist or fashion-mnist. Of CIFAR-10 it gets the binary version's "
        "archive (170 MB) from its server or a mirror, checks its SHA-256, and installs the files in the "
        "user's data directory, all of them or none. A server may give nothing but the official archive; a "
        "local one may be packed anew (.tar, .gz, .bz2, .xz, .zst, .lz4), as long as its six files are the "
        "official ones, or be the Python version's (cifar-10-python.tar.gz), whose images and labels must be "
        "the same and are installed as the binary version. A server that gives less than 1 MB in a minute is "
        "left for the mirror, and tried once more in the end. Repeat the command to resume an interrupted "
        "download.\n\n"
        "Of MNIST (12 MB) and Fashion-MNIST (31 MB) it gets four gzipped files, each of which must have its "
        "published MD5; --url is then the folder or the address that the four names follow.",
    .examples = "rethink data fetch mnist                             # or fashion-mnist\n"
                "rethink data fetch                                   # from the server or a mirror\n"
                "rethink data fetch --url cifar-10-binary.tar.gz      # from a local archive\n"
                "rethink data fetch --url cifar-10-python.tar.gz      # or one of the Python version\n"
                "rethink data fetch --url https://HOST/archive.tar.gz # from another server",
    .options = options,
    .run = run_data_fetch,
};
