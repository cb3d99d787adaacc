#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "data/pickle_machine.h"

int rt_pickle_refuse(const struct rt_pickle_machine *m, const char *what, struct rt_error *err)
{
    return rt_fail(err, RT_EDATA, "%s: byte %lld, instruction 0x%02x: %s" RT_PICKLE_ADVICE, m->path,
                   (long long)m->operation, m->opcode, what);
}

/* ---- the stack ---- */

int rt_pickle_push(struct rt_pickle_machine *m, struct rt_pickle_value value, struct rt_error *err)
{
    if (m->depth == RT_PICKLE_STACK_MAX)
        return rt_pickle_refuse(m, "more on the stack than such a file needs", err);
    m->stack[m->depth++] = value;
    return RT_OK;
}

int rt_pickle_push_kind(struct rt_pickle_machine *m, enum rt_pickle_kind kind, struct rt_error *err)
{
    return rt_pickle_push(m, (struct rt_pickle_value){.kind = kind}, err);
}

int rt_pickle_pop(struct rt_pickle_machine *m, struct rt_pickle_value *value, struct rt_error *err)
{
    if (!m->depth || m->stack[m->depth - 1].kind == RT_PICKLE_MARK)
        return rt_pickle_refuse(m, "takes from an empty stack", err);
    *value = m->stack[--m->depth];
    return RT_OK;
}

int rt_pickle_pop_to_mark(struct rt_pickle_machine *m, int *first, int *count, struct rt_error *err)
{
    int at = m->depth;

    while (at > 0 && m->stack[at - 1].kind != RT_PICKLE_MARK)
        at--;
    if (!at)
        return rt_pickle_refuse(m, "there is no mark", err);
    *first = at;
    *count = m->depth - at;
    m->depth = at - 1;
    return RT_OK;
}

int rt_pickle_push_tuple(struct rt_pickle_machine *m, const struct rt_pickle_value *elements, int count,
                         struct rt_error *err)
{
    const struct rt_pickle_value tuple = {RT_PICKLE_TUPLE, m->arena_count, count};

    if (count > RT_PICKLE_ARENA_MAX - m->arena_count)
        return rt_pickle_refuse(m, "more tuples than such a file needs", err);
    memmove(&m->arena[m->arena_count], elements, (size_t)count * sizeof *elements);
    m->arena_count += count;
    return rt_pickle_push(m, tuple, err);
}

int rt_pickle_make_tuple(struct rt_pickle_machine *m, int count, struct rt_error *err)
{
    for (int i = 1; i <= count; i++)
        if (m->depth < i || m->stack[m->depth - i].kind == RT_PICKLE_MARK)
            return rt_pickle_refuse(m, "takes from an empty stack", err);
    m->depth -= count;
    return rt_pickle_push_tuple(m, &m->stack[m->depth], count, err);
}

int rt_pickle_remember(struct rt_pickle_machine *m, int64_t index, struct rt_error *err)
{
    if (!m->depth || m->stack[m->depth - 1].kind == RT_PICKLE_MARK)
        return rt_pickle_refuse(m, "there is nothing to remember", err);
    if (index >= RT_PICKLE_MEMO_MAX)
        return rt_pickle_refuse(m, "remembers more than such a file has", err);
    m->memo[index] = m->stack[m->depth - 1];
    m->memo_count++;
    return RT_OK;
}

int rt_pickle_recall(struct rt_pickle_machine *m, int64_t index, struct rt_error *err)
{
    if (index >= RT_PICKLE_MEMO_MAX || m->memo[index].kind == RT_PICKLE_NOTHING)
        return rt_pickle_refuse(m, "recalls what was never remembered", err);
    return rt_pickle_push(m, m->memo[index], err);
}

int rt_pickle_read_string(struct rt_pickle_machine *m, const struct rt_pickle_value *string,
                          char text[RT_PICKLE_TEXT_MAX], struct rt_error *err)
{
    const size_t length = string->number < RT_PICKLE_TEXT_MAX ? (size_t)string->number : 0;

    memset(text, 0, RT_PICKLE_TEXT_MAX);
    if (pread(m->fd, text, length, (off_t)string->at) != (ssize_t)length)
        return rt_fail(err, RT_EIO, "%s: cannot read at byte %lld", m->path, (long long)string->at);
    return RT_OK;
}

