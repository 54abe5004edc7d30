// mgm.hpp - mgm.h and mgmhost.h for C++17. Clients deregister in their destructors,
// callbacks may be lambdas, and errors are reported as exceptions, or as values by
// mgm::attempt. The header calls the C functions; there is no library to link besides libmgm.
// It includes mgmerror.hpp, and mgmhost.hpp with the functions of mgmhost.h.
//
// Addresses are DWORDs in network byte order, as in mgm.h. mgm::address makes one from a text.
// An exception that leaves a callback ends the process, as documented in mgm.h. The lock rule
// of mgm.h applies to all functions.

#ifndef MGM_HPP
#define MGM_HPP

#include <mgmerror.hpp>
#include <mgmhost.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mgm {

/// Converts "10.0.0.5" to an address as mgm.h uses it. Throws std::invalid_argument.
inline DWORD address(const std::string &text)
{
    std::array<UCHAR, 4> bytes{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); i++) {
        // The parentheses suppress a macro min, which windows.h may define.
        std::size_t end = (std::min)(text.find('.', at), text.size());
        const std::string part = text.substr(at, end - at);
        const bool digits = !part.empty() && part.size() <= 3 &&
                            part.find_first_not_of("0123456789") == std::string::npos;
        if (!digits || std::stoi(part) > 255 || (i == 3) != (end == text.size()))
            throw std::invalid_argument("mgm: " + text + " is not an IPv4 address");
        bytes[i] = static_cast<UCHAR>(std::stoi(part));
        at = end + 1;
    }
    DWORD value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Converts an address to text, such as "10.0.0.5".
inline std::string text(DWORD address)
{
    std::array<UCHAR, 4> b{};
    std::memcpy(b.data(), &address, sizeof address);
    return std::to_string(b[0]) + '.' + std::to_string(b[1]) + '.' + std::to_string(b[2]) + '.' +
           std::to_string(b[3]);
}

constexpr DWORD host_mask = 0xFFFFFFFF;

/// The lifetime of an MFE that never expires.
constexpr std::chrono::seconds never{0xFFFFFFFF};

namespace detail {

/// Converts a time to a DWORD of these units. Throws std::out_of_range.
template <typename Units> DWORD count(Units time)
{
    if (time.count() < 0 || static_cast<unsigned long long>(time.count()) > 0xFFFFFFFF)
        throw std::out_of_range("mgm: the time " + std::to_string(time.count()) + " is not from 0 to 0xFFFFFFFF");
    return static_cast<DWORD>(time.count());
}

} // namespace detail

/// The packets of a source to a group. Source 0 means any source; source and group 0 mean
/// all groups.
struct flow {
    DWORD source = 0;
    DWORD group = 0;
};

/// Converts a flow to text, such as "(10.0.0.5, 239.1.2.3)"; 0 becomes "*".
inline std::string text(const flow &f)
{
    return '(' + (f.source ? text(f.source) : "*") + ", " + (f.group ? text(f.group) : "*") + ')';
}

/// An interface: its index and its next hop, which is 0 except on point-to-multipoint links.
struct link {
    DWORD index = 0;
    DWORD next_hop = 0;
    constexpr link(DWORD the_index, DWORD the_next_hop = 0) noexcept : index(the_index), next_hop(the_next_hop) {}
    friend bool operator==(const link &a, const link &b) noexcept
    {
        return a.index == b.index && a.next_hop == b.next_hop;
    }
};

/// How packets of a source must arrive: the incoming interface and the upstream neighbour.
struct incoming {
    mgm::link link;
    DWORD upstream = 0;
};

/// The IP header of a packet. Valid only during the callback.
struct header {
    const BYTE *data;
    DWORD size;
};

/// The callbacks of a client. The library skips empty ones.
struct callbacks {
    /// How must packets of the flow arrive? The callback changes `incoming` if it disagrees.
    std::function<void(const flow &, incoming &, header)> rpf;
    /// May the flow be forwarded out of these interfaces of the client? The callback sets
    /// bIsEnabled to FALSE where it may not.
    std::function<void(const flow &, const link &in, MGM_IF_ENTRY *out, DWORD count)> creation_alert;
    /// nobody_else true: no other client wants the packets any longer. False: the alert is about
    /// one MFE, for example because it has lost its last outgoing interface; mgm.h lists the
    /// cases. The callback may change the lifetime of the MFE, `timeout`.
    std::function<void(const flow &, const link &, bool nobody_else, std::chrono::seconds &timeout)> prune_alert;
    /// somebody_else true: another client wants the packets. False: the alert is about one flow,
    /// for example because its MFE has an outgoing interface again; mgm.h lists the cases.
    std::function<void(const flow &, bool somebody_else)> join_alert;
    /// A packet arrived on an interface of the client, but its MFE has another incoming interface.
    std::function<void(const flow &, const link &, header)> wrong_if;
    /// local_join, local_leave: IGMP has added, or deleted, a membership on an interface of the
    /// client.
    std::function<void(const flow &, const link &)> local_join;
    std::function<void(const flow &, const link &)> local_leave;
    /// disable_igmp, enable_igmp, for IGMP: the owner of the interface is about to change, or
    /// has changed.
    std::function<void(const link &)> disable_igmp;
    std::function<void(const link &)> enable_igmp;
};

