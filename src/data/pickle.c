#include "data/pickle.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/pickle_machine.h"

/* ---- input ---- */

static int take(struct rt_pickle_machine *m, void *bytes, size_t size, struct rt_error *err)
{
    uint8_t *to = bytes;

    while (size) {
        if (m->used == m->have) {
            RT_TRY(rt_file_read(m->fd, m->path, m->input, RT_PICKLE_INPUT, &m->have, err));
            m->used = 0;
            if (!m->have)
                return rt_fail(err, RT_EDATA, "%s: ends within its pickle, at byte %lld; get it again", m->path,
                               (long long)m->at);
        }
        const size_t piece = size < m->have - m->used ? size : m->have - m->used;

        memcpy(to, m->input + m->used, piece);
        m->used += piece;
        m->at += (int64_t)piece;
        to += piece;
        size -= piece;
    }
    return RT_OK;
}

/* A little-endian number of so many bytes, at most 8; of 8, one beyond INT64_MAX is refused. */
static int take_number(struct rt_pickle_machine *m, int bytes, int64_t *number, struct rt_error *err)
{
    uint8_t raw[8];
    uint64_t sum = 0;

    RT_TRY(take(m, raw, (size_t)bytes, err));
    for (int i = 0; i < bytes; i++)
        sum |= (uint64_t)raw[i] << 8 * i;
    if (sum > INT64_MAX)
        return rt_pickle_refuse(m, "a length beyond all files", err);
    *number = (int64_t)sum;
    return RT_OK;
}

static int skip(struct rt_pickle_machine *m, int64_t bytes, struct rt_error *err)
{
    if ((uint64_t)bytes > m->size - (uint64_t)m->at)
        return rt_fail(err, RT_EDATA,
                       "%s: byte %lld: %lld bytes are announced, the file has %lld left; get it again", m->path,
                       (long long)m->operation, (long long)bytes, (long long)(m->size - (uint64_t)m->at));
    m->at += bytes;
    if ((uint64_t)bytes <= m->have - m->used) {
        m->used += (size_t)bytes;
        return RT_OK;
    }
    m->have = m->used = 0;
    if (lseek(m->fd, (off_t)m->at, SEEK_SET) < 0)
        return rt_fail(err, RT_EIO, "%s: cannot seek to byte %lld", m->path, (long long)m->at);
    return RT_OK;
}

/* ---- instructions ---- */

static int take_string(struct rt_pickle_machine *m, int length_bytes, struct rt_error *err)
{
    struct rt_pickle_value string = {.kind = RT_PICKLE_STRING};

    RT_TRY(take_number(m, length_bytes, &string.number, err));
    string.at = m->at;
    RT_TRY(skip(m, string.number, err));
    return rt_pickle_push(m, string, err);
}

static int take_integer(struct rt_pickle_machine *m, int bytes, struct rt_error *err)
{
    struct rt_pickle_value value = {.kind = RT_PICKLE_NUMBER};

    RT_TRY(take_number(m, bytes, &value.number, err));
    if (bytes == 4)
        value.number = (int32_t)(uint32_t)value.number;
    return rt_pickle_push(m, value, err);
}

static int take_line(struct rt_pickle_machine *m, char line[RT_PICKLE_TEXT_MAX], struct rt_error *err)
{
    for (int i = 0; i < RT_PICKLE_TEXT_MAX; i++) {
        RT_TRY(take(m, &line[i], 1, err));
        if (line[i] == '\n') {
            line[i] = '\0';
            return RT_OK;
        }
    }
    return rt_pickle_refuse(m, "names a function or class; only NumPy's array and dtype may be named", err);
}

static int take_global(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    char module[RT_PICKLE_TEXT_MAX], name[RT_PICKLE_TEXT_MAX];

    (void)unused;
    RT_TRY(take_line(m, module, err));
    RT_TRY(take_line(m, name, err));
    return rt_pickle_push_global(m, module, name, err);
}

static int stack_global(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    struct rt_pickle_value module, name;
    char module_text[RT_PICKLE_TEXT_MAX], name_text[RT_PICKLE_TEXT_MAX];

    (void)unused;
    RT_TRY(rt_pickle_pop(m, &name, err));
    RT_TRY(rt_pickle_pop(m, &module, err));
    if (module.kind != RT_PICKLE_STRING || name.kind != RT_PICKLE_STRING)
        return rt_pickle_refuse(m, "a function or class without a name", err);
    RT_TRY(rt_pickle_read_string(m, &module, module_text, err));
    RT_TRY(rt_pickle_read_string(m, &name, name_text, err));
    return rt_pickle_push_global(m, module_text, name_text, err);
}