/* ---- objects ---- */

int rt_pickle_push_list(struct rt_pickle_machine *m, struct rt_error *err)
{
    if (m->lists == RT_PICKLE_LISTS_MAX)
        return rt_pickle_refuse(m, "more lists than such a file has", err);
    m->list[m->lists].labels = true;
    return rt_pickle_push(m, (struct rt_pickle_value){.kind = RT_PICKLE_LIST, .at = m->lists++}, err);
}

int rt_pickle_append(struct rt_pickle_machine *m, const struct rt_pickle_value *list,
                     const struct rt_pickle_value *elements, int count, struct rt_error *err)
{
    if (list->kind != RT_PICKLE_LIST)
        return rt_pickle_refuse(m, "appends to what is no list", err);
    struct rt_pickle_list *to = &m->list[list->at];

    if (count > RT_PICKLE_IMAGES - to->count)
        return rt_pickle_refuse(m, "a list of more than 10000 elements", err);
    for (int i = 0; i < count; i++) {
        const bool label =
            elements[i].kind == RT_PICKLE_NUMBER && elements[i].number >= 0 && elements[i].number <= UINT8_MAX;

        if (!label && elements[i].kind != RT_PICKLE_STRING)
            return rt_pickle_refuse(m, "a list of other than labels or names", err);
        to->labels = to->labels && label;
        to->numbers[to->count++] = label ? (uint8_t)elements[i].number : 0;
    }
    return RT_OK;
}

static int set_item(struct rt_pickle_machine *m, const struct rt_pickle_value *key,
                    const struct rt_pickle_value *value, struct rt_error *err)
{
    char text[RT_PICKLE_TEXT_MAX], what[96];

    if (key->kind != RT_PICKLE_STRING)
        return rt_pickle_refuse(m, "a key that is no string", err);
    RT_TRY(rt_pickle_read_string(m, key, text, err));
    if (!strcmp(text, "labels") && value->kind == RT_PICKLE_LIST)
        m->labels = *value;
    else if (!strcmp(text, "data") && value->kind == RT_PICKLE_ARRAY)
        m->data = *value;
    else if ((strcmp(text, "batch_label") || value->kind != RT_PICKLE_STRING) &&
             (strcmp(text, "filenames") || value->kind != RT_PICKLE_LIST)) {
        text[rt_utf8_plain_prefix(text, strlen(text))] = '\0';
        snprintf(what, sizeof what, "a dictionary with '%s', or another kind of value there", text);
        return rt_pickle_refuse(m, what, err);
    }
    return RT_OK;
}

int rt_pickle_set_items(struct rt_pickle_machine *m, const struct rt_pickle_value *dict,
                        const struct rt_pickle_value *items, int count, struct rt_error *err)
{
    if (dict->kind != RT_PICKLE_DICT || count % 2)
        return rt_pickle_refuse(m, "sets items of what is no dictionary", err);
    for (int i = 0; i < count; i += 2)
        RT_TRY(set_item(m, &items[i], &items[i + 1], err));
    return RT_OK;
}

int rt_pickle_push_global(struct rt_pickle_machine *m, const char *module, const char *name,
                          struct rt_error *err)
{
    static const struct {
        const char *module, *name;
        enum rt_pickle_kind kind;
    } known[] = {
        {"numpy.core.multiarray", "_reconstruct", RT_PICKLE_RECONSTRUCT},
        {"numpy._core.multiarray", "_reconstruct", RT_PICKLE_RECONSTRUCT},
        {"numpy.core.numeric", "_frombuffer", RT_PICKLE_FROM_BUFFER},
        {"numpy._core.numeric", "_frombuffer", RT_PICKLE_FROM_BUFFER},
        {"numpy", "ndarray", RT_PICKLE_NDARRAY},
        {"numpy", "dtype", RT_PICKLE_DTYPE},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].module, module) && !strcmp(known[i].name, name))
            return rt_pickle_push_kind(m, known[i].kind, err);
    return rt_pickle_refuse(
        m, "names a function or class; none is called, and only NumPy's array and dtype may be named", err);
}

static const struct rt_pickle_value *element(const struct rt_pickle_machine *m,
                                             const struct rt_pickle_value *tuple, int i)
{
    static const struct rt_pickle_value none;

    return tuple->kind == RT_PICKLE_TUPLE && i < tuple->number ? &m->arena[tuple->at + i] : &none;
}

