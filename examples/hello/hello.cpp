// Two routing protocols share one router. `pim` owns interface 1, towards the sources, and `edge`
// owns interface 2, where hosts join. With the memory forwarder this program passes the packets to
// the library.

#include <iostream>
#include <mgm.hpp>

int main()
{
    const MGMHOST_VERSION version = mgm::version();
    std::cout << "mgm " << version.dwApiMajor << '.' << version.dwApiMinor << '\n';
    mgm::host::settings settings;
    settings.forwarder = mgm::host::forwarder::memory;
    settings.log_level = mgm::host::log_level::off;
    mgm::host::start(settings);
    mgm::host::add_route(mgm::address("10.0.0.0"), mgm::address("255.0.0.0"), 1);

    mgm::callbacks listens;
    listens.rpf = [](const mgm::flow &flow, mgm::incoming &suggested, mgm::header) {
        std::cout << "rpf: " << text(flow) << " has to arrive on interface " << suggested.link.index << '\n';
    };
    listens.join_alert = [](const mgm::flow &flow, bool somebody_else) {
        std::cout << (somebody_else ? "join: somebody else wants " : "join: ") << text(flow)
                  << (somebody_else ? "" : " has an outgoing interface again") << '\n';
    };
    listens.prune_alert = [](const mgm::flow &flow, const mgm::link &, bool nobody_else, std::chrono::seconds &) {
        std::cout << (nobody_else ? "prune: nobody else wants " : "prune: ") << text(flow)
                  << (nobody_else ? "" : " has no outgoing interface") << '\n';
    };
    mgm::client pim(PROTO_IP_OTHER, 1, listens);
    mgm::client edge(PROTO_IP_OTHER, 2);

    pim.take(1);
    edge.take(2);
    try {
        edge.take(1);
    } catch (const mgm::error &refusal) {
        std::cout << "refused: code " << refusal.code() << '\n';
    }

    const mgm::flow group{0, mgm::address("239.1.2.3")};
    edge.join(2, group);
    const auto decision = mgm::host::packet_in({mgm::address("10.0.0.5"), group.group}, 1, {nullptr, 0}, 100);
    for (const mgm::link &out : decision.out)
        std::cout << "packet: goes out on interface " << out.index << '\n';
    for (const mgm::mfe &mfe : mgm::mfes()) {
        std::cout << "mfe: " << text(mfe.flow()) << " from " << mfe.head.dwInIfIndex << " to";
        for (const mgm::link &out : mfe.out)
            std::cout << ' ' << out.index;
        std::cout << '\n';
    }
    edge.leave(2, group);
}
