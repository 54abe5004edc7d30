// mgm.hpp: clients that deregister in their destructor, lambdas as callbacks, codes as exceptions.

extern "C" {
#include "harness.h"
}
#include <mgm.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

const mgm::flow star_g{0, mgm::address("239.1.2.3")};
const mgm::flow s_g{mgm::address("10.0.0.5"), star_g.group};

// Whether something throws an mgm::error with this code.
bool refuses(DWORD code, const std::function<void()> &call)
{
    try {
        call();
    } catch (const mgm::error &e) {
        return e.code() == code && std::string(e.what()).find(e.function()) == 0;
    }
    return false;
}

// Sources are behind a gateway on interface 1; the group is joined on interface 2.
struct router {
    mgm::client inner, outer;
    explicit router(mgm::callbacks in = {}, mgm::callbacks out = {})
        : inner(PROTO_IP_OSPF, 1, std::move(in)), outer(PROTO_IP_BGMP, 1, std::move(out))
    {
        inner.take(1);
        outer.take(2);
        outer.join(2, star_g);
        mgm::host::add_route(mgm::address("10.0.0.0"), mgm::address("255.0.0.0"), 1, mgm::address("192.0.2.1"));
    }
};

void addresses()
{
    CHECK(mgm::text(mgm::address("10.0.0.255")) == "10.0.0.255");
    CHECK(text(s_g) == "(10.0.0.5, 239.1.2.3)" && text(star_g) == "(*, 239.1.2.3)");
    for (const char *wrong : {"", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.", "a.b.c.d", "1.2.3.-4", "1.2.3.4 "}) {
        bool refused = false;
        try {
            mgm::address(wrong);
        } catch (const std::invalid_argument &) {
            refused = true;
        }
        if (!refused)
            fail_check(__FILE__, __LINE__, "\"%s\" is taken for an address", wrong);
    }
}

void codes_are_exceptions()
{
    mgm::client p(PROTO_IP_OSPF, 1);
    CHECK(refuses(ERROR_ALREADY_EXISTS, [] { mgm::client(PROTO_IP_OSPF, 1); }));
    CHECK(refuses(ERROR_INVALID_PARAMETER, [&] { p.take(0); }));
    CHECK(refuses(ERROR_NOT_FOUND, [&] { p.leave(1, star_g); }));
}

void clients_leave_by_themselves()
{
    {
        mgm::client p(PROTO_IP_OSPF, 1);
        p.take(1);
        p.take({2, mgm::address("10.9.0.1")});
        p.release(1);
        p.take(1);
    }
    DWORD protocol, component;
    CHECK_CODE(MgmGetProtocolOnInterface(1, 0, &protocol, &component), ERROR_NOT_FOUND);
    mgm::client again(PROTO_IP_OSPF, 1);
    again.close();
    again.close();
}

void answers_count()
{
    std::vector<std::string> heard;
    mgm::callbacks in, out;
    in.rpf = [&](const mgm::flow &f, mgm::incoming &i, mgm::header h) {
        heard.push_back("rpf " + text(f) + ' ' + mgm::text(i.upstream) + ' ' + std::to_string(h.size));
        i.upstream = mgm::address("192.0.2.9");
    };
    in.prune_alert = [&](const mgm::flow &f, const mgm::link &l, bool nobody_else, std::chrono::seconds &timeout) {
        heard.push_back("prune " + text(f) + ' ' + std::to_string(l.index) + (nobody_else ? " nobody" : " nowhere"));
        timeout = std::chrono::minutes(1);
    };
    out.creation_alert = [&](const mgm::flow &f, const mgm::link &l, MGM_IF_ENTRY *entries, DWORD count) {
        heard.push_back("creation " + text(f) + ' ' + std::to_string(l.index) + ' ' + std::to_string(count));
        entries[0].bIsEnabled = FALSE;
    };
    const router r(in, out);
    const BYTE bytes[20] = {0x45, 0, 0, 100, 0, 0, 0, 0, 64};
    const auto decision = mgm::host::packet_in(s_g, 1, {bytes, sizeof bytes}, 100);
    CHECK(decision.accepted && decision.out.empty());
    CHECK((heard == std::vector<std::string>{"rpf (10.0.0.5, 239.1.2.3) 192.0.2.1 20",
                                             "creation (10.0.0.5, 239.1.2.3) 1 1",
                                             "prune (10.0.0.5, 239.1.2.3) 1 nowhere"}));
    const auto mfes = mgm::mfes();
    CHECK_EQ(mfes.size(), 1);
    CHECK(mfes[0].timeout() == std::chrono::minutes(1) && mfes[0].expires_in() <= mfes[0].timeout());
    CHECK(mgm::text(mfes[0].head.dwUpStrmNgbr) == "192.0.2.9" && mfes[0].out.empty());
}

void what_is_told()
{
    std::vector<std::string> heard;
    const auto note = [&](const char *what) {
        return [&heard, what](const mgm::flow &f, const mgm::link &l) {
            heard.push_back(what + text(f) + ' ' + std::to_string(l.index));
        };
    };
    mgm::callbacks igmp, out;
    igmp.disable_igmp = [&](const mgm::link &l) { heard.push_back("disable " + std::to_string(l.index)); };
    igmp.enable_igmp = [&](const mgm::link &l) { heard.push_back("enable " + std::to_string(l.index)); };
    out.local_join = note("join ");
    out.local_leave = note("leave ");
    out.wrong_if = [&](const mgm::flow &f, const mgm::link &l, mgm::header) {
        heard.push_back("wrong " + text(f) + ' ' + std::to_string(l.index));
    };
    mgm::client igmp_client(PROTO_IP_IGMP, 0, igmp);
    igmp_client.take(2);
    router r({}, out);
    igmp_client.join(2, star_g);
    igmp_client.leave(2, star_g);
    mgm::host::packet_in(s_g, 1);
    CHECK(!mgm::host::packet_in(s_g, 2).accepted);
    CHECK((heard == std::vector<std::string>{"disable 2", "enable 2", "join (*, 239.1.2.3) 2",
                                             "leave (*, 239.1.2.3) 2",
                                             "wrong (10.0.0.5, 239.1.2.3) 2"}));
}

void tables_longer_than_a_buffer()
{
    router r;
    r.outer.join(2, {});
    for (int i = 0; i < 1000; i++) {
        const DWORD group = mgm::address("239.3." + std::to_string(i / 256) + '.' + std::to_string(i % 256));
        r.outer.join(2, {0, group});
        mgm::host::packet_in({s_g.source, group}, 1);
    }
    CHECK_EQ(mgm::mfes().size(), 1000);
    CHECK_EQ(r.inner.groups().size(), 1002);
    CHECK(mgm::mfes()[999].out == std::vector<mgm::link>{2});
}

// The sanitizers find out whether the captured values still exist.
void a_client_leaves_inside_its_own_callback()
{
    int heard = 0;
    std::unique_ptr<mgm::client> listener;
    mgm::callbacks c;
    c.join_alert = [&, large = std::string(1000, 'x')](const mgm::flow &, bool) {
        listener->close();
        heard += large == std::string(1000, 'x');
    };
    listener = std::make_unique<mgm::client>(PROTO_IP_OSPF, 1, c);
    c = {};
    mgm::client other(PROTO_IP_BGMP, 1);
    other.take(2);
    other.join(2, star_g);
    other.join(2, {0, mgm::address("239.9.9.9")});
    CHECK_EQ(heard, 1);
}

void too_many_clients_are_refused()
{
    std::deque<mgm::client> clients;
    std::vector<int> heard(mgm::most_clients);
    for (DWORD i = 0; i < mgm::most_clients; i++) {
        mgm::callbacks c;
        c.join_alert = [&heard, i](const mgm::flow &, bool) { heard[i]++; };
        clients.emplace_back(PROTO_IP_OSPF, i, c);
    }
    // Each client has its own functions; the client that joins is not told.
    clients[0].take(1);
    clients[0].join(1, star_g);
    for (std::size_t i = 0; i < heard.size(); i++)
        CHECK_EQ(heard[i], i > 0);
    bool refused = false;
    try {
        mgm::client(PROTO_IP_OSPF, 1000);
    } catch (const std::length_error &e) {
        refused = std::string(e.what()) == "mgm: more than 16 clients";
    }
    CHECK(refused);
    clients.pop_back();
    const mgm::client in_its_place(PROTO_IP_OSPF, 1000);
}

// A refused registration gives its slot back.
void refusals_cost_no_slot()
{
    const mgm::client first(PROTO_IP_OSPF, 1);
    for (std::size_t i = 0; i < 2 * mgm::most_clients; i++)
        CHECK(refuses(ERROR_ALREADY_EXISTS, [] { mgm::client(PROTO_IP_OSPF, 1); }));
}

// An MFE that has forwarded is renewed when it expires: a thread of the library makes the callbacks.
void threads_of_mgm_call_lambdas()
{
    mgm::host::stop();
    mgm::host::settings settings;
    settings.forwarder = mgm::host::forwarder::memory;
    settings.log_level = mgm::host::log_level::off;
    settings.mfe_timeout = std::chrono::seconds(1);
    mgm::host::start(settings);
    std::atomic<bool> renewed{false};
    mgm::callbacks in;
    in.rpf = [&, here = std::this_thread::get_id()](const mgm::flow &, mgm::incoming &, mgm::header) {
        if (std::this_thread::get_id() != here)
            renewed = true;
    };
    const router r(in);
    for (int i = 0; i < 1000 && !renewed; i++) {
        mgm::host::packet_in(s_g, 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(renewed);
}

void a_batch_names_the_first_refused_call()
{
    mgm::client p(PROTO_IP_OSPF, 1);
    const mgm::flow other{0, mgm::address("239.1.2.4")};
    p.take(1);
    mgm::batch([&] {
        p.join(1, star_g);
        p.join(1, other);
        p.leave(1, star_g);
    });
    CHECK(p.groups().size() == 1);
    DWORD number = 99;
    try {
        mgm::batch([&] {
            p.leave(1, other);
            p.join(7, star_g); // an interface of nobody: refused when the batch ends
            p.join(1, star_g);
        });
    } catch (const mgm::batch_error &e) {
        number = e.number();
        CHECK_CODE(e.code(), ERROR_INVALID_PARAMETER);
    }
    CHECK_EQ(number, 2);
    CHECK(p.groups().size() == 1 && p.groups()[0].group == star_g.group);
    // An exception ends a batch, and a batch has no batches.
    try {
        mgm::batch([] { throw std::string("in a batch"); });
        number = 99;
    } catch (const std::string &) {
        mgm::batch([&] {
            CHECK(refuses(ERROR_CAN_NOT_COMPLETE, [] { mgm::batch([] {}); }));
            number = 0;
        });
    }
    CHECK_EQ(number, 0);
}

void grace_is_at_most_five_minutes_and_has_no_effect_in_a_router()
{
    CHECK(refuses(ERROR_INVALID_PARAMETER, [] { mgm::host::set_grace(std::chrono::seconds(301)); }));
    mgm::host::set_grace(std::chrono::minutes(5));
    mgm::client p(PROTO_IP_OSPF, 1);
    p.take(1);
    p.join(1, star_g);
    p.grace_done();
    CHECK(p.groups().size() == 1);
    mgm::host::set_grace({});
}

void the_end_of_a_router_is_not_reported_to_itself()
{
    bool lost = false;
    mgm::host::set_router_lost([&] { lost = true; });
    mgm::host::stop();
    CHECK(!lost);
    mgm::host::set_router_lost({});
}

void errors_have_the_reason_of_the_log()
{
    std::vector<std::string> lines;
    mgm::host::set_log([&](mgm::host::log_level level, std::string_view line) {
        if (level == mgm::host::log_level::warn)
            lines.emplace_back(line);
    });
    mgm::host::set_log_level(mgm::host::log_level::warn);
    mgm::client p(PROTO_IP_OSPF, 5);
    std::string reason, what;
    try {
        p.leave(77, star_g);
    } catch (const mgm::error &e) {
        reason = e.reason();
        what = e.what();
    }
    mgm::host::set_log_level(mgm::host::log_level::off);
    mgm::host::set_log({});
    CHECK(reason.find("77") != std::string::npos);
    CHECK(what == "MgmDeleteGroupMembershipEntry: " + reason + " (code 1168)");
    CHECK((lines == std::vector<std::string>{"MgmDeleteGroupMembershipEntry: " + reason}));
    p.close();
    const std::vector<std::function<void()>> calls = {
        [&] { p.take(1); },        [&] { p.release(1); },       [&] { p.join(1, star_g); }, [&] { p.leave(1, star_g); },
        [&] { p.set_mfe(s_g, 0); }, [&] { p.groups(); }, [&] { p.grace_done(); },
    };
    for (const auto &call : calls) {
        std::string said;
        try {
            call();
        } catch (const mgm::closed_error &e) {
            said = e.reason();
        }
        CHECK(said == "the client (protocol 13, component 5) is closed");
    }
}

void errors_may_be_values()
{
    mgm::client p(PROTO_IP_OSPF, 1);
    const auto taken = mgm::attempt([&] { p.take(1); });
    CHECK(taken && taken.has_value());
    const auto refused = mgm::attempt([&] { p.take(0); });
    CHECK(!refused && refused.error().code() == ERROR_INVALID_PARAMETER && !refused.error().reason().empty());
    CHECK(mgm::attempt([&] { return p.groups(); })->empty());
    auto missing = mgm::attempt([] { return mgm::get_mfe(s_g); });
    CHECK(!missing && missing.error().code() == ERROR_NOT_FOUND);
    CHECK(refuses(ERROR_NOT_FOUND, [&] { missing.value(); }));
    CHECK_EQ(mgm::attempt([] { return 7; }).value_or(8), 7);
}

// Whether a result has an error of this class, and throws it as such.
template <typename Error, typename Result> bool is_a(Result result)
{
    if (result || !dynamic_cast<const Error *>(&result.error()))
        return false;
    try {
        result.value();
    } catch (const Error &e) {
        return e.reason() == result.error().reason();
    } catch (const mgm::error &) {
    }
    return false;
}

void errors_as_values_keep_their_class()
{
    mgm::client p(PROTO_IP_OSPF, 1);
    const auto refused = mgm::attempt([&] { mgm::batch([&] { p.join(7, star_g); }); });
    CHECK(is_a<mgm::batch_error>(refused));
    const auto *of_batch = dynamic_cast<const mgm::batch_error *>(&refused.error());
    CHECK(of_batch && of_batch->number() == 1);
    CHECK(!is_a<mgm::closed_error>(refused));
    p.close();
    CHECK(is_a<mgm::closed_error>(mgm::attempt([&] { p.take(1); })));
    CHECK(is_a<mgm::closed_error>(mgm::attempt([&] { return p.groups(); })));
    bool thrown = false;
    try {
        mgm::attempt([] {}).error();
    } catch (const std::bad_optional_access &) {
        thrown = true;
    }
    CHECK(thrown);
}

void entries_owners_and_statistics()
{
    router r;
    mgm::host::packet_in(s_g, 1, {nullptr, 0}, 100);
    mgm::host::packet_in(s_g, 2, {nullptr, 0}, 100);
    const mgm::mfe mfe = mgm::get_mfe(s_g);
    CHECK(mfe.head.dwInIfIndex == 1 && mfe.timeout() == std::chrono::minutes(15));
    r.inner.set_mfe(s_g, mgm::address("192.0.2.9"));
    CHECK(mgm::text(mgm::get_mfe(s_g).head.dwUpStrmNgbr) == "192.0.2.9");
    CHECK(refuses(ERROR_CAN_NOT_COMPLETE, [&] { r.outer.set_mfe(s_g, 0); }));
    const auto owner = mgm::owner_of(2);
    CHECK(owner && owner->protocol == PROTO_IP_BGMP && owner->component == 1 && !mgm::owner_of(3));
    const mgm::mfe_stats stats = mgm::get_mfe_stats(s_g);
    CHECK(stats.head.ulInPkts == 1 && stats.head.ulInOctets == 100 && stats.head.ulPktsDifferentIf == 1);
    CHECK(stats.out.size() == 1 && stats.out[0].dwOutIfIndex == 2 && stats.out[0].ulOutPackets == 1);
    r.outer.join(2, {});
    for (int i = 0; i < 1000; i++)
        mgm::host::packet_in({s_g.source, mgm::address("239.3." + std::to_string(i / 256) + '.' + std::to_string(i % 256))}, 1);
    CHECK_EQ(mgm::all_mfe_stats().size(), 1001);
    CHECK(r.outer.groups(true).empty() && r.outer.groups().size() == 2);
    CHECK(refuses(ERROR_NOT_FOUND, [] { mgm::get_mfe_stats({1, s_g.group}); }));
}

void limits_and_scope_names()
{
    router r;
    const DWORD scope = mgm::address("239.0.0.0"), mask = mgm::address("255.0.0.0");
    const BYTE bytes[20] = {0x45, 0, 0, 100, 0, 0, 0, 0, 16};
    const auto goes = [&] { return mgm::host::packet_in(s_g, 1, {bytes, sizeof bytes}).out.size(); };
    mgm::host::set_ttl_threshold(2, 16);
    CHECK_EQ(goes(), 0);
    mgm::host::set_ttl_threshold(2, 1);
    CHECK_EQ(goes(), 1);
    mgm::host::add_boundary(2, scope, mask);
    CHECK_EQ(goes(), 0);
    mgm::host::delete_boundary(2, scope, mask);
    CHECK_EQ(goes(), 1);
    mgm::host::set_scope_name(scope, mask, {'H', 'i'});
    CHECK((mgm::host::scope_name(scope, mask) == std::basic_string<WCHAR>{'H', 'i'}));
    mgm::host::set_scope_name(scope, mask, {});
    CHECK_EQ(mgm::host::scope_name(scope, mask).size(), 11); // 239.0.0.0/8
    mgm::host::delete_interface(2);
    CHECK_EQ(goes(), 0);
    mgm::host::add_interface(2);
    mgm::host::delete_route(mgm::address("10.0.0.0"), mgm::address("255.0.0.0"));
    CHECK(refuses(ERROR_NOT_FOUND, [] { mgm::host::delete_route(mgm::address("10.0.0.0"), mgm::address("255.0.0.0")); }));
    mgm::host::set_flow_limit(1, 1, 1);
    CHECK(refuses(ERROR_INVALID_PARAMETER, [] { mgm::host::set_flow_limit(1, 1, 0); }));
}

void the_arrival_is_known_inside_rpf()
{
    std::optional<mgm::link> arrived;
    mgm::callbacks in;
    in.rpf = [&](const mgm::flow &, mgm::incoming &, mgm::header) { arrived = mgm::host::arrival(); };
    const router r(in);
    mgm::host::packet_in(s_g, 2);
    CHECK(arrived && *arrived == mgm::link(2));
    CHECK(!mgm::host::arrival());
}

void status_metrics_and_explanations()
{
    const router r;
    CHECK(mgm::host::status().find("\"memberships\"") != std::string::npos);
    CHECK(mgm::host::status(MGMHOST_STATUS_NO_MFES).back() == '}');
    CHECK(mgm::host::metrics(true).find("mgm_mfes 0\n") != std::string::npos);
    CHECK(mgm::host::explain(s_g).find("no_packet") != std::string::npos);
    CHECK(mgm::host::explain(s_g, 2).find("wrong_interface") != std::string::npos);
}

void times_that_no_dword_holds_are_refused()
{
    bool refused = false;
    try {
        mgm::host::set_grace(std::chrono::seconds(-1));
    } catch (const std::out_of_range &) {
        refused = true;
    }
    CHECK(refused);
}

void clients_outlive_a_stop()
{
    mgm::client p(PROTO_IP_OSPF, 1);
    p.take(1);
    mgm::host::stop();
}

} // namespace

TEST_MAIN(CASE(addresses), CASE(codes_are_exceptions), CASE(clients_leave_by_themselves),
          CASE(answers_count), CASE(what_is_told), CASE(tables_longer_than_a_buffer),
          CASE(a_client_leaves_inside_its_own_callback), CASE(too_many_clients_are_refused),
          CASE(refusals_cost_no_slot), CASE(threads_of_mgm_call_lambdas),
          CASE(a_batch_names_the_first_refused_call),
          CASE(grace_is_at_most_five_minutes_and_has_no_effect_in_a_router),
          CASE(the_end_of_a_router_is_not_reported_to_itself), CASE(clients_outlive_a_stop),
          CASE(errors_have_the_reason_of_the_log), CASE(errors_may_be_values),
          CASE(errors_as_values_keep_their_class), CASE(entries_owners_and_statistics),
          CASE(limits_and_scope_names), CASE(the_arrival_is_known_inside_rpf), CASE(status_metrics_and_explanations),
          CASE(times_that_no_dword_holds_are_refused))