/// How many clients can be registered at the same time. A callback of mgm.h does not say
/// which client it is for, so each client has C functions of its own.
constexpr std::size_t most_clients = 16;

namespace detail {

using slot = std::shared_ptr<const callbacks>;
inline std::array<slot, most_clients> slots;
inline std::mutex slots_lock;

/// The C functions of slot N. Each function holds a reference to the callbacks while it runs,
/// so that a client may deregister inside its own callback.
template <std::size_t N> struct functions {
    static DWORD rpf(DWORD s, DWORD, DWORD g, DWORD, PDWORD index, PDWORD hop, PDWORD upstream,
                     DWORD size, PBYTE data, PBYTE)
    {
        const slot mine = slots[N];
        incoming in{{*index, *hop}, *upstream};
        mine->rpf({s, g}, in, {data, size});
        *index = in.link.index;
        *hop = in.link.next_hop;
        *upstream = in.upstream;
        return NO_ERROR;
    }
    static DWORD creation_alert(DWORD s, DWORD, DWORD g, DWORD, DWORD index, DWORD hop, DWORD count,
                                PMGM_IF_ENTRY out)
    {
        const slot mine = slots[N];
        mine->creation_alert({s, g}, {index, hop}, out, count);
        return NO_ERROR;
    }
    static DWORD prune_alert(DWORD s, DWORD, DWORD g, DWORD, DWORD index, DWORD hop, BOOL member,
                             PDWORD timeout)
    {
        const slot mine = slots[N];
        std::chrono::seconds life{*timeout};
        mine->prune_alert({s, g}, {index, hop}, member != FALSE, life);
        *timeout = count(life);
        return NO_ERROR;
    }
    static DWORD join_alert(DWORD s, DWORD, DWORD g, DWORD, BOOL member)
    {
        const slot mine = slots[N];
        mine->join_alert({s, g}, member != FALSE);
        return NO_ERROR;
    }
    static DWORD wrong_if(DWORD s, DWORD g, DWORD index, DWORD hop, DWORD size, PBYTE data)
    {
        const slot mine = slots[N];
        mine->wrong_if({s, g}, {index, hop}, {data, size});
        return NO_ERROR;
    }
    static DWORD local_join(DWORD s, DWORD, DWORD g, DWORD, DWORD index, DWORD hop)
    {
        const slot mine = slots[N];
        mine->local_join({s, g}, {index, hop});
        return NO_ERROR;
    }
    static DWORD local_leave(DWORD s, DWORD, DWORD g, DWORD, DWORD index, DWORD hop)
    {
        const slot mine = slots[N];
        mine->local_leave({s, g}, {index, hop});
        return NO_ERROR;
    }
    static DWORD disable_igmp(DWORD index, DWORD hop)
    {
        const slot mine = slots[N];
        mine->disable_igmp({index, hop});
        return NO_ERROR;
    }
    static DWORD enable_igmp(DWORD index, DWORD hop)
    {
        const slot mine = slots[N];
        mine->enable_igmp({index, hop});
        return NO_ERROR;
    }
    static ROUTING_PROTOCOL_CONFIG config(const callbacks &c)
    {
        return {0,
                c.rpf ? rpf : nullptr,
                c.creation_alert ? creation_alert : nullptr,
                c.prune_alert ? prune_alert : nullptr,
                c.join_alert ? join_alert : nullptr,
                c.wrong_if ? wrong_if : nullptr,
                c.local_join ? local_join : nullptr,
                c.local_leave ? local_leave : nullptr,
                c.disable_igmp ? disable_igmp : nullptr,
                c.enable_igmp ? enable_igmp : nullptr};
    }
};

template <std::size_t... N>
ROUTING_PROTOCOL_CONFIG config(std::size_t n, const callbacks &c, std::index_sequence<N...>)
{
    using maker = ROUTING_PROTOCOL_CONFIG (*)(const callbacks &);
    constexpr std::array<maker, sizeof...(N)> makers{functions<N>::config...};
    return makers[n](c);
}

/// Owns a slot, and frees it in the destructor.
class claim {
public:
    explicit claim(callbacks c)
    {
        const std::lock_guard<std::mutex> lock(slots_lock);
        const auto *free = std::find(slots.begin(), slots.end(), nullptr);
        if (free == slots.end())
            throw std::length_error("mgm: more than " + std::to_string(most_clients) + " clients");
        n_ = static_cast<std::size_t>(free - slots.begin());
        slots[n_] = std::make_shared<const callbacks>(std::move(c));
    }
    claim(const claim &) = delete;
    claim &operator=(const claim &) = delete;
    ~claim()
    {
        // The destructors of the callbacks run arbitrary code: run them after unlocking.
        slot gone;
        const std::lock_guard<std::mutex> lock(slots_lock);
        gone.swap(slots[n_]);
    }
    ROUTING_PROTOCOL_CONFIG config() const
    {
        return detail::config(n_, *slots[n_], std::make_index_sequence<most_clients>());
    }

private:
    std::size_t n_;
};

} // namespace detail

