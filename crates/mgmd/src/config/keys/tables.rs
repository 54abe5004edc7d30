//! The tables of the file and their keys.

use super::{Default, Key, Kind, Range, Table};
use Default::{Required, Value, Words};

/// The longest interval that a query can express.
const LONGEST: u64 = 31_744_000;
/// The longest response time that a query can express, in whole seconds.
const LONGEST_RESPONSE: u64 = 3_174_000;
/// The longest path of a UNIX socket.
const SOCKET: usize = 107;

/// A key that a reload can change.
const fn key(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key { name, kind, default, reload: true, about }
}

/// A key that needs a restart.
const fn fixed(name: &'static str, kind: Kind, default: Default, about: &'static str) -> Key {
    Key { name, kind, default, reload: false, about }
}

/// The whole file.
pub static ROOT: Table = Table {
    path: "",
    header: "",
    about: "",
    keys: &[
        key("router", Kind::Table(&ROUTER), Words("all defaults"), "The router as a whole."),
        key("interface", Kind::Tables(&INTERFACE), Words("none"), "Each interface."),
        key("proxy", Kind::Tables(&PROXY), Words("none"), "Each upstream of an IGMP proxy."),
        key("route", Kind::Tables(&ROUTE), Words("none"), "Each static route."),
        key(
            "client",
            Kind::Tables(&CLIENT),
            Words("none"),
            "Each user whose routing protocols are restricted.",
        ),
        fixed("module", Kind::Tables(&MODULE), Words("none"), "Each module."),
    ],
};

/// `[router]`.
pub static ROUTER: Table = Table {
    path: "router",
    header: "[router]",
    about: "Settings of the whole router. The table may be left out.",
    keys: &[
        fixed(
            "forwarder",
            Kind::Word(&["auto", "kernel", "ebpf", "memory"]),
            Value("\"auto\""),
            "What forwards the packets. `auto` and `kernel` both select the multicast routing of \
             the Linux kernel. `ebpf` selects eBPF programs that mgmd attaches to the interfaces. They need Linux \
             5.8 or later and the capabilities CAP_BPF and CAP_PERFMON. `memory` is for tests: it is a table in mgmd, which gets no packets \
             of the system.",
        ),
        fixed(
            "table",
            Kind::Number(0, 999_999_999),
            Value("0"),
            "The multicast routing table of the kernel. 0 is its default table. Packets reach any \
             other table only from interfaces that have a rule: `ip mrule add iif eth1 lookup \
             100`.",
        ),
        fixed(
            "unicast-table",
            Kind::Number(0, 4_294_967_295),
            Value("0"),
            "The unicast routing table in which sources are looked up. 0 selects the routes that \
             the system itself would use. If packets arrive on an interface in a VRF, their source \
             is looked up in the table of the VRF.",
        ),
        fixed(
            "mfe-timeout",
            Kind::Duration(1_000, 86_400_000, 1_000),
            Value("\"15m\""),
            "The lifetime of new forwarding entries. An entry that forwards packets is renewed at \
             its end.",
        ),
        fixed(
            "max-flows",
            Kind::Number(1, 16_777_216),
            Value("2097152"),
            "The maximum number of flows that packets create. When that many exist, packets \
             create no new flow.",
        ),
        key(
            "max-igmp-entries",
            Kind::Number(1, 16_777_216),
            Value("65536"),
            "The maximum number of groups and sources that IGMP stores for all interfaces \
             together. When that many are stored, hosts cannot join new groups. Existing groups \
             are still refreshed.",
        ),
        key(
            "clients",
            Kind::Path(SOCKET),
            Value("\"/run/mgmd/router\""),
            "The socket for routing protocols in other processes, which have its path in their \
             environment variable `MGM_ROUTER`. Root, and the user and group of the socket, can connect.",
        ),
        key(
            "clients-owner",
            Kind::User,
            Words("the user of mgmd"),
            "The user that owns the socket of `clients`. Only root can give it to another user.",
        ),
        key(
            "clients-group",
            Kind::Group,
            Words("the group of mgmd"),
            "The group of the socket of `clients`. mgmd must be a member of it, or run as root. With the \
             unit for systemd, the default is mgm.",
        ),
        key(
            "clients-mode",
            Kind::Mode,
            Value("\"0660\""),
            "The mode of the socket of `clients`. Whoever may write to it can connect.",
        ),
        key(
            "max-clients",
            Kind::Number(1, 65_536),
            Value("1000"),
            "The maximum number of processes that are connected at `clients`. mgmd raises its soft \
             limit on open files for them. The hard limit must permit four files for each.",
        ),
        key(
            "max-clients-per-user",
            Kind::Number(1, 65_536),
            Words("no other limit than `max-clients`"),
            "The maximum number of processes of one user that are connected at `clients`, so that the \
             processes of other users have room. Root is no exception.",
        ),
        key(
            "answer-timeout",
            Kind::Duration(1, 3_600_000, 1),
            Value("\"1s\""),
            "How long a question to a routing protocol in another process waits for its answer. \
             After that, mgmd uses the default answer. Packets of a new flow wait for at most \
             three times as long.",
        ),
        fixed(
            "daemons",
            Kind::Bool,
            Value("false"),
            "If `true`, mgmd makes the interface mgm0, which stands for the rest of the router. \
             Unmodified multicast routing daemons that `mgm-run` has started name it in their \
             configuration. mgmd also makes mgmreg, on which the packets in PIM registers arrive for a \
             daemon that is a rendezvous point. mgmd needs CAP_NET_ADMIN and /dev/net/tun. Patterns do \
             not match these interfaces.",
        ),
        fixed(
            "daemons-address",
            Kind::Address,
            Value("\"169.254.77.1\""),
            "The address of mgm0. Its network has 4 addresses (/30), which must be used nowhere \
             else. One of the two in the middle is this address. The other one is the source of the \
             reports that show the daemons on mgm0 what others want.",
        ),
        key("control", Kind::Path(SOCKET), Value("\"/run/mgmd/control\""), "The socket at which mgmctl, and other programs, control mgmd."),
        key(
            "log-level",
            Kind::Word(&["off", "error", "warn", "info", "debug", "trace"]),
            Value("\"info\""),
            "The level of the log. If the environment variable `MGM_LOG` is set, its level is used \
             instead.",
        ),
    ],
};