/* Instructions that take `count` values, the uppermost last, and work on what lies below them. */
static int combine(struct rt_pickle_machine *m, int count, struct rt_error *err)
{
    struct rt_pickle_value values[2] = {{0}, {0}}, below;

    for (int i = count - 1; i >= 0; i--)
        RT_TRY(rt_pickle_pop(m, &values[i], err));
    RT_TRY(rt_pickle_pop(m, &below, err));
    switch (m->opcode) {
    case 'a':
        RT_TRY(rt_pickle_append(m, &below, values, 1, err));
        return rt_pickle_push(m, below, err);
    case 's':
        RT_TRY(rt_pickle_set_items(m, &below, values, 2, err));
        return rt_pickle_push(m, below, err);
    case 'R':
        return rt_pickle_call(m, &below, &values[0], err);
    default: /* 'b' */
        RT_TRY(rt_pickle_push(m, below, err));
        return rt_pickle_build(m, &values[0], err);
    }
}

/* Those that take all that lies above the mark. */
static int combine_marked(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    struct rt_pickle_value below;
    int first, count;

    (void)unused;
    RT_TRY(rt_pickle_pop_to_mark(m, &first, &count, err));
    if (m->opcode == 't')
        return rt_pickle_push_tuple(m, &m->stack[first], count, err);
    RT_TRY(rt_pickle_pop(m, &below, err));
    if (m->opcode == 'e')
        RT_TRY(rt_pickle_append(m, &below, &m->stack[first], count, err));
    else
        RT_TRY(rt_pickle_set_items(m, &below, &m->stack[first], count, err));
    return rt_pickle_push(m, below, err);
}

static int push_boolean(struct rt_pickle_machine *m, int value, struct rt_error *err)
{
    return rt_pickle_push(m, (struct rt_pickle_value){.kind = RT_PICKLE_NUMBER, .number = value}, err);
}

static int push_kind(struct rt_pickle_machine *m, int kind, struct rt_error *err)
{
    return rt_pickle_push(m, (struct rt_pickle_value){.kind = (enum rt_pickle_kind)kind}, err);
}

static int push_dict(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    (void)unused;
    return rt_pickle_push_dict(m, err);
}

static int push_list(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    (void)unused;
    return rt_pickle_push_list(m, err);
}

static int take_protocol(struct rt_pickle_machine *m, int bytes, struct rt_error *err)
{
    int64_t protocol = 0;

    RT_TRY(take_number(m, bytes, &protocol, err));
    return protocol >= 2 && protocol <= 5 ? RT_OK : rt_pickle_refuse(m, "a protocol other than 2 to 5", err);
}

/* How much is to be read at once; nothing here depends on it. */
static int take_frame(struct rt_pickle_machine *m, int bytes, struct rt_error *err)
{
    int64_t frame = 0;

    return take_number(m, bytes, &frame, err);
}

static int remember(struct rt_pickle_machine *m, int bytes, struct rt_error *err)
{
    int64_t index = m->memo_count; /* MEMOIZE: the next */

    if (bytes)
        RT_TRY(take_number(m, bytes, &index, err));
    return rt_pickle_remember(m, index, err);
}

static int recall(struct rt_pickle_machine *m, int bytes, struct rt_error *err)
{
    int64_t index = 0;

    RT_TRY(take_number(m, bytes, &index, err));
    return rt_pickle_recall(m, index, err);
}

static int stop(struct rt_pickle_machine *m, int unused, struct rt_error *err)
{
    (void)unused;
    if (m->depth != 1 || m->stack[0].kind != RT_PICKLE_DICT)
        return rt_pickle_refuse(m, "ends with something other than a dictionary", err);
    if ((uint64_t)m->at != m->size)
        return rt_pickle_refuse(m, "there are bytes behind the end", err);
    m->done = true;
    return RT_OK;
}

