/* What a tracker has to say when it loses its service: one line, and training goes on. */
#ifndef RT_TRACK_WARN_H
#define RT_TRACK_WARN_H

void rt_track_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rt_track_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