/// `[[interface]]`.
pub static INTERFACE: Table = Table {
    path: "interface",
    header: "[[interface]]",
    about: "An interface on which mgmd forwards, or all interfaces that match a pattern. An \
            interface may be missing: mgmd serves it as soon as it appears. If several tables \
            match an interface, mgmd uses the one with its exact name, otherwise the first one in \
            the file. Interfaces that only a proxy or a route names need no table of their own.",
    keys: &[
        key(
            "name",
            Kind::Name,
            Required,
            "The name of the interface. In a pattern, `*` stands for any characters and `?` for \
             one.",
        ),
        key(
            "igmp",
            Kind::Table(&IGMP),
            Words("no IGMP, unless a proxy names the interface"),
            "IGMP on the interface. Without it, mgmd sends no queries there and ignores reports, \
             but still forwards the streams of static routes and of routing protocols from and to \
             the interface. An empty table, `igmp = {}`, selects all defaults.",
        ),
        key(
            "ttl-threshold",
            Kind::Number(1, 255),
            Value("1"),
            "A packet is sent out of the interface only if the TTL with which it arrived is \
             greater than this value.",
        ),
        key(
            "boundaries",
            Kind::Boundaries,
            Value("[]"),
            "Ranges of groups whose packets do not cross the interface (RFC 2365). Each is a \
             prefix inside 239.0.0.0/8, or a table with the keys `scope` and `name`. The log shows \
             the name.",
        ),
        key(
            "new-flows",
            Kind::Number(1, 1_000_000),
            Words("no limit"),
            "The maximum number of flows that packets arriving on the interface may begin in a \
             second. The same number may begin at once. mgmd refuses each further flow for 10 s, \
             and logs one line a minute. Streams that are forwarded already are not limited.",
        ),
    ],
};

/// A table in the list `boundaries`.
pub static BOUNDARY: Table = Table {
    path: "interface.boundaries",
    header: "{ … }",
    about: "",
    keys: &[
        key("scope", Kind::Prefix(Range::Scopes), Required, "The groups."),
        key("name", Kind::Text(255), Required, "Their name."),
    ],
};

