/* LD_PRELOAD: a file system without locks. RT_NO_LOCKS=ENOSYS, ENOLCK or EOPNOTSUPP is what each lock fails
 * with. */
#undef _FILE_OFFSET_BITS /* it makes fcntl another name of fcntl64; both are wanted here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static int refuse(void)
{
    const char *name = getenv("RT_NO_LOCKS");

    errno = !name                         ? ENOLCK
            : !strcmp(name, "ENOSYS")     ? ENOSYS
            : !strcmp(name, "EOPNOTSUPP") ? EOPNOTSUPP
                                          : ENOLCK;
    return -1;
}

static int is_lock(int command)
{
    return command == F_GETLK || command == F_SETLK || command == F_SETLKW || command == F_OFD_GETLK ||
           command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

int flock(int fd, int operation)
{
    (void)fd, (void)operation;
    return refuse();
}

#define FCNTL(name)                                                                                            \
    int name(int fd, int command, ...)                                                                         \
    {                                                                                                          \
        static int (*real)(int, int, void *);                                                                  \
        va_list arguments;                                                                                     \
        void *argument;                                                                                        \
                                                                                                               \
        if (is_lock(command))                                                                                  \
            return refuse();                                                                                   \
        if (!real)                                                                                             \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                         \
        va_start(arguments, command);                                                                          \
        argument = va_arg(arguments, void *);                                                                  \
        va_end(arguments);                                                                                     \
        return real(fd, command, argument);                                                                    \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
