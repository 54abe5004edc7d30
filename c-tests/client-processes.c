#include "client-processes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char clients_path[80];

void serve(void)
{
    snprintf(clients_path, sizeof(clients_path), "/tmp/mgm-c-clients-%ld", (long)getpid());
    OK(MgmHostServeClients(clients_path, 0600));
}

static struct process *start(const char *name, const char *value, uid_t user)
{
    struct process *process = calloc(1, sizeof(*process));
    int in[2], out[2];

    CHECK(pipe(in) == 0 && pipe(out) == 0);
    process->pid = fork();
    if (process->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        unsetenv("MGM_FORWARDER");
        setenv("MGM_ROUTER", clients_path, 1);
        if (name != NULL)
            setenv(name, value, 1);
        if (user != getuid() && setuid(user) != 0)
            _exit(126);
        execl("/proc/self/exe", "clients", "client", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    process->in = in[1];
    process->out = fdopen(out[0], "r");
    return process;
}

struct process *launch(void)
{
    return start(NULL, NULL, getuid());
}

struct process *launch_with(const char *name, const char *value)
{
    return start(name, value, getuid());
}

struct process *launch_as(uid_t user)
{
    return start(NULL, NULL, user);
}

struct process *launch_owner(void)
{
    struct process *process = launch();

    OK(ask(process, "register 80"));
    OK(ask(process, "take 2"));
    return process;
}

const char *await_line(struct process *process, const char *beginning)
{
    static char line[LINE];

    while (fgets(line, sizeof(line), process->out) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, beginning, strlen(beginning)) == 0)
            return line;
        if (process->count < HEARD)
            strcpy(process->heard[process->count++], line);
    }
    fail_check(__FILE__, __LINE__, "the client process has ended and did not say \"%s\"",
               beginning);
    return "";
}

void expect_heard(struct process *process, const char *what)
{
    for (size_t n = 0; n < process->count; n++)
        if (strcmp(process->heard[n], what) == 0)
            return;
    CHECK_TEXT(await_line(process, what), what);
}

DWORD ask(struct process *process, const char *command)
{
    CHECK(write(process->in, command, strlen(command)) == (ssize_t)strlen(command));
    CHECK(write(process->in, "\n", 1) == 1);
    return (DWORD)strtoul(await_line(process, "= ") + 2, NULL, 10);
}

void end_process(struct process *process, int signal_number)
{
    close(process->in);
    if (signal_number != 0)
        kill(process->pid, signal_number);
    waitpid(process->pid, NULL, 0);
    fclose(process->out);
    free(process);
}
