/* How far a run is, from the end of its metrics.csv. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep/sweep.h"
#include "track/metrics.h"

/* Fields: step,epoch,batch,train_loss,train_acc,... */
static void parse_line(struct rt_sweep_progress *progress, const char *line, double batches)
{
    double fields[5];
    for (int i = 0; i < 5; i++) {
        char *end;
        fields[i] = strtod(line, &end);
        if (end == line)
            fields[i] = NAN;
        line = end + strcspn(end, ",");
        line += *line == ',';
    }
    progress->epochs = fields[1] - 1 + (fields[2] + 1) / batches;
    progress->train_loss = fields[3];
    progress->train_acc = fields[4];
}

void rt_sweep_read_progress(struct rt_sweep_progress *progress, const struct rt_sweep_run *run)
{
    char path[RT_PATH_MAX], tail[513];
    *progress = (struct rt_sweep_progress){NAN, NAN, NAN};
    if (rt_path_join(path, run->directory, RT_METRICS_FILE, NULL))
        return;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    const off_t size = lseek(fd, 0, SEEK_END);
    const off_t from = size > 512 ? size - 512 : 0;
    const ssize_t got = size > 0 ? pread(fd, tail, 512, from) : 0;
    close(fd);
    if (got <= 0)
        return;
    tail[got] = 0;
    char *end = strrchr(tail, '\n'); /* what follows is still being written */
    if (!end)
        return;
    *end = 0;
    const char *line = strrchr(tail, '\n');
    if (line) /* else it is the header alone */
        parse_line(progress, line + 1, run->steps_per_epoch);
}
