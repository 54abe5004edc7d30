// A C++ exception that leaves a callback ends the process with one line that names the callback:
// rule 8.5 of the semantics. Each test throws in a child process.

extern "C" {
#include "router.h"
}
#include <mgmhost.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

const char *thrower;

void maybe_throw(const char *callback)
{
    if (std::strcmp(callback, thrower) == 0)
        throw std::runtime_error(callback);
}

extern "C" {
DWORD rpf(DWORD, DWORD, DWORD, DWORD, PDWORD, PDWORD, PDWORD, DWORD, PBYTE, PBYTE)
{
    maybe_throw("pfnRpfCallback");
    return 0;
}
DWORD creation(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, PMGM_IF_ENTRY)
{
    maybe_throw("pfnCreationAlertCallback");
    return 0;
}
DWORD prune(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, BOOL, PDWORD)
{
    maybe_throw("pfnPruneAlertCallback");
    return 0;
}
DWORD joined(DWORD, DWORD, DWORD, DWORD, BOOL)
{
    maybe_throw("pfnJoinAlertCallback");
    return 0;
}
DWORD wrong_if(DWORD, DWORD, DWORD, DWORD, DWORD, PBYTE)
{
    maybe_throw("pfnWrongIfCallback");
    return 0;
}
DWORD local_join(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD)
{
    maybe_throw("pfnLocalJoinCallback");
    return 0;
}
DWORD local_leave(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD)
{
    maybe_throw("pfnLocalLeaveCallback");
    return 0;
}
DWORD disable_igmp(DWORD, DWORD)
{
    maybe_throw("pfnDisableIgmpCallback");
    return 0;
}
DWORD enable_igmp(DWORD, DWORD)
{
    maybe_throw("pfnEnableIgmpCallback");
    return 0;
}
void log_line(void *, DWORD, const char *)
{
    maybe_throw("pfnLogCallback");
}
}

HANDLE client(DWORD protocol)
{
    ROUTING_PROTOCOL_CONFIG config;
    HANDLE handle = nullptr;

    std::memset(&config, 0, sizeof(config));
    config.pfnRpfCallback = rpf;
    config.pfnCreationAlertCallback = creation;
    config.pfnPruneAlertCallback = prune;
    config.pfnJoinAlertCallback = joined;
    config.pfnWrongIfCallback = wrong_if;
    config.pfnLocalJoinCallback = local_join;
    config.pfnLocalLeaveCallback = local_leave;
    config.pfnDisableIgmpCallback = disable_igmp;
    config.pfnEnableIgmpCallback = enable_igmp;
    MgmRegisterMProtocol(&config, protocol, 1, &handle);
    return handle;
}

// Causes every kind of callback.
void call_them_all()
{
    HANDLE a = client('A'), b = client('B'), i = client(PROTO_IP_IGMP);

    MgmHostSetLogCallback(log_line, nullptr);
    take(nullptr, 1);
    take(a, 1);
    take(i, 2);
    take(b, 2);
    route("10.0.0.0/8", 1, "10.0.1.1");
    join(i, "(*, 239.1.1.1)", 2);
    packet("(10.0.0.5, 239.1.1.1)", 1);
    packet("(10.0.0.5, 239.1.1.1)", 2);
    leave(i, "(*, 239.1.1.1)", 2);
}

// The child's stderr is the pipe, and it writes no core file. The child may use the library because
// the parent never has.
[[noreturn]] void be_child(int stderr_end)
{
    const rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    alarm(60);
    dup2(stderr_end, STDERR_FILENO);
    router_start();
    call_them_all();
    _exit(0);
}

bool says_one_line(const char *callback)
{
    const std::string expected =
        std::string("mgm: an exception left ") + callback +
        ": callbacks must catch their exceptions; the process is aborted\n";
    std::string said;
    char buffer[512];
    int ends[2], status = 0;
    ssize_t length;

    thrower = callback;
    if (pipe(ends) != 0)
        return false;
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        be_child(ends[1]);
    close(ends[1]);
    while ((length = read(ends[0], buffer, sizeof(buffer))) > 0)
        said.append(buffer, static_cast<size_t>(length));
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && said == expected)
        return true;
    std::printf("    status %#x, stderr: %s\n", status, said.c_str());
    return false;
}

bool good;

void expect_one_line(const char *callback)
{
    if (says_one_line(callback))
        return;
    std::printf("    %s: not the one line and the end of the process\n", callback);
    good = false;
}

void t8_5_an_exception_out_of_a_clients_callback()
{
    static const char *const callbacks[] = {
        "pfnRpfCallback",        "pfnCreationAlertCallback", "pfnPruneAlertCallback",
        "pfnJoinAlertCallback",  "pfnWrongIfCallback",       "pfnLocalJoinCallback",
        "pfnLocalLeaveCallback", "pfnDisableIgmpCallback",   "pfnEnableIgmpCallback",
    };

    for (const char *callback : callbacks)
        expect_one_line(callback);
}

void t8_5_an_exception_out_of_the_hosts_callback()
{
    expect_one_line("pfnLogCallback");
}

} // namespace

// Not the harness's main(), which uses the library in this process.
int main()
{
    static const test_case cases[] = {
        CASE(t8_5_an_exception_out_of_a_clients_callback),
        CASE(t8_5_an_exception_out_of_the_hosts_callback),
    };
    unsigned passed = 0, failed = 0;

    for (const test_case &test : cases) {
        good = true;
        test.run();
        std::printf("%s %s\n", good ? "ok  " : "FAIL", test.name);
        good ? passed++ : failed++;
    }
    std::printf("%u passed, %u failed, 0 skipped\n", passed, failed);
    return failed > 0;
}