/// `igmp` of an interface.
pub static IGMP: Table = Table {
    path: "interface.igmp",
    header: "igmp = { … } of an [[interface]]",
    about: "IGMP for the hosts of the interface. The defaults are those of RFC 9776, section 8.",
    keys: &[
        key(
            "version",
            Kind::Number(1, 3),
            Value("3"),
            "The version of IGMP. If another router sends queries of an older version, mgmd uses \
             that version: see `older-queriers`. An upstream of a proxy uses the version of its \
             querier, unless this key is set.",
        ),
        key(
            "robustness",
            Kind::Number(1, 255),
            Value("2"),
            "How many copies of a message are sent. All but one of them may be lost. Use at least \
             2.",
        ),
        key(
            "query-interval",
            Kind::Duration(100, LONGEST, 1),
            Value("\"125s\""),
            "The time between two General Queries.",
        ),
        key(
            "query-response-interval",
            Kind::Duration(100, LONGEST_RESPONSE, 1),
            Value("\"10s\""),
            "How long hosts may take to answer a General Query. It must be less than \
             `query-interval`.",
        ),
        key(
            "startup-query-interval",
            Kind::Duration(100, LONGEST, 1),
            Words("a quarter of `query-interval`"),
            "The time between the first General Queries.",
        ),
        key(
            "startup-query-count",
            Kind::Number(1, 255),
            Words("`robustness`"),
            "How many General Queries are sent at the interval `startup-query-interval`.",
        ),
        key(
            "last-member-query-interval",
            Kind::Duration(100, LONGEST_RESPONSE, 1),
            Value("\"1s\""),
            "When a host leaves, mgmd asks whether other hosts want the group. This is the time \
             that they have to answer, and the time between two of these queries.",
        ),
        key(
            "last-member-query-count",
            Kind::Number(1, 255),
            Words("`robustness`"),
            "How many queries are sent when a host leaves.",
        ),
        key(
            "unsolicited-report-interval",
            Kind::Duration(100, LONGEST_RESPONSE, 1),
            Words("\"1s\", in versions 1 and 2 \"10s\""),
            "The time within which mgmd repeats its own reports: those of an upstream, and those of `join`.",
        ),
        key(
            "leave",
            Kind::Word(&["query", "immediate", "tracked"]),
            Value("\"query\""),
            "What happens when a host leaves. `query` asks whether other hosts still want the \
             group. `immediate` ends the group at once: for interfaces with one host. `tracked` \
             remembers which hosts want the group, and ends it at once when the last one leaves. \
             While mgmd may not know all hosts, `tracked` works like `query`: until the group \
             membership interval (4.5 minutes with the default times) has passed since the \
             interface appeared or its configuration changed, and while a host with an older \
             version than 3 reports the group.",
        ),
        key(
            "max-groups",
            Kind::Number(1, 1_000_000),
            Value("1024"),
            "The maximum number of groups that hosts may join. When that many are joined, hosts \
             cannot join new groups.",
        ),
        key(
            "max-sources",
            Kind::Number(1, 65_535),
            Value("256"),
            "The maximum number of sources of a group.",
        ),
        key(
            "max-tracked",
            Kind::Number(1, 65_535),
            Value("64"),
            "The maximum number of pairs of a host and a source that `leave = \"tracked\"` \
             remembers for a group. With more, the group is not tracked.",
        ),
        key(
            "groups",
            Kind::AccessList(Range::Groups),
            Value("[]"),
            "The groups that hosts may join: see ACCESS LISTS.",
        ),
        key(
            "sources",
            Kind::AccessList(Range::Sources),
            Value("[]"),
            "The sources that hosts may name: see ACCESS LISTS.",
        ),
        key(
            "hosts",
            Kind::Prefixes(Range::Sources),
            Value("[]"),
            "The prefixes in which hosts have their addresses, in addition to those of the \
             interface's own addresses.",
        ),
        key(
            "static",
            Kind::Memberships,
            Value("[]"),
            "Groups, or sources with a group, that are forwarded to the interface even if no host \
             wants them.",
        ),
        key(
            "join",
            Kind::Memberships,
            Value("[]"),
            "The same as `static`, but mgmd also reports the memberships on the interface, as a \
             host does.",
        ),
        key(
            "ssm-range",
            Kind::Prefixes(Range::Groups),
            Value("[\"232.0.0.0/8\"]"),
            "The groups of source-specific multicast. For these groups, mgmd ignores reports that \
             name no source. The list may be empty.",
        ),
        key(
            "source",
            Kind::Address,
            Words("the lowest address of the interface"),
            "The source address of queries. It is also the address of mgmd in the election of the \
             querier.",
        ),
        key("passive", Kind::Bool, Value("false"), "If `true`, mgmd never sends a query."),
        key(
            "querier-allow",
            Kind::Addresses,
            Words("all"),
            "The only routers that may be querier instead of this one.",
        ),
        key(
            "older-queriers",
            Kind::Word(&["follow", "warn"]),
            Value("\"follow\""),
            "What mgmd does when another router sends queries of an older version. `follow` uses \
             that version, too; `warn` only logs it.",
        ),
        key(
            "ignore-v1",
            Kind::Bool,
            Value("false"),
            "If `true`, mgmd drops reports of version 1. Otherwise, mgmd ignores leaves of a group \
             for some minutes after such a report for it.",
        ),
        key(
            "require-router-alert",
            Kind::Bool,
            Value("false"),
            "If `true`, mgmd drops messages of versions 2 and 3 that lack the IP option Router \
             Alert.",
        ),
        key("ttl", Kind::Word(&["1", "any"]), Value("\"1\""), "The TTL that messages must have. `any` accepts all."),
        key(
            "link-local",
            Kind::Word(&["ignore", "track"]),
            Value("\"ignore\""),
            "Whether mgmd remembers the groups of 224.0.0.0/24 that hosts join. With `track`, it \
             reports them to the routing protocol that owns the interface. They are never \
             forwarded.",
        ),
    ],
};

