#include "track/tensorboard/hparams.h"

#include "config/metrics.h"
#include "track/params.h"

enum { METADATA_PLUGIN_DATA = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { HPARAMS_EXPERIMENT = 2, HPARAMS_SESSION_START = 3, HPARAMS_SESSION_END = 4 };
enum { EXPERIMENT_HPARAM_INFO = 4, EXPERIMENT_METRIC_INFO = 5 };
enum { HPARAM_NAME = 1, HPARAM_TYPE = 4, HPARAM_TEXT = 1, HPARAM_BOOL = 2, HPARAM_NUMBER = 3 };
enum { METRIC_NAME = 1, METRIC_DISPLAY_NAME = 3, METRIC_NAME_TAG = 2 };
enum { START_HPARAMS = 1, START_GROUP = 4, START_TIME = 5, MAP_KEY = 1, MAP_VALUE = 2 };
enum { VALUE_NUMBER = 2, VALUE_TEXT = 3, VALUE_BOOL = 4 };
enum { END_STATUS = 1, END_TIME = 2, END_SUCCESS = 1, END_FAILURE = 2, END_RUNNING = 3 };

/* Tags whose values the page shows next to the hyper-parameters, besides the metrics' last values. */
static const struct {
    const char *tag, *display_name;
} outcomes[] = {
    {"threshold/epoch", "epochs to overfit"},
    {"threshold/test_accuracy", "test accuracy at the threshold"},
};

struct open_value {
    size_t value, metadata, plugin_data, content, message;
};

/* Opens Value { tag, metadata { plugin_data { "hparams", content { message `field` ... */
static struct open_value begin_value(struct rt_pb *pb, const char *tag, int field)
{
    struct open_value open;

    open.value = rt_pb_begin(pb, RT_SUMMARY_VALUE);
    rt_pb_text(pb, RT_VALUE_TAG, tag);
    open.metadata = rt_pb_begin(pb, RT_VALUE_METADATA);
    open.plugin_data = rt_pb_begin(pb, METADATA_PLUGIN_DATA);
    rt_pb_text(pb, PLUGIN_NAME, "hparams");
    open.content = rt_pb_begin(pb, PLUGIN_CONTENT);
    open.message = rt_pb_begin(pb, field);
    return open;
}

/* ... and closes it, with the empty float tensor (type float, shape [0]) that readers want to see. */
static void end_value(struct rt_pb *pb, struct open_value open)
{
    static const unsigned char empty[] = {0x08, 0x01, 0x12, 0x02, 0x12, 0x00};

    rt_pb_end(pb, open.message);
    rt_pb_end(pb, open.content);
    rt_pb_end(pb, open.plugin_data);
    rt_pb_end(pb, open.metadata);
    rt_pb_bytes(pb, RT_VALUE_TENSOR, empty, sizeof empty);
    rt_pb_end(pb, open.value);
}

static void add_metric(struct rt_pb *pb, const char *tag, const char *display_name)
{
    const size_t metric = rt_pb_begin(pb, EXPERIMENT_METRIC_INFO), name = rt_pb_begin(pb, METRIC_NAME);

    rt_pb_text(pb, METRIC_NAME_TAG, tag);
    rt_pb_end(pb, name);
    rt_pb_text(pb, METRIC_DISPLAY_NAME, display_name);
    rt_pb_end(pb, metric);
}

static void add_experiment(struct rt_pb *pb, const struct rt_param *params, int count)
{
    static const int types[] = {
        [RT_PARAM_TEXT] = HPARAM_TEXT, [RT_PARAM_BOOL] = HPARAM_BOOL, [RT_PARAM_NUMBER] = HPARAM_NUMBER};
    const struct open_value open = begin_value(pb, "_hparams_/experiment", HPARAMS_EXPERIMENT);

    for (int i = 0; i < count; i++) {
        const size_t hparam = rt_pb_begin(pb, EXPERIMENT_HPARAM_INFO);

        rt_pb_text(pb, HPARAM_NAME, params[i].name);
        rt_pb_integer(pb, HPARAM_TYPE, types[params[i].kind]);
        rt_pb_end(pb, hparam);
    }
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        add_metric(pb, outcomes[i].tag, outcomes[i].display_name);
    for (int i = 0; i < RT_METRIC_COUNT; i++)
        if (*rt_metrics[i].column)
            add_metric(pb, rt_metrics[i].whole_tag, rt_metrics[i].column);
    end_value(pb, open);
}

static void add_hparam(struct rt_pb *pb, const struct rt_param *param)
{
    const size_t entry = rt_pb_begin(pb, START_HPARAMS);
    size_t value;

    rt_pb_text(pb, MAP_KEY, param->name);
    value = rt_pb_begin(pb, MAP_VALUE);
    if (param->kind == RT_PARAM_TEXT)
        rt_pb_text(pb, VALUE_TEXT, param->text);
    else if (param->kind == RT_PARAM_BOOL)
        rt_pb_integer(pb, VALUE_BOOL, param->number != 0);
    else
        rt_pb_double(pb, VALUE_NUMBER, param->number);
    rt_pb_end(pb, value);
    rt_pb_end(pb, entry);
}

int rt_hparams_write_start(struct rt_tfevents *events, const struct rt_run_info *info, double wall_time_s,
                           struct rt_error *err)
{
    struct rt_param params[RT_PARAMS_MAX];
    char group[RT_TEXT_MAX];
    const int count = rt_params_list(info->experiment, params);
    struct open_value open;

    rt_params_group(info->experiment, group);
    rt_tfevents_begin(events, wall_time_s, 0);
    add_experiment(&events->event, params, count);
    open = begin_value(&events->event, "_hparams_/session_start_info", HPARAMS_SESSION_START);
    for (int i = 0; i < count; i++)
        add_hparam(&events->event, &params[i]);
    rt_pb_text(&events->event, START_GROUP, group);
    rt_pb_double(&events->event, START_TIME, wall_time_s);
    end_value(&events->event, open);
    return rt_tfevents_write(events, err);
}

int rt_hparams_write_end(struct rt_tfevents *events, enum rt_status status, double wall_time_s,
                         struct rt_error *err)
{
    const int end = status == RT_OK ? END_SUCCESS : status == RT_EINTERRUPTED ? END_RUNNING : END_FAILURE;
    struct open_value open;

    rt_tfevents_begin(events, wall_time_s, 0);
    open = begin_value(&events->event, "_hparams_/session_end_info", HPARAMS_SESSION_END);
    rt_pb_integer(&events->event, END_STATUS, end);
    rt_pb_double(&events->event, END_TIME, wall_time_s);
    end_value(&events->event, open);
    return rt_tfevents_write(events, err);
}
