/* The help texts, made from the tables of commands, options, exit codes and environment variables. */
#ifndef RT_CLI_USAGE_H
#define RT_CLI_USAGE_H

#include "base/text.h"
#include "cli/command.h"
#include "config/trackers.h"

#define RT_ABOUT                                                                                               \
    "Trains small networks on CIFAR-10 with true, random and scrambled labels and pixels, as in "              \
    "\"Understanding "                                                                                         \
    "deep learning requires rethinking generalization\" (Zhang et al., ICLR 2017), and draws its figures."

/* X(variable, meaning) */
/* clang-format off */
#define RT_ENVIRONMENT(X) \
    X("RETHINK_DATA", "directory with the images, used where --data is not given") \
    X("RETHINK_ISA", "baseline, avx2 or avx512: instruction set of the native engine, where it should not choose the best itself") \
    X("RETHINK_LAPACK", "the LAPACK library that rethink kernel opens, where it should not look for OpenBLAS itself") \
    X("RETHINK_NVRTC", "NVIDIA's run-time compiler, libnvrtc.so, where the CUDA engine should not look for it itself") \
    X("RETHINK_TRACK_WAIT_S", "seconds to wait, at the end of a run, for a slow tracker") \
    X("XDG_DATA_HOME", "where 'rethink data fetch' keeps the images: $XDG_DATA_HOME/rethink (~/.local/share/rethink)") \
    X("NO_COLOR", "when set: no colours on the terminal") \
    RT_TRACKER_VARIABLES(X)
/* clang-format on */

/* `rethink --help`; `commands` is a list ended by null */
void rt_usage_program(struct rt_text *text, const struct rt_command *const *commands);
/* `rethink COMMAND --help` */
void rt_usage_command(struct rt_text *text, const struct rt_command *command);
/* `rethink data --help`: the commands whose names begin with this word; false when there are none. */
bool rt_usage_group(struct rt_text *text, const struct rt_command *const *commands, const char *word);

#endif
