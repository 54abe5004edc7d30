// mgmhost.hpp - the tables of the library, and the functions of mgmhost.h, for C++17. mgm.hpp
// includes it.

#ifndef MGMHOST_HPP
#define MGMHOST_HPP

#include <mgm.hpp>

#include <atomic>
#include <optional>
#include <string_view>

namespace mgm {

/// An MFE: the fields of MIB_IPMCAST_MFE, and its outgoing interfaces.
struct mfe {
    MIB_IPMCAST_MFE head;
    std::vector<link> out;
    mgm::flow flow() const noexcept { return {head.dwSource, head.dwGroup}; }
    std::chrono::seconds up_time() const noexcept { return std::chrono::seconds(head.ulUpTime); }
    /// `never` if the MFE never expires.
    std::chrono::seconds timeout() const noexcept { return std::chrono::seconds(head.ulTimeOut); }
    std::chrono::seconds expires_in() const noexcept
    {
        return timeout() == never ? never : std::chrono::seconds(head.ulExpiryTime);
    }
};

/// The counters of an MFE: the fields of MIB_IPMCAST_MFE_STATS_EX, and its outgoing interfaces.
struct mfe_stats {
    MIB_IPMCAST_MFE_STATS_EX head;
    std::vector<MIB_IPMCAST_OIF_STATS> out;
    mgm::flow flow() const noexcept { return {head.dwSource, head.dwGroup}; }
};

namespace detail {

/// Reads the entry at an address, and moves the address to the next one.
inline mfe read(const BYTE *&at, const mfe *)
{
    mfe each{};
    std::memcpy(&each.head, at, offsetof(MIB_IPMCAST_MFE, rgmioOutInfo));
    at += offsetof(MIB_IPMCAST_MFE, rgmioOutInfo);
    for (DWORD i = 0; i < each.head.ulNumOutIf; i++, at += sizeof(MIB_IPMCAST_OIF)) {
        MIB_IPMCAST_OIF oif;
        std::memcpy(&oif, at, sizeof oif);
        each.out.emplace_back(oif.dwOutIfIndex, oif.dwNextHopAddr);
    }
    return each;
}

inline mfe_stats read(const BYTE *&at, const mfe_stats *)
{
    mfe_stats each{};
    std::memcpy(&each.head, at, offsetof(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats));
    at += offsetof(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats);
    each.out.resize(each.head.ulNumOutIf);
    for (MIB_IPMCAST_OIF_STATS &oif : each.out) {
        std::memcpy(&oif, at, sizeof oif);
        at += sizeof oif;
    }
    return each;
}

/// Calls `get(key, size, buffer)` until the buffer is large enough, and returns the entry.
template <typename Entry, typename Get> Entry one(const char *function, const flow &f, Get get)
{
    MIB_IPMCAST_MFE key{};
    key.dwSource = f.source;
    key.dwGroup = f.group;
    std::vector<BYTE> buffer(1024);
    for (;;) {
        DWORD size = static_cast<DWORD>(buffer.size());
        const DWORD code = get(&key, &size, buffer.data());
        if (code == ERROR_INSUFFICIENT_BUFFER) {
            buffer.resize(size);
            continue;
        }
        check(function, code);
        const BYTE *at = buffer.data();
        return read(at, static_cast<const Entry *>(nullptr));
    }
}

/// Calls `get(key, size, buffer, count)` until there are no more entries. The key is null first.
template <typename Entry, typename Get> std::vector<Entry> all(const char *function, Get get)
{
    std::vector<Entry> found;
    std::vector<BYTE> buffer(65536);
    MIB_IPMCAST_MFE key{};
    for (;;) {
        DWORD size = static_cast<DWORD>(buffer.size()), count = 0;
        const DWORD code = get(found.empty() ? nullptr : &key, &size, buffer.data(), &count);
        if (code == ERROR_INSUFFICIENT_BUFFER) {
            buffer.resize(size);
            continue;
        }
        if (code != ERROR_MORE_DATA && code != ERROR_NO_MORE_ITEMS)
            throw error(function, code);
        const BYTE *at = buffer.data();
        for (; count > 0; count--)
            found.push_back(read(at, static_cast<const Entry *>(nullptr)));
        if (code == ERROR_NO_MORE_ITEMS)
            return found;
        key.dwSource = found.back().head.dwSource;
        key.dwGroup = found.back().head.dwGroup;
    }
}

/// Calls `get(size, buffer)` until the buffer is large enough, and returns the text in it.
template <typename Get> std::string text_of(const char *function, Get get)
{
    std::string text(4096, '\0');
    for (;;) {
        DWORD size = static_cast<DWORD>(text.size());
        const DWORD code = get(&size, reinterpret_cast<PBYTE>(&text[0]));
        if (code != ERROR_INSUFFICIENT_BUFFER) {
            check(function, code);
            text.resize(std::strlen(text.c_str()));
            return text;
        }
        // The text can grow until the next call.
        text.resize(size + size / 8);
    }
}

/// Returns a text for C, which would end it at a null character. Throws std::invalid_argument.
template <typename Unit> const Unit *whole(const std::basic_string<Unit> &text)
{
    if (text.find(Unit()) != std::basic_string<Unit>::npos)
        throw std::invalid_argument("mgm: a null character is not permitted in a text");
    return text.c_str();
}

/// A function whose address is the context of a C callback. It is never freed, because a former
/// one may still be running, also when the program ends.
template <typename Function> struct kept {
    Function function;
    kept *former;
    static kept *keep(Function f)
    {
        static std::atomic<kept *> last{nullptr};
        if (!f)
            return nullptr;
        kept *now = new kept{std::move(f), nullptr};
        now->former = last.exchange(now);
        return now;
    }
};

} // namespace detail

/// Returns an MFE. Throws an error with ERROR_NOT_FOUND if there is none.
inline mfe get_mfe(const flow &f)
{
    return detail::one<mfe>("MgmGetMfe", f, [](PMIB_IPMCAST_MFE key, PDWORD size, PBYTE buffer) {
        return MgmGetMfe(key, size, buffer);
    });
}

/// Returns all MFEs, in ascending order of group, then of source.
inline std::vector<mfe> mfes()
{
    const auto get = [](PMIB_IPMCAST_MFE key, PDWORD size, PBYTE buffer, PDWORD count) {
        return key ? MgmGetNextMfe(key, size, buffer, count) : MgmGetFirstMfe(size, buffer, count);
    };
    return detail::all<mfe>("MgmGetFirstMfe", get);
}

/// Returns the counters of an MFE. Throws an error with ERROR_NOT_FOUND if there is none.
inline mfe_stats get_mfe_stats(const flow &f)
{
    const auto get = [](PMIB_IPMCAST_MFE key, PDWORD size, PBYTE buffer) {
        return MgmGetMfeStats(key, size, buffer, MGM_MFE_STATS_1);
    };
    return detail::one<mfe_stats>("MgmGetMfeStats", f, get);
}

/// Returns the counters of all MFEs, in the same order as mfes.
inline std::vector<mfe_stats> all_mfe_stats()
{
    const auto get = [](PMIB_IPMCAST_MFE key, PDWORD size, PBYTE buffer, PDWORD count) {
        return key ? MgmGetNextMfeStats(key, size, buffer, count, MGM_MFE_STATS_1)
                   : MgmGetFirstMfeStats(size, buffer, count, MGM_MFE_STATS_1);
    };
    return detail::all<mfe_stats>("MgmGetFirstMfeStats", get);
}

/// The client that owns an interface.
struct owner {
    DWORD protocol, component;
};

/// Returns the owner of an interface; nothing if it has none.
inline std::optional<owner> owner_of(const link &l)
{
    owner o{};
    const DWORD code = MgmGetProtocolOnInterface(l.index, l.next_hop, &o.protocol, &o.component);
    if (code == ERROR_NOT_FOUND)
        return std::nullopt;
    check("MgmGetProtocolOnInterface", code);
    return o;
}

/// Returns the interface that has this name in the system.
inline link link_by_name(const std::string &name)
{
    DWORD index = 0;
    check("MgmHostInterfaceIndex", MgmHostInterfaceIndex(detail::whole(name), &index));
    return index;
}

/// Returns the name of an interface in the system.
inline std::string name_of(const link &l)
{
    return detail::text_of("MgmHostInterfaceName", [&](PDWORD size, PBYTE buffer) {
        return MgmHostInterfaceName(l.index, size, buffer);
    });
}

/// The functions of mgmhost.h.
namespace host {

/// The forwarder; `unset` is the value of MGM_FORWARDER, by default automatic.
enum class forwarder : DWORD {
    unset = MGMHOST_FORWARDER_DEFAULT,
    automatic = MGMHOST_FORWARDER_AUTO,
    kernel = MGMHOST_FORWARDER_KERNEL,
    memory = MGMHOST_FORWARDER_MEMORY,
    ebpf = MGMHOST_FORWARDER_EBPF,
};

/// The level of the log, or of a message; `unset` is the value of MGM_LOG, by default warn.
enum class log_level : DWORD {
    unset = MGMHOST_LOG_DEFAULT,
    off = MGMHOST_LOG_OFF,
    error = MGMHOST_LOG_ERROR,
    warn = MGMHOST_LOG_WARN,
    info = MGMHOST_LOG_INFO,
    debug = MGMHOST_LOG_DEBUG,
    trace = MGMHOST_LOG_TRACE,
};

/// Receives the log, on any thread, also on several at once.
using log_function = std::function<void(log_level, std::string_view)>;

/// The settings of the start. A member that is 0, unset or empty selects the default.
struct settings {
    host::forwarder forwarder = host::forwarder::unset;
    /// The multicast routing table of the kernel.
    DWORD table = 0;
    /// The lifetime of new MFEs; mgm::never means that they never expire.
    std::chrono::seconds mfe_timeout{0};
    host::log_level log_level = host::log_level::unset;
    /// Receives the log; without it the log goes to stderr.
    log_function log;
    /// The routing table of the system in which sources are looked up.
    DWORD unicast_table = 0;
    /// How many flows packets may create.
    DWORD max_flows = 0;
    /// Whether the start fails if the forwarder cannot be opened.
    bool open_forwarder = false;
    /// The path at which a router serves client processes: this process becomes a client of it.
    std::string router;
};

namespace detail {

inline void log_line(void *context, DWORD level, const char *text)
{
    static_cast<mgm::detail::kept<log_function> *>(context)->function(static_cast<log_level>(level), text);
}

} // namespace detail

/// Starts the library. A program need not call it: the first registration starts the library.
inline void start(const settings &s = {})
{
    mgm::detail::check_version();
    MGMHOST_CONFIG config{};
    config.dwSize = sizeof config;
    config.dwForwarder = static_cast<DWORD>(s.forwarder);
    config.dwTable = s.table;
    config.dwMfeTimeout = mgm::detail::count(s.mfe_timeout);
    config.dwLogLevel = static_cast<DWORD>(s.log_level);
    config.dwUnicastTable = s.unicast_table;
    config.dwMaxFlows = s.max_flows;
    config.dwFlags = s.open_forwarder ? MGMHOST_START_OPEN_FORWARDER : 0;
    config.pszRouter = s.router.empty() ? nullptr : mgm::detail::whole(s.router);
    config.pvLogContext = mgm::detail::kept<log_function>::keep(s.log);
    config.pfnLogCallback = config.pvLogContext ? detail::log_line : nullptr;
    check("MgmHostStart", MgmHostStart(&config));
}

/// Stops the library.
inline void stop() { check("MgmHostStop", MgmHostStop()); }

/// Sends the log to a function; an empty one sends it to stderr.
inline void set_log(log_function f)
{
    void *context = mgm::detail::kept<log_function>::keep(std::move(f));
    check("MgmHostSetLogCallback", MgmHostSetLogCallback(context ? detail::log_line : nullptr, context));
}

/// Sets the level of the log, until the next start of the library.
inline void set_log_level(log_level level)
{
    check("MgmHostSetLogLevel", MgmHostSetLogLevel(static_cast<DWORD>(level)));
}

/// Reports that the system has an interface, or has it again.
inline void add_interface(const link &l) { check("MgmHostAddInterface", MgmHostAddInterface(l.index, l.next_hop)); }

/// Reports that the system has lost an interface.
inline void delete_interface(const link &l)
{
    check("MgmHostDeleteInterface", MgmHostDeleteInterface(l.index, l.next_hop));
}

/// Adds a route to the multicast view. If the gateway is 0, the network is directly connected. The
/// flags are MGMHOST_ROUTE_LOCAL and MGMHOST_ROUTE_PREFERRED.
inline void add_route(DWORD network, DWORD mask, DWORD index, DWORD gateway = 0, DWORD protocol = 0, DWORD flags = 0)
{
    check("MgmHostAddRoute", MgmHostAddRoute(network, mask, index, gateway, protocol, flags));
}

/// Deletes a route of the host from the multicast view.
inline void delete_route(DWORD network, DWORD mask) { check("MgmHostDeleteRoute", MgmHostDeleteRoute(network, mask)); }

/// Whether a packet arrived on the incoming interface, and where it must be forwarded.
struct decision {
    bool accepted;
    std::vector<link> out;
};

/// Passes a packet to the library. `size` is the size of the whole packet in octets.
inline decision packet_in(const flow &f, const link &l, header h = {nullptr, 0}, DWORD size = 0)
{
    // The library numbers interfaces with 16 bits, so a packet has at most 65,536 oifs.
    thread_local std::vector<MGMHOST_OIF> oifs(65536);
    BOOL accepted = FALSE;
    DWORD count = static_cast<DWORD>(oifs.size());
    check("MgmHostPacketIn", MgmHostPacketIn(f.source, f.group, l.index, l.next_hop, h.size, h.data,
                                             size, &accepted, &count, oifs.data()));
    decision d{accepted != FALSE, {}};
    for (DWORD i = 0; i < count; i++)
        d.out.emplace_back(oifs[i].dwIfIndex, oifs[i].dwIfNextHopAddr);
    return d;
}

/// Inside an rpf callback: returns the interface on which the packet arrived. Nothing elsewhere.
inline std::optional<link> arrival()
{
    link l(0);
    const DWORD code = MgmHostGetArrival(&l.index, &l.next_hop);
    if (code == ERROR_NOT_FOUND)
        return std::nullopt;
    check("MgmHostGetArrival", code);
    return l;
}

/// Only packets with a greater TTL are forwarded out of the interface.
inline void set_ttl_threshold(const link &l, DWORD ttl)
{
    check("MgmHostSetTtlThreshold", MgmHostSetTtlThreshold(l.index, l.next_hop, ttl));
}

/// Limits how many flows may begin on an interface in a second, and at once; 0 a second ends that.
inline void set_flow_limit(DWORD index, DWORD per_second, DWORD burst = 1)
{
    check("MgmHostSetFlowLimit", MgmHostSetFlowLimit(index, per_second, burst));
}

/// Makes an interface an administrative boundary for a prefix inside 239.0.0.0/8.
inline void add_boundary(DWORD index, DWORD group, DWORD mask)
{
    const MIB_IPMCAST_BOUNDARY boundary{index, group, mask, 0};
    check("MgmHostAddBoundary", MgmHostAddBoundary(&boundary));
}

/// Deletes an administrative boundary.
inline void delete_boundary(DWORD index, DWORD group, DWORD mask)
{
    const MIB_IPMCAST_BOUNDARY boundary{index, group, mask, 0};
    check("MgmHostDeleteBoundary", MgmHostDeleteBoundary(&boundary));
}

/// Sets the name of a range of groups, in UTF-16. An empty name restores the default one.
inline void set_scope_name(DWORD group, DWORD mask, const std::basic_string<WCHAR> &name)
{
    check("MgmHostSetScopeName", MgmHostSetScopeName(group, mask, name.empty() ? nullptr : mgm::detail::whole(name)));
}

/// Returns the name of a range of groups, in UTF-16.
inline std::basic_string<WCHAR> scope_name(DWORD group, DWORD mask)
{
    MIB_IPMCAST_SCOPE scope{};
    scope.dwGroupAddress = group;
    scope.dwGroupMask = mask;
    check("MgmHostGetScopeName", MgmHostGetScopeName(&scope));
    return scope.snNameBuffer;
}

/// Returns the state of the library as JSON, for a parser of the program's choice: this header has
/// none. docs/status.schema.json describes it. The flags are MGMHOST_STATUS_NO_MEMBERSHIPS and
/// MGMHOST_STATUS_NO_MFES.
inline std::string status(DWORD flags = 0)
{
    return mgm::detail::text_of("MgmHostGetStatus", [&](PDWORD size, PBYTE buffer) {
        return MgmHostGetStatus(flags, size, buffer);
    });
}

/// Returns the metrics in the text format of Prometheus, with the counters of each MFE if wanted.
inline std::string metrics(bool of_mfes = false)
{
    return mgm::detail::text_of("MgmHostGetMetrics", [&](PDWORD size, PBYTE buffer) {
        return MgmHostGetMetrics(of_mfes ? MGMHOST_METRICS_MFES : 0, size, buffer);
    });
}

/// Explains one flow as JSON: why its packets are forwarded, or why not. Link 0 selects the
/// interface on which they arrived, or are expected.
inline std::string explain(const flow &f, const link &arrives = 0)
{
    return mgm::detail::text_of("MgmHostExplain", [&](PDWORD size, PBYTE buffer) {
        return MgmHostExplain(f.source, f.group, arrives.index, arrives.next_hop, size, buffer);
    });
}

/// Serves status and metrics at a UNIX socket. A null path ends that.
inline void serve_status(const char *path) { check("MgmHostServeStatus", MgmHostServeStatus(path)); }

/// Serves client processes at a UNIX socket with this mode (0: 0660), which makes this process a
/// router. A null path ends that.
inline void serve_clients(const char *path, DWORD mode = 0)
{
    check("MgmHostServeClients", MgmHostServeClients(path, mode));
}

/// How client processes are served. A member that is 0 or empty selects the default.
struct client_service {
    /// The owner, the group and the mode of the socket's file.
    std::optional<DWORD> owner, group;
    DWORD mode = 0;
    /// How many processes may be connected, and how many of each user.
    DWORD max_processes = 0, max_user_processes = 0;
    /// How long a question waits for its answer.
    std::chrono::milliseconds answer{0};
};

/// Serves client processes like serve_clients, with more settings.
inline void serve_clients_with(const char *path, const client_service &s)
{
    MGMHOST_CLIENTS clients{};
    clients.dwSize = sizeof clients;
    clients.dwFlags = (s.owner ? MGMHOST_CLIENTS_OWNER : 0u) | (s.group ? MGMHOST_CLIENTS_GROUP : 0u);
    clients.dwMode = s.mode;
    clients.dwOwner = s.owner.value_or(0);
    clients.dwGroup = s.group.value_or(0);
    clients.dwMaxProcesses = s.max_processes;
    clients.dwAnswerMs = mgm::detail::count(s.answer);
    clients.dwMaxUserProcesses = s.max_user_processes;
    check("MgmHostServeClientsEx", MgmHostServeClientsEx(path, &clients));
}

/// Sets what decides in a router whether a client process may register a client, or take an
/// interface (dwIfIndex is not 0). An empty function permits everything. All client processes wait
/// for it, so it must return at once and call no functions of the library.
inline void set_client_filter(std::function<bool(const MGMHOST_CLIENT_REQUEST &)> permits)
{
    using kept = mgm::detail::kept<std::function<bool(const MGMHOST_CLIENT_REQUEST &)>>;
    const MGMHOST_CLIENT_FILTER call = [](void *context, const MGMHOST_CLIENT_REQUEST *request) -> BOOL {
        return static_cast<kept *>(context)->function(*request) ? TRUE : FALSE;
    };
    kept *now = kept::keep(std::move(permits));
    check("MgmHostSetClientFilter", MgmHostSetClientFilter(now ? call : nullptr, now));
}

/// Lets the state of the clients that this process registers later stay for this time when the
/// process ends without deregistering them; at most 300 s.
inline void set_grace(std::chrono::seconds time)
{
    check("MgmHostSetGrace", MgmHostSetGrace(mgm::detail::count(time)));
}

/// Sets what is called when the router of this client process has ended, or the connection to it
/// is broken. It runs on a thread of the library. All clients are invalid then, and the next
/// registration connects again. An empty function ends that.
inline void set_router_lost(std::function<void()> callback)
{
    using kept = mgm::detail::kept<std::function<void()>>;
    const MGMHOST_ROUTER_LOST call = [](void *context) { static_cast<kept *>(context)->function(); };
    kept *now = kept::keep(std::move(callback));
    check("MgmHostSetRouterLost", MgmHostSetRouterLost(now ? call : nullptr, now));
}

} // namespace host
} // namespace mgm

#endif // MGMHOST_HPP
