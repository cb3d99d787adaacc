/* The trackers that may follow a run besides console and metrics.csv. Each is one file in track/, which defines
 * rt_recorder_NAME, and one line here: look-up, validation, --help, the man page, the completion and
 * docs/config.md expand from this list. */
#ifndef RT_CONFIG_TRACKERS_H
#define RT_CONFIG_TRACKERS_H

/* X(name, what it is and how it is set up) */
#define RT_TRACKERS(X)                                                                                         \
    X(tensorboard, "event files in the run directory: tensorboard --logdir runs")                              \
    X(mlflow, "an MLflow server: MLFLOW_TRACKING_URI")                                                         \
    X(comet, "comet.com: COMET_API_KEY or ~/.comet.config")

/* Variables that set trackers up: X(variable, meaning) */
/* clang-format off */
#define RT_TRACKER_VARIABLES(X) \
    X("MLFLOW_TRACKING_URI", "MLflow's server; also MLFLOW_EXPERIMENT_NAME, MLFLOW_TRACKING_TOKEN and others, as MLflow's own client takes them") \
    X("COMET_API_KEY", "the key for Comet; also COMET_URL_OVERRIDE and others, as Comet's own client takes them")
/* clang-format on */

/* "tensorboard mlflow comet ", "tensorboard, mlflow, comet, ", and a line of help for each. */
#define RT_TRACKER_WORD(name, help) #name " "
#define RT_TRACKER_COMMA(name, help) #name ", "
#define RT_TRACKER_LINE(name, help) "  " #name ": " help "\n"
#define RT_TRACKER_WORDS RT_TRACKERS(RT_TRACKER_WORD)
#define RT_TRACKER_ENUMERATION RT_TRACKERS(RT_TRACKER_COMMA)
#define RT_TRACKER_LINES RT_TRACKERS(RT_TRACKER_LINE)

#endif