/// Returns the version of the library.
inline MGMHOST_VERSION version()
{
    MGMHOST_VERSION v{};
    v.dwSize = sizeof v;
    check("MgmHostVersion", MgmHostVersion(&v));
    return v;
}

namespace detail {

/// Throws std::runtime_error if the API of the library has another major version than the headers.
inline void check_version()
{
    if (const DWORD major = version().dwApiMajor; major != MGMHOST_API_MAJOR)
        throw std::runtime_error("mgm: the library has API version " + std::to_string(major) +
                                 ", but this program needs version " + std::to_string(MGMHOST_API_MAJOR));
}

} // namespace detail

/// A client: a routing protocol, or IGMP. It is registered as long as this object exists.
class client {
public:
    /// Registers the client: the protocol is PROTO_IP_* or MS_IP_*, and the component
    /// distinguishes clients of the same protocol.
    client(DWORD protocol, DWORD component, callbacks c = {})
        : claim_(std::make_unique<detail::claim>(std::move(c))), protocol_(protocol), component_(component)
    {
        detail::check_version();
        ROUTING_PROTOCOL_CONFIG config = claim_->config();
        check("MgmRegisterMProtocol", MgmRegisterMProtocol(&config, protocol, component, &handle_));
    }
    client(const client &) = delete;
    client &operator=(const client &) = delete;
    /// If the library cannot deregister the client, for example inside a callback of another
    /// client, the client and its callbacks stay registered for ever.
    ~client()
    {
        try {
            close();
        } catch (const error &) {
            static_cast<void>(claim_.release());
        }
    }

    /// Releases the interfaces and deregisters the client. After this call no callback of the
    /// client runs. If the call is made inside a callback of the client, that callback still
    /// runs to its end. A second call does nothing.
    void close()
    {
        if (!handle_)
            return;
        for (const link &each : links_)
            MgmReleaseInterfaceOwnership(handle_, each.index, each.next_hop);
        links_.clear();
        const DWORD code = MgmDeRegisterMProtocol(handle_);
        // The library was stopped: the handle is invalid, and no callback runs any more.
        if (code != ERROR_INVALID_PARAMETER)
            check("MgmDeRegisterMProtocol", code);
        handle_ = nullptr;
        claim_.reset();
    }

    /// Null if the client is closed.
    HANDLE handle() const noexcept { return handle_; }
    DWORD protocol() const noexcept { return protocol_; }
    DWORD component() const noexcept { return component_; }

