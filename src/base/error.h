/* Errors: every function that can fail returns 0 or one of these codes and takes the error last.
 *
 * The message is one line that names the object (file, record, key), what was found, and what to do.
 * Library code only fills the error in; `main` prints it and exits with rt_status_exit_code. */
#ifndef RT_BASE_ERROR_H
#define RT_BASE_ERROR_H

/* X(symbol, exit code, meaning as --help and the man page print it) */
#define RT_STATUSES(X)                                                                                         \
    X(OK, 0, "success")                                                                                        \
    X(EMEMORY, 1, "out of memory, or a failure of the program itself")                                         \
    X(EUSAGE, 2, "wrong usage of the command line")                                                            \
    X(ECONFIG, 3, "configuration: unknown key, wrong type, value out of range, unknown experiment")            \
    X(EDATA, 4, "data: missing, truncated, foreign or changed images, checkpoints or results")                 \
    X(EIO, 5, "input/output: cannot read, write, lock or reach a file or host")                                \
    X(EINTERRUPTED, 6, "interrupted by a signal after saving; the same command resumes it")                    \
    X(EDIVERGED, 7, "the training loss became NaN or infinite")                                                \
    X(EDEVICE, 8, "the device that computes failed; the last checkpoint is whole")

enum rt_status {
#define RT_STATUS_ENUM(symbol, code, meaning) RT_##symbol = code,
    RT_STATUSES(RT_STATUS_ENUM)
#undef RT_STATUS_ENUM
};

#define RT_ERROR_MESSAGE_MAX 1024

struct rt_error {
    enum rt_status status;
    char message[RT_ERROR_MESSAGE_MAX]; /* one line, no newline at its end */
};

/* Fills *err (which may be null) and returns `status`. A longer message is cut with "...". */
int rt_fail(struct rt_error *err, enum rt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and strerror(saved_errno) behind the message. ENOMEM becomes RT_EMEMORY. */
int rt_fail_errno(struct rt_error *err, enum rt_status status, int saved_errno, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __clang_analyzer__ /* lets clang-tidy know that these never return 0 */
#define rt_fail(...) (rt_fail(__VA_ARGS__) ?: RT_EMEMORY)
#define rt_fail_errno(...) (rt_fail_errno(__VA_ARGS__) ?: RT_EMEMORY)
#endif

/* The process's exit code, and its meaning in one phrase, for a status. */
int rt_status_exit_code(enum rt_status status);
const char *rt_status_meaning(enum rt_status status);

/* Return at once on failure; only where nothing is held that must be freed. */
#define RT_TRY(call)                                                                                           \
    do {                                                                                                       \
        const int rt_try_status_ = (call);                                                                     \
        if (rt_try_status_)                                                                                    \
            return rt_try_status_;                                                                             \
    } while (0)

#endif