/// `[[proxy]]`.
pub static PROXY: Table = Table {
    path: "proxy",
    header: "[[proxy]]",
    about:
        "An IGMP proxy (RFC 4605) joins on its upstream what the hosts of its downstreams want. \
            Write one table for each upstream. A membership of a source and a group is reported on \
            the first upstream whose `groups` and `sources` match. IGMP runs on all these \
            interfaces, with the values of their [[interface]] tables. An exact name takes \
            precedence over a pattern. So `downstream = [\"*\"]` means all interfaces except the \
            upstream.",
    keys: &[
        key("upstream", Kind::Name, Required, "The interface towards the senders."),
        key(
            "backup",
            Kind::Names,
            Value("[]"),
            "The interfaces that replace the upstream, in this order, while it is down or has no \
             address.",
        ),
        key("downstream", Kind::Names, Required, "The interfaces with the hosts."),
        key(
            "groups",
            Kind::AccessList(Range::Groups),
            Value("[\"deny 239.255.0.0/16\"]"),
            "The groups that are reported upstream: see ACCESS LISTS.",
        ),
        key(
            "sources",
            Kind::Prefixes(Range::Sources),
            Words("not set: the routes of the system decide"),
            "The networks of the senders behind the upstream. mgmd adds a route for each network, \
             so that packets of these senders are accepted on the upstream. Packets of other \
             senders are refused there.",
        ),
        key(
            "forward-up",
            Kind::ForwardUp,
            Value("true"),
            "Whether the packets of senders on downstreams are sent upstream. A list selects the \
             groups: see ACCESS LISTS. `true` selects all groups except 239.255.0.0/16.",
        ),
        key(
            "forward-always",
            Kind::Bool,
            Value("false"),
            "If `true`, mgmd forwards to a downstream even while another router is the querier \
             there. If both routers forward, the hosts get each packet twice.",
        ),
    ],
};

/// `[[route]]`.
pub static ROUTE: Table = Table {
    path: "route",
    header: "[[route]]",
    about: "A static route forwards flows that no host has asked for.",
    keys: &[
        key("from", Kind::Name, Required, "The interface on which the packets arrive."),
        key(
            "source",
            Kind::Prefix(Range::Sources),
            Value("\"0.0.0.0/0\""),
            "The sources of these packets: one address, or a prefix.",
        ),
        key(
            "group",
            Kind::Prefix(Range::Forwarded),
            Required,
            "The groups of these packets: one address, or a prefix.",
        ),
        key(
            "to",
            Kind::Names,
            Required,
            "The interfaces to which the packets are forwarded. `from` must not be one of them.",
        ),
    ],
};

/// `[[client]]`.
pub static CLIENT: Table = Table {
    path: "client",
    header: "[[client]]",
    about: "Restricts the routing protocols in processes of one user. A user without such a table \
            may do everything that routing protocols can do. If a user has several tables, a protocol \
            may do what at least one of them permits. A change does not affect protocols that are \
            registered.",
    keys: &[
        key(
            "user",
            Kind::User,
            Required,
            "The user of the process. `*` stands for all users without a table, also for root.",
        ),
        key(
            "protocols",
            Kind::Ids,
            Words("all"),
            "The ids with which a protocol may register: a protocol id, or a protocol id and a \
             component id.",
        ),
        key("interfaces", Kind::Names, Words("all"), "The interfaces that the protocol may take."),
    ],
};

/// `[[module]]`.
pub static MODULE: Table = Table {
    path: "module",
    header: "[[module]]",
    about: "A routing protocol in a shared object that is linked with libmgm.so.1. mgmd loads the \
            modules at its start, in the order of the file. A change needs a restart.",
    keys: &[
        fixed("path", Kind::Path(4_095), Required, "The shared object."),
        fixed(
            "args",
            Kind::Text(65_535),
            Value("\"\""),
            "The text that mgmd passes to the module.",
        ),
    ],
};
