/* The machine that reads pickles of CIFAR-10 (data/pickle.h): its stack, what it remembers, and the objects
 * that it may make. All functions fail with RT_EDATA, naming file, byte and instruction. */
#ifndef RT_DATA_PICKLE_MACHINE_H
#define RT_DATA_PICKLE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/pickle.h"

/* Far above what these dictionaries need: lists are filled 1000 elements at a time, and file names are
 * remembered one by one. */
enum {
    RT_PICKLE_INPUT = 1 << 16,
    RT_PICKLE_STACK_MAX = 4096,
    RT_PICKLE_MEMO_MAX = 1 << 16,
    RT_PICKLE_ARENA_MAX = 256,
    RT_PICKLE_LISTS_MAX = 8,
    RT_PICKLE_TEXT_MAX = 32
};

#define RT_PICKLE_ADVICE "; this reads CIFAR-10's Python batches and nothing else"

enum rt_pickle_kind {
    RT_PICKLE_NOTHING, /* a place of the memo that is not in use */
    RT_PICKLE_MARK,
    RT_PICKLE_NONE,
    RT_PICKLE_NUMBER, /* number */
    RT_PICKLE_STRING, /* at, number: its bytes in the file */
    RT_PICKLE_TUPLE,  /* at, number: its elements in the arena */
    RT_PICKLE_LIST,   /* at: which */
    RT_PICKLE_DICT,
    RT_PICKLE_RECONSTRUCT, /* numpy._core.multiarray._reconstruct */
    RT_PICKLE_FROM_BUFFER, /* numpy._core.numeric._frombuffer */
    RT_PICKLE_NDARRAY,     /* numpy.ndarray, the class */
    RT_PICKLE_DTYPE,       /* numpy.dtype, the class */
    RT_PICKLE_BYTES,       /* a dtype: uint8 */
    RT_PICKLE_EMPTY,       /* an array that BUILD is to fill */
    RT_PICKLE_ARRAY,       /* at: its bytes in the file */
};

struct rt_pickle_value {
    enum rt_pickle_kind kind;
    int64_t at, number;
};

struct rt_pickle_list {
    int64_t count;
    bool labels; /* all elements are numbers of 0 to 255 */
    uint8_t numbers[RT_PICKLE_IMAGES];
};

struct rt_pickle_machine {
    const char *path; /* for messages */
    int fd;
    uint64_t size;     /* of the file */
    int64_t at;        /* of the next byte */
    int64_t operation; /* of the instruction */
    uint8_t opcode;
    size_t have, used; /* of the input */
    int depth, lists, arena_count;
    int64_t memo_count;
    bool has_dict, done;
    struct rt_pickle_value labels, data; /* what the dictionary has under these keys */
    uint8_t input[RT_PICKLE_INPUT];
    struct rt_pickle_value stack[RT_PICKLE_STACK_MAX], memo[RT_PICKLE_MEMO_MAX], arena[RT_PICKLE_ARENA_MAX];
    struct rt_pickle_list list[RT_PICKLE_LISTS_MAX];
};

int rt_pickle_refuse(const struct rt_pickle_machine *m, const char *what, struct rt_error *err);

/* ---- the stack ---- */

int rt_pickle_push(struct rt_pickle_machine *m, struct rt_pickle_value value, struct rt_error *err);
int rt_pickle_push_kind(struct rt_pickle_machine *m, enum rt_pickle_kind kind, struct rt_error *err);
int rt_pickle_pop(struct rt_pickle_machine *m, struct rt_pickle_value *value,
                  struct rt_error *err); /* not beyond a mark */

/* What lies above the topmost mark, which goes; the values stay where they are, from *first on. */
int rt_pickle_pop_to_mark(struct rt_pickle_machine *m, int *first, int *count, struct rt_error *err);

int rt_pickle_push_tuple(struct rt_pickle_machine *m, const struct rt_pickle_value *elements, int count,
                         struct rt_error *err);
int rt_pickle_make_tuple(struct rt_pickle_machine *m, int count,
                         struct rt_error *err); /* of the topmost values */
int rt_pickle_remember(struct rt_pickle_machine *m, int64_t index,
                       struct rt_error *err); /* the topmost value */
int rt_pickle_recall(struct rt_pickle_machine *m, int64_t index, struct rt_error *err);

/* The bytes of a string, where they are fewer than RT_PICKLE_TEXT_MAX; "" for a longer one. */
int rt_pickle_read_string(struct rt_pickle_machine *m, const struct rt_pickle_value *string,
                          char text[RT_PICKLE_TEXT_MAX], struct rt_error *err);

/* ---- objects ---- */

int rt_pickle_push_dict(struct rt_pickle_machine *m, struct rt_error *err);
int rt_pickle_push_list(struct rt_pickle_machine *m, struct rt_error *err);
int rt_pickle_append(struct rt_pickle_machine *m, const struct rt_pickle_value *list,
                     const struct rt_pickle_value *elements, int count, struct rt_error *err);
int rt_pickle_set_items(struct rt_pickle_machine *m, const struct rt_pickle_value *dict,
                        const struct rt_pickle_value *items, int count, struct rt_error *err);
int rt_pickle_push_global(struct rt_pickle_machine *m, const char *module, const char *name,
                          struct rt_error *err);

/* What calling `called` would give: a dtype, an empty array, or an array of bytes that are there already. */
int rt_pickle_call(struct rt_pickle_machine *m, const struct rt_pickle_value *called,
                   const struct rt_pickle_value *arguments, struct rt_error *err);

/* BUILD: an array's state is (version, shape, dtype, in Fortran's order, bytes); a dtype's says its byte order.
 */
int rt_pickle_build(struct rt_pickle_machine *m, const struct rt_pickle_value *state, struct rt_error *err);

#endif
