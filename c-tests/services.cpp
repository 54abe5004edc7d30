// mgm.hpp on Linux: settings of the start, names of interfaces, and client processes.

extern "C" {
#include "harness.h"
}
#include <mgm.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void interfaces_have_names()
{
    const mgm::link lo = mgm::link_by_name("lo");
    CHECK(mgm::name_of(lo) == "lo");
    const auto missing = mgm::attempt([] { return mgm::link_by_name("nothing0"); });
    CHECK(!missing && missing.error().code() == ERROR_NOT_FOUND);
}

template <typename Call> bool is_invalid(Call call)
{
    try {
        call();
    } catch (const std::invalid_argument &) {
        return true;
    }
    return false;
}

// C itself would end these texts at their null character.
void texts_are_whole()
{
    const std::string text("lo\0x", 4);
    const std::basic_string<WCHAR> name{'a', 0, 'b'};
    mgm::host::settings settings;
    settings.router = text;
    CHECK(is_invalid([&] { mgm::link_by_name(text); }));
    CHECK(is_invalid([&] { mgm::host::start(settings); }));
    CHECK(is_invalid([&] { mgm::host::set_scope_name(mgm::address("239.0.0.0"), mgm::address("255.0.0.0"), name); }));
}

// The client process of services_and_settings: whether its registration is refused.
int is_refused()
{
    const auto registered = mgm::attempt([] { mgm::client(PROTO_IP_OSPF, 1); });
    return !registered && registered.error().code() == ERROR_CAN_NOT_COMPLETE ? 0 : 1;
}

// A client process serves no others, and its router has its own settings.
void services_and_settings()
{
    mgm::host::stop();
    mgm::host::settings settings;
    settings.forwarder = mgm::host::forwarder::memory;
    settings.max_flows = 17;
    settings.open_forwarder = true;
    settings.unicast_table = 254;
    mgm::host::start(settings);
    CHECK(mgm::host::status().find("\"max_flows\":17") != std::string::npos);
    const std::string path = "/tmp/mgm-classes-" + std::to_string(getpid());
    mgm::host::serve_status(path.c_str());
    mgm::host::serve_status(nullptr);
    mgm::host::client_service service;
    service.mode = 0600;
    service.answer = std::chrono::milliseconds(500);
    service.owner = geteuid();
    mgm::host::serve_clients_with(path.c_str(), service);
    mgm::host::set_client_filter([](const MGMHOST_CLIENT_REQUEST &) { return false; });
    const pid_t child = fork();
    if (child == 0) {
        setenv("MGM_ROUTER", path.c_str(), 1);
        unsetenv("MGM_FORWARDER");
        execl("/proc/self/exe", "classes", "is_refused", static_cast<char *>(nullptr));
        _exit(9);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    mgm::host::set_client_filter({});
    mgm::host::serve_clients(nullptr);
    mgm::host::stop();
    settings = {};
    settings.router = path;
    const auto started = mgm::attempt([&] { mgm::host::start(settings); });
    CHECK(!started && started.error().reason().find(path) != std::string::npos);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 1 && std::string(argv[1]) == "is_refused")
        return is_refused();
    static const struct test_case table[] = {CASE(interfaces_have_names), CASE(texts_are_whole), CASE(services_and_settings)};
    return RUN_CASES(table, argc, argv);
}