    /// Makes the client the owner of the interface; enables IGMP on it if the client is IGMP.
    void take(const link &l)
    {
        check("MgmTakeInterfaceOwnership", MgmTakeInterfaceOwnership(open("MgmTakeInterfaceOwnership"), l.index, l.next_hop));
        links_.push_back(l);
    }
    /// The client has taken and added again what it wants of the state of its predecessor, a client
    /// with the same ids in a process that has ended. The rest is deleted. See host::set_grace.
    void grace_done() { check("MgmHostGraceDone", MgmHostGraceDone(open("MgmHostGraceDone"))); }
    /// Releases the interface.
    void release(const link &l)
    {
        check("MgmReleaseInterfaceOwnership", MgmReleaseInterfaceOwnership(open("MgmReleaseInterfaceOwnership"), l.index, l.next_hop));
        links_.erase(std::remove(links_.begin(), links_.end(), l), links_.end());
    }
    /// Adds a membership on an interface of the client. With MGM_FORWARD_STATE_FLAG it only changes the
    /// MFEs that exist now, and records nothing.
    void join(const link &l, const flow &f, DWORD flags = MGM_JOIN_STATE_FLAG)
    {
        check("MgmAddGroupMembershipEntry",
              MgmAddGroupMembershipEntry(open("MgmAddGroupMembershipEntry"), f.source, mask(f.source), f.group, mask(f.group),
                                         l.index, l.next_hop, flags));
    }
    /// Deletes a membership on an interface of the client.
    void leave(const link &l, const flow &f, DWORD flags = MGM_JOIN_STATE_FLAG)
    {
        check("MgmDeleteGroupMembershipEntry",
              MgmDeleteGroupMembershipEntry(open("MgmDeleteGroupMembershipEntry"), f.source, mask(f.source), f.group,
                                            mask(f.group), l.index, l.next_hop, flags));
    }
    /// Changes the upstream neighbour of an MFE whose incoming interface the client owns. If
    /// `in` is another interface of the client, and not 0, it becomes the incoming interface.
    void set_mfe(const flow &f, DWORD upstream, DWORD in = 0)
    {
        MIB_IPMCAST_MFE changed{};
        changed.dwSource = f.source;
        changed.dwGroup = f.group;
        changed.dwUpStrmNgbr = upstream;
        changed.dwInIfIndex = in;
        check("MgmSetMfe", MgmSetMfe(open("MgmSetMfe"), &changed));
    }
    /// Returns the memberships of all clients, without their interfaces. With `any_source`,
    /// returns each group for which there is a membership with a source.
    std::vector<flow> groups(bool any_source = false) const
    {
        HANDLE e;
        check("MgmGroupEnumerationStart", MgmGroupEnumerationStart(open("MgmGroupEnumerationStart"),
                                       any_source ? ANY_SOURCE : ALL_SOURCES, &e));
        const std::unique_ptr<void, DWORD (*)(HANDLE)> end(e, MgmGroupEnumerationEnd);
        std::vector<flow> found;
        std::array<SOURCE_GROUP_ENTRY, 256> entries;
        for (DWORD code = ERROR_MORE_DATA; code == ERROR_MORE_DATA;) {
            DWORD size = sizeof entries, count = 0;
            code = MgmGroupEnumerationGetNext(e, &size, reinterpret_cast<PBYTE>(entries.data()), &count);
            if (code != ERROR_MORE_DATA && code != ERROR_NO_MORE_ITEMS)
                throw error("MgmGroupEnumerationGetNext", code);
            for (DWORD i = 0; i < count; i++)
                found.push_back({entries[i].dwSourceAddr, entries[i].dwGroupAddr});
        }
        return found;
    }

private:
    static DWORD mask(DWORD address) noexcept { return address ? host_mask : 0; }
    HANDLE open(const char *function) const
    {
        if (!handle_)
            throw closed_error(function, protocol_, component_);
        return handle_;
    }

    std::unique_ptr<detail::claim> claim_;
    DWORD protocol_, component_;
    HANDLE handle_ = nullptr;
    std::vector<link> links_;
};

/// Thrown if a call of a batch was refused. The number of the call counts from 1; it is 0 if the
/// batch itself was refused, or if the connection to the router has ended, so that it is unknown
/// which calls were made.
class batch_error : public error {
public:
    batch_error(const char *function, DWORD code, DWORD number)
        : error(function, code), number_(number)
    {
    }
    DWORD number() const noexcept { return number_; }
    std::shared_ptr<const error> copy() const override { return std::make_shared<batch_error>(*this); }
    [[noreturn]] void raise() const override { throw *this; }

private:
    DWORD number_;
};

/// Makes the joins and leaves of a function together: each of them only checks its arguments at
/// first, and is made when the function has returned. In a client process that needs far fewer
/// messages. A call that is refused does not keep later ones from being made; then batch throws a
/// batch_error.
template <typename Calls>
void batch(Calls &&calls)
{
    if (const DWORD code = MgmHostBeginBatch(); code != NO_ERROR)
        throw batch_error("MgmHostBeginBatch", code, 0);
    DWORD first = 0;
    try {
        calls();
    } catch (...) {
        MgmHostEndBatch(&first);
        throw;
    }
    if (const DWORD code = MgmHostEndBatch(&first); code != NO_ERROR)
        throw batch_error("MgmHostEndBatch", code, first);
}

} // namespace mgm

#include <mgmhost.hpp>

#endif // MGM_HPP
