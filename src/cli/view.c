/* rethink view: the layers of an experiment's network, their parameters, work and memory. */
#include "cli/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/experiment_args.h"
#include "cli/output.h"
#include "data/source.h"
#include "net/models.h"

enum { NAME_WIDTH_MIN = 12, NAME_WIDTH_MAX = 32, NUMBER_MAX = 40, FLOAT_BYTES = 4 };

/* 1209866 -> "1,209,866" in out[NUMBER_MAX]. */
static const char *with_commas(char *out, uint64_t number)
{
    char digits[NUMBER_MAX];
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    int at = 0;

    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* Bytes as "4.6 MiB" in out[NUMBER_MAX]. */
static const char *as_size(char *out, double bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    int unit = 0;

    while (bytes >= 1024 && unit < 3) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, NUMBER_MAX, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

static uint64_t node_parameters(const struct rt_graph *graph, const struct rt_node *node)
{
    uint64_t count = 0;

    for (int i = 0; i < node->tensor_count; i++) {
        const struct rt_tensor *tensor = &graph->tensors[node->tensors[i]];

        if (rt_tensor_is_parameter(tensor->role))
            count += tensor->count;
    }
    return count;
}

static void append_shape(struct rt_text *text, struct rt_shape shape, int width)
{
    char written[NUMBER_MAX];

    if (shape.height == 1 && shape.width == 1)
        snprintf(written, sizeof written, "%d", shape.channels);
    else
        snprintf(written, sizeof written, "%d x %d x %d", shape.channels, shape.height, shape.width);
    rt_text_printf(text, "%*s", width, written);
}

static void append_node(struct rt_text *text, const struct rt_graph *graph, const struct rt_node *node,
                        int width, uint64_t all_parameters)
{
    const uint64_t parameters = node_parameters(graph, node);
    const uint64_t work = node->op->multiply_adds ? node->op->multiply_adds(graph, node) : 0;
    char number[NUMBER_MAX];

    rt_text_printf(text, "%-*s  %-21s  ", width, node->name, node->op->name);
    append_shape(text, node->shape, 13);
    if (parameters)
        rt_text_printf(text, "  %10s  %5.1f %%", with_commas(number, parameters),
                       100.0 * (double)parameters / (double)all_parameters);
    else
        rt_text_printf(text, "  %10s  %7s", "", "");
    if (work)
        rt_text_printf(text, "  %13s", with_commas(number, work));
    while (text->length && text->bytes[text->length - 1] == ' ')
        text->bytes[--text->length] = '\0';
    rt_text_append(text, "\n");
}

/* Activations are the outputs of all layers but the loss; training also keeps one gradient of each, and
 * momentum and gradient of each parameter. An engine may need less (by sharing) or more (for its packed
 * copies). */
static void append_totals(struct rt_text *text, const struct rt_experiment *experiment,
                          const struct rt_graph *graph)
{
    const double parameters = FLOAT_BYTES * (double)rt_graph_parameter_count(graph);
    double activations = 0;
    char a[NUMBER_MAX], b[NUMBER_MAX];

    for (int i = 0; i + 1 < graph->node_count; i++)
        activations += FLOAT_BYTES * (double)rt_shape_count(graph->nodes[i].shape);
    rt_text_printf(text, "\nparameters      %s\n", with_commas(a, rt_graph_parameter_count(graph)));
    rt_text_printf(text, "multiply-adds   %s forward, per image\n",
                   with_commas(a, rt_graph_multiply_adds(graph)));
    rt_text_printf(text, "memory          parameters %s, with gradients and momentum %s\n",
                   as_size(a, parameters), as_size(b, 3 * parameters));
    rt_text_printf(text, "                activations %s per image, %s in a batch of %" PRId64 "\n",
                   as_size(a, activations), as_size(b, activations * (double)experiment->batch_size),
                   experiment->batch_size);
}

static int name_width(const struct rt_graph *graph)
{
    int width = NAME_WIDTH_MIN;

    for (int i = 0; i < graph->node_count; i++)
        if ((int)strlen(graph->nodes[i].name) > width)
            width = (int)strlen(graph->nodes[i].name);
    return width < NAME_WIDTH_MAX ? width : NAME_WIDTH_MAX;
}

int rt_view_print(const struct rt_experiment *experiment, const char *data, struct rt_error *err)
{
    const struct rt_model *model = rt_model_find(experiment->model_name);
    struct rt_model_options options = {.batch_norm = experiment->bn, .dropout = (float)experiment->dropout};
    const struct rt_source_kind *kind;
    struct rt_graph graph = {0};
    struct rt_text text = {0};
    int rc, width;

    if (!model)
        return rt_fail(err, RT_ECONFIG, "there is no model '%s'", experiment->model_name);
    RT_TRY(rt_source_find_kind(&kind, data, err));
    options.channels = kind->channels;
    if ((rc = rt_model_build(&graph, model, &options, err)))
        goto done;
    width = name_width(&graph);
    rt_text_printf(&text, "%s: %s, %s\n\n", experiment->experiment_name, model->name, model->help);
    rt_text_printf(&text, "%-*s  %-21s  %13s  %10s  %7s  %13s\n", width, "name", "kind", "output", "parameters",
                   "share", "multiply-adds");
    for (int i = 0; i < graph.node_count; i++)
        append_node(&text, &graph, &graph.nodes[i], width, rt_graph_parameter_count(&graph));
    append_totals(&text, experiment, &graph);
    rc = rt_output_text(&text, err);
done:
    rt_graph_free(&graph);
    return rc;
}

static int list_models(struct rt_error *err)
{
    struct rt_text text = {0};

    for (int i = 0; rt_models[i]; i++) {
        const char *aliases = rt_models[i]->aliases;

        rt_text_printf(&text, "%-10s  %s%s%s%s\n", rt_models[i]->name, rt_models[i]->help,
                       *aliases ? " (also: " : "", aliases, *aliases ? ")" : "");
    }
    return rt_output_text(&text, err);
}

static int run_view(const struct rt_arguments *arguments, struct rt_error *err)
{
    struct rt_experiment experiment;

    if (rt_argument_flag(arguments, "models"))
        return list_models(err);
    RT_TRY(rt_experiment_from_arguments(&experiment, arguments, err));
    return rt_view_print(&experiment, rt_argument(arguments, "data"), err);
}

static const struct rt_option options_table[] = {
    RT_EXPERIMENT_OPTIONS,
    RT_OPTION_DATA,
    {"models", 0, NULL, NULL, "print the models that there are"},
    {0},
};

const struct rt_command rt_command_view = {
    .name = "view",
    .operands = "EXPERIMENT",
    .operands_max = 1,
    .operand_values = RT_EXPERIMENT_VALUES,
    .summary = "Show a network layer by layer, with parameters, work and memory.",
    .description =
        "Nothing is trained. Multiply-adds are those of one image's forward pass; an output of channels x "
        "rows x columns is one image's. Images are of 28 x 28, in as many channels as --data's have (default: "
        "what "
        "train would read, 3 for CIFAR-10); named ones need not be installed.",
    .examples = "rethink view Inception_bnFalse             # a built-in experiment's network\n"
                "rethink view --config my.yaml              # that of a config file\n"
                "rethink view MLP1_0.0_none --set dropout=0.5\n"
                "rethink view WRN_0.0_none --data mnist     # for grey images",
    .options = options_table,
    .run = run_view,
};