/* All that may occur, with their names in Python's pickletools. */
static const struct instruction {
    uint8_t opcode;
    int (*execute)(struct rt_pickle_machine *m, int argument, struct rt_error *err);
    int argument;
} instructions[] = {
    {0x80, take_protocol, 1},         /* PROTO */
    {0x95, take_frame, 8},            /* FRAME */
    {'.', stop, 0},                   /* STOP */
    {'(', push_kind, RT_PICKLE_MARK}, /* MARK */
    {'N', push_kind, RT_PICKLE_NONE}, /* NONE */
    {0x88, push_boolean, 1},          /* NEWTRUE */
    {0x89, push_boolean, 0},          /* NEWFALSE */
    {'K', take_integer, 1},           /* BININT1 */
    {'M', take_integer, 2},           /* BININT2 */
    {'J', take_integer, 4},           /* BININT */
    {'U', take_string, 1},            /* SHORT_BINSTRING */
    {'C', take_string, 1},            /* SHORT_BINBYTES */
    {0x8c, take_string, 1},           /* SHORT_BINUNICODE */
    {'T', take_string, 4},            /* BINSTRING */
    {'B', take_string, 4},            /* BINBYTES */
    {'X', take_string, 4},            /* BINUNICODE */
    {0x8d, take_string, 8},           /* BINUNICODE8 */
    {0x8e, take_string, 8},           /* BINBYTES8 */
    {0x96, take_string, 8},           /* BYTEARRAY8 */
    {'}', push_dict, 0},              /* EMPTY_DICT */
    {']', push_list, 0},              /* EMPTY_LIST */
    {')', rt_pickle_make_tuple, 0},   /* EMPTY_TUPLE */
    {0x85, rt_pickle_make_tuple, 1},  /* TUPLE1 */
    {0x86, rt_pickle_make_tuple, 2},  /* TUPLE2 */
    {0x87, rt_pickle_make_tuple, 3},  /* TUPLE3 */
    {'t', combine_marked, 0},         /* TUPLE */
    {'e', combine_marked, 0},         /* APPENDS */
    {'u', combine_marked, 0},         /* SETITEMS */
    {'s', combine, 2},                /* SETITEM */
    {'a', combine, 1},                /* APPEND */
    {'R', combine, 1},                /* REDUCE */
    {'b', combine, 1},                /* BUILD */
    {'c', take_global, 0},            /* GLOBAL */
    {0x93, stack_global, 0},          /* STACK_GLOBAL */
    {'q', remember, 1},               /* BINPUT */
    {'r', remember, 4},               /* LONG_BINPUT */
    {0x94, remember, 0},              /* MEMOIZE */
    {'h', recall, 1},                 /* BINGET */
    {'j', recall, 4},                 /* LONG_BINGET */
};

static int execute(struct rt_pickle_machine *m, struct rt_error *err)
{
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
        if (instructions[i].opcode == m->opcode)
            return instructions[i].execute(m, instructions[i].argument, err);
    return rt_pickle_refuse(m, "not an instruction that such files have", err);
}

static int run(struct rt_pickle_machine *m, struct rt_pickle_batch *batch, struct rt_error *err)
{
    while (!m->done) {
        m->operation = m->at;
        RT_TRY(take(m, &m->opcode, 1, err));
        if (m->operation == 0 && m->opcode != 0x80)
            return rt_fail(err, RT_EDATA, "%s: not a pickle of protocol 2 or later" RT_PICKLE_ADVICE, m->path);
        RT_TRY(execute(m, err));
    }
    if (m->labels.kind != RT_PICKLE_LIST || m->data.kind != RT_PICKLE_ARRAY)
        return rt_fail(err, RT_EDATA, "%s: its dictionary has no %s" RT_PICKLE_ADVICE, m->path,
                       m->data.kind != RT_PICKLE_ARRAY ? "'data'" : "'labels'");
    const struct rt_pickle_list *labels = &m->list[m->labels.at];

    if (!labels->labels || labels->count != RT_PICKLE_IMAGES)
        return rt_fail(err, RT_EDATA, "%s: 'labels' is not a list of 10000 labels", m->path);
    batch->pixels_at = m->data.at;
    memcpy(batch->labels, labels->numbers, sizeof batch->labels);
    return RT_OK;
}

int rt_pickle_read(struct rt_pickle_batch *batch, const char *path, const char *name, struct rt_error *err)
{
    struct rt_pickle_machine *m;
    int rc;

    name = name ? name : path;
    if (!rt_path_is_file(path))
        return rt_fail(err, RT_EDATA, "%s: no such file, or not a regular one", name);
    RT_TRY(rt_alloc(&m, 1, sizeof *m, "a pickle's reader", err));
    m->path = name;
    if (!(rc = rt_file_size(path, &m->size, err)) && m->size > RT_PICKLE_FILE_BYTES_MAX)
        rc = rt_fail(err, RT_EDATA, "%s: %llu bytes, too many for a batch of CIFAR-10", name,
                     (unsigned long long)m->size);
    if (!rc && !(rc = rt_file_open(&m->fd, path, RT_OPEN_READ, err))) {
        rc = run(m, batch, err);
        rt_file_close_read(&m->fd);
    }
    rt_free(&m);
    return rc;
}