static bool is_shape(const struct rt_pickle_machine *m, const struct rt_pickle_value *shape)
{
    return shape->kind == RT_PICKLE_TUPLE && shape->number == 2 &&
           element(m, shape, 0)->kind == RT_PICKLE_NUMBER && element(m, shape, 0)->number == RT_PICKLE_IMAGES &&
           element(m, shape, 1)->kind == RT_PICKLE_NUMBER &&
           element(m, shape, 1)->number == RT_PICKLE_IMAGE_BYTES;
}

static int make_array(struct rt_pickle_machine *m, const struct rt_pickle_value *bytes,
                      const struct rt_pickle_value *dtype, const struct rt_pickle_value *shape, bool in_order,
                      struct rt_pickle_value *array, struct rt_error *err)
{
    if (bytes->kind != RT_PICKLE_STRING || bytes->number != (int64_t)RT_PICKLE_IMAGES * RT_PICKLE_IMAGE_BYTES ||
        dtype->kind != RT_PICKLE_BYTES || !in_order || !is_shape(m, shape))
        return rt_pickle_refuse(m, "an array other than uint8 of 10000 x 3072, row by row", err);
    *array = (struct rt_pickle_value){.kind = RT_PICKLE_ARRAY, .at = bytes->at};
    return RT_OK;
}

int rt_pickle_call(struct rt_pickle_machine *m, const struct rt_pickle_value *called,
                   const struct rt_pickle_value *arguments, struct rt_error *err)
{
    struct rt_pickle_value made = {0};
    char text[RT_PICKLE_TEXT_MAX];

    switch (called->kind) {
    case RT_PICKLE_DTYPE:
        if (element(m, arguments, 0)->kind != RT_PICKLE_STRING)
            return rt_pickle_refuse(m, "a dtype without a name", err);
        RT_TRY(rt_pickle_read_string(m, element(m, arguments, 0), text, err));
        if (strcmp(text, "u1") != 0)
            return rt_pickle_refuse(m, "an array of another type than uint8", err);
        return rt_pickle_push_kind(m, RT_PICKLE_BYTES, err);
    case RT_PICKLE_RECONSTRUCT:
        if (element(m, arguments, 0)->kind != RT_PICKLE_NDARRAY)
            return rt_pickle_refuse(m, "an array of another class than NumPy's", err);
        return rt_pickle_push_kind(m, RT_PICKLE_EMPTY, err);
    case RT_PICKLE_FROM_BUFFER:
        if (element(m, arguments, 3)->kind == RT_PICKLE_STRING)
            RT_TRY(rt_pickle_read_string(m, element(m, arguments, 3), text, err));
        else
            text[0] = '\0';
        RT_TRY(make_array(m, element(m, arguments, 0), element(m, arguments, 1), element(m, arguments, 2),
                          !strcmp(text, "C"), &made, err));
        return rt_pickle_push(m, made, err);
    default:
        return rt_pickle_refuse(m, "calls what may not be called", err);
    }
}

/* BUILD: an array's state is (version, shape, dtype, in Fortran's order, bytes); a dtype's says its byte order.
 */
int rt_pickle_build(struct rt_pickle_machine *m, const struct rt_pickle_value *state, struct rt_error *err)
{
    struct rt_pickle_value *object = m->depth ? &m->stack[m->depth - 1] : NULL;

    if (object && object->kind == RT_PICKLE_BYTES && state->kind == RT_PICKLE_TUPLE)
        return RT_OK;
    if (!object || object->kind != RT_PICKLE_EMPTY)
        return rt_pickle_refuse(m, "gives a state to what has none", err);
    const struct rt_pickle_value *fortran = element(m, state, 3);

    return make_array(m, element(m, state, 4), element(m, state, 2), element(m, state, 1),
                      fortran->kind == RT_PICKLE_NUMBER && !fortran->number, object, err);
}

int rt_pickle_push_dict(struct rt_pickle_machine *m, struct rt_error *err)
{
    if (m->has_dict)
        return rt_pickle_refuse(m, "a second dictionary", err);
    m->has_dict = true;
    return rt_pickle_push_kind(m, RT_PICKLE_DICT, err);
}
