/* service.c - see service.h */
#define _GNU_SOURCE /* setresuid */

#include "service.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    socklen_t size = offsetof(struct sockaddr_un, sun_path);
    int fd;

    /* The address is a path, or a name in the abstract namespace if it begins with @. */
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    size += (socklen_t)strlen(path);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* An error is ignored: the service manager no longer listens. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, size);
    close(fd);
}

int service_watchdog_interval(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *limit = getenv("WATCHDOG_USEC");
    long long microseconds = limit != NULL ? atoll(limit) : 0;

    if (microseconds <= 0 || (pid != NULL && atoll(pid) != getpid()))
        return -1;
    /* Half of the limit, as sd_watchdog_enabled(3) advises. */
    return (int)(microseconds / 2000) + 1;
}

void service_log_callback(void *context, DWORD level, const char *text)
{
    /* For the journal, "<3>" at the start of a line is the priority (sd-daemon(3)). */
    static const char *const priority[] = {"", "", "<3>", "<4>", "<6>", "<7>", "<7>"};
    bool journal = getenv("JOURNAL_STREAM") != NULL;
    char line[1024];
    int length;

    (void)context;
    length = snprintf(line, sizeof line, "%s%s\n",
                      journal && level < sizeof priority / sizeof *priority ? priority[level] : "",
                      text);
    if (length >= (int)sizeof line) {
        length = sizeof line;
        line[length - 1] = '\n';
    }
    /* One write for each line, so that lines of several threads do not mix. */
    (void)!write(STDERR_FILENO, line, (size_t)length);
}

void service_log(DWORD level, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    service_log_callback(NULL, level, text);
}

bool service_become(const char *name)
{
    struct passwd *user = getpwnam(name);

    if (user == NULL) {
        service_log(MGMHOST_LOG_ERROR, "%s: no such user", name);
        return false;
    }
    /*
     * The C library changes the user of every thread, also of the library's threads, and the
     * kernel removes the capabilities of each thread that is no longer root. capset(2) would
     * change only the calling thread.
     */
    if (setgroups(0, NULL) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
        service_log(MGMHOST_LOG_ERROR, "cannot become %s: %s", name, strerror(errno));
        return false;
    }
    return true;
}
