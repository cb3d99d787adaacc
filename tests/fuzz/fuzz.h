/* A fuzz target is one file with rt_fuzz_one, built twice: with replay.c, which runs it over a kept corpus in
 * every test run, and, by `make fuzz`, with libFuzzer, which looks for more.
 *
 * A target reads the bytes as a stranger's file. It may refuse them with an error of one line; it may not
 * crash, leak, or accept what it then cannot use. RT_FUZZ_CHECK is for what must hold of what was accepted. */
#ifndef RT_FUZZ_FUZZ_H
#define RT_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void rt_fuzz_one(const uint8_t *bytes, size_t size);

#define RT_FUZZ_CHECK(condition)                                                                               \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                     \
            abort();                                                                                           \
        }                                                                                                      \
    } while (0)

/* A refusal must have a known status and a message of one printable line. */
void rt_fuzz_check_error(int status, const struct rt_error *err);

/* The bytes as a file: its path, good until the next call. */
const char *rt_fuzz_file(const uint8_t *bytes, size_t size);

/* An empty folder of this process's own, emptied at each call; gone at exit. */
const char *rt_fuzz_folder(void);

#endif
