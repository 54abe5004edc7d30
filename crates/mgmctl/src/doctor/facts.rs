//! What doctor has seen of the system, as data. No I/O here.

use super::firewall::{Firewall, Programs};
use super::traffic::Traffic;
use mgm_control::forwarding::Proxy;
use mgm_control::igmp::IgmpLink;
use mgm_control::interfaces::Interface;
use mgm_control::status::Status;
use mgm_net::mroute::DEFAULT_TABLE;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// How long packets were captured.
    pub listened: Duration,
    /// The links of the network namespace, by index.
    pub links: BTreeMap<u32, LinkFacts>,
    /// The links whose packets were captured.
    pub heard: BTreeSet<u32>,
    /// The links that the user has named.
    pub named: BTreeSet<u32>,
    /// The multicast routing tables, with those entries that existed all the time.
    pub tables: Vec<Table>,
    /// The rules that lead packets to a multicast routing table, in their order.
    pub rules: Vec<TableRule>,
    /// The packets.
    pub traffic: Traffic,
    /// Where the routes to those sources lead that `rp_filter` refuses, by the link on which their
    /// packets arrive.
    pub reverse_paths: BTreeMap<(u32, Ipv4Addr), ReversePath>,
    /// How many packets `rp_filter` has dropped meanwhile; `None` if the kernel does not say.
    pub reverse_path_drops: Option<u64>,
    /// The chains of the packet filter.
    pub firewall: Firewall,
    /// The hooks (ingress, egress) at which a killed ebpf forwarder has left a filter, by link.
    pub stale_filters: BTreeMap<u32, Vec<&'static str>>,
    /// The programs that can change the packet filter.
    pub programs: Programs,
    /// What is known of mgmd.
    pub mgmd: Mgmd,
    /// The processes with a raw IGMP socket: multicast routers.
    pub routers: Vec<Process>,
}

/// The priority of all filters of the ebpf forwarder.
pub const FILTER_PRIORITY: u32 = 0xc4a7;

/// A network device.
#[derive(Clone, Debug, Default)]
pub struct LinkFacts {
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it is up, and has a carrier or cannot tell.
    pub is_running: bool,
    /// The number of bytes that a packet may have.
    pub mtu: u32,
    /// Whether it is the loopback.
    pub is_loopback: bool,
    /// Its addresses, with the lengths of their prefixes.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// Whether it belongs to a VRF.
    pub in_vrf: bool,
    /// Present if it is a bridge.
    pub bridge: Option<Bridge>,
    /// `rp_filter` of `all` and of the link; `None` if it cannot be read.
    pub rp_filter: Option<RpFilter>,
}

/// The settings of `rp_filter` that apply to a link: the greater one has effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpFilter {
    /// `net.ipv4.conf.all.rp_filter`.
    pub all: u8,
    /// That of the link.
    pub own: u8,
}

impl RpFilter {
    /// Whether packets are dropped if the route of their source leads through another link.
    pub fn is_strict(self) -> bool {
        self.all.max(self.own) == 1
    }

    /// Whether packets are not checked.
    pub fn is_off(self) -> bool {
        self.all.max(self.own) == 0
    }
}

/// How a bridge treats multicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Whether it snoops IGMP.
    pub snoops: bool,
    /// Whether it takes this machine for a multicast router whatever happens
    /// (`mcast_router 2`).
    pub is_router_port: bool,
    /// Whether it passes all multicast packets to the routers of this machine in any case (Linux
    /// 6.16 and later).
    pub passes_all: bool,
    /// Whether it sends queries itself if no other router does (`mcast_querier`).
    pub queries_itself: bool,
    /// What it knows of queriers.
    pub querier: BridgeQuerier,
}

/// The querier that a bridge knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BridgeQuerier {
    /// The kernel does not say (before Linux 5.16).
    Unknown,
    /// No router sends queries.
    Absent,
    /// This address. `is_behind_port` if the queries arrive on a port of the bridge, and not from
    /// this machine.
    Present { address: Ipv4Addr, is_behind_port: bool },
}

/// A multicast routing table of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The kernel's number.
    pub id: u32,
    /// Its interfaces.
    pub vifs: Vec<Vif>,
    /// Its resolved entries.
    pub entries: Vec<Entry>,
}

/// An interface of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vif {
    /// The index of the link.
    pub link: u32,
    /// Whether packets to it go to the routing daemon or into a tunnel (VIFF_REGISTER,
    /// VIFF_TUNNEL), and do not leave by the link.
    pub is_virtual: bool,
}

/// An entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The source; 0.0.0.0 for all.
    pub source: Ipv4Addr,
    /// The group; 0.0.0.0 for all.
    pub group: Ipv4Addr,
    /// The link on which its packets arrive.
    pub arrives_on: u32,
    /// The links to which they are sent, with the TTL that a packet must exceed.
    pub sent_to: Vec<(u32, u8)>,
    /// How many packets the kernel has counted on `arrives_on`.
    pub packets: u64,
    /// Whether a network card forwards the packets, so that the kernel does not see them.
    pub is_offloaded: bool,
}

/// A rule of `ip mrule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRule {
    /// The name of the interface that it is for; `None` for all.
    pub interface: Option<String>,
    /// The table that it leads to; `None` for the table of the interface's VRF.
    pub table: Option<u32>,
}

/// Where the route to a source leads that `rp_filter` refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversePath {
    /// Through another link than the one on which the packets arrive, with this name.
    Elsewhere(String),
    /// There is no route.
    Missing,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// The systemd service that it belongs to, unless mgmctl belongs to the same.
    pub service: Option<String>,
}

/// What is known of mgmd.
#[derive(Clone, Debug, Default)]
pub struct Mgmd {
    /// Its control socket.
    pub socket: PathBuf,
    /// Whether the user has named the socket, with an option or in the environment.
    pub is_named: bool,
    /// Whether mgmd is to run: the user has named its socket, or its service is enabled.
    pub is_wanted: bool,
    /// Whether nothing listens at the socket.
    pub is_absent: bool,
    /// The table of the kernel that it would use, if nothing listens and its forwarder is the kernel.
    pub table: Option<u32>,
    /// Its state, if it has answered.
    pub router: Option<Router>,
}

/// The state of mgmd.
#[derive(Clone, Debug)]
pub struct Router {
    /// The router as a whole.
    pub status: Status,
    /// IGMP on its links, when the capture began.
    pub before: Vec<IgmpLink>,
    /// IGMP on its links, when the capture ended.
    pub after: Vec<IgmpLink>,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Its upstreams.
    pub proxies: Vec<Proxy>,
    /// Its privileges; `None` if they cannot be read.
    pub privileges: Option<Privileges>,
}

/// The privileges of a process that is mgmd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privileges {
    /// The capabilities that it lacks, by name: CAP_NET_ADMIN, CAP_NET_RAW.
    pub missing: Vec<&'static str>,
    /// Whether the system lets it have them: not in some containers.
    pub are_allowed: bool,
    /// The program.
    pub program: PathBuf,
    /// The process.
    pub process: Process,
}

impl Facts {
    /// The name of a link.
    pub fn name(&self, link: u32) -> String {
        self.links.get(&link).map_or_else(|| format!("interface {link}"), |l| l.name.clone())
    }

    /// Whether a table has the link as an interface whose packets leave by it.
    pub fn is_vif(&self, link: u32) -> bool {
        let mut vifs = self.tables.iter().flat_map(|table| &table.vifs);
        vifs.any(|vif| vif.link == link && !vif.is_virtual)
    }

    /// Whether an entry sends packets to the link.
    pub fn is_sent_to(&self, link: u32) -> bool {
        let mut entries = self.tables.iter().flat_map(|table| &table.entries);
        entries.any(|entry| entry.sent_to.iter().any(|(to, _)| *to == link))
    }

    /// Whether the rules lead packets that arrive on a link to a table.
    pub fn reaches(&self, link: u32, table: u32) -> bool {
        let known = self.links.get(&link);
        let exists = |id: u32| self.tables.iter().any(|table| table.id == id);
        let mut rules = self.rules.iter().filter(|rule| {
            let mut name = rule.interface.iter();
            name.all(|name| known.is_some_and(|known| known.name == *name))
        });
        let in_vrf = known.is_some_and(|known| known.in_vrf);
        let first = rules.find(|rule| rule.table.map_or(in_vrf, exists));
        match first {
            Some(rule) => rule.table.map_or(table != DEFAULT_TABLE, |id| id == table),
            // A kernel with only one table has no rules.
            None => table == DEFAULT_TABLE && self.rules.is_empty(),
        }
    }

    /// IGMP of mgmd on a link, when the capture ended.
    pub fn igmp(&self, link: u32) -> Option<&IgmpLink> {
        self.mgmd.router.as_ref()?.after.iter().find(|igmp| igmp.index == Some(link))
    }
}

/// The entries that existed at both times with the same incoming interface, with those outgoing
/// interfaces that they had at both, and with what the kernel has counted in between.
pub fn lasting(before: &[Entry], after: &[Entry]) -> Vec<Entry> {
    let key = |entry: &Entry| (entry.source, entry.group, entry.arrives_on);
    let old: BTreeMap<_, &Entry> = before.iter().map(|entry| (key(entry), entry)).collect();
    let both = after.iter().filter_map(|entry| Some((*old.get(&key(entry))?, entry)));
    both.map(|(old, new)| Entry {
        sent_to: new.sent_to.iter().filter(|to| old.sent_to.contains(to)).copied().collect(),
        // If another program has replaced the entry, it counts from 0 again.
        packets: new.packets.checked_sub(old.packets).unwrap_or(new.packets),
        ..new.clone()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_existed_all_the_time_is_judged() {
        let entry = |group: u8, arrives_on, sent_to: &[(u32, u8)], packets| Entry {
            source: Ipv4Addr::new(10, 1, 0, 11),
            group: Ipv4Addr::new(239, 1, 1, group),
            arrives_on,
            sent_to: sent_to.to_vec(),
            packets,
            is_offloaded: false,
        };
        let before = [
            entry(1, 2, &[(3, 1), (4, 1)], 100),
            entry(2, 2, &[(3, 1)], 5),
            entry(3, 2, &[(3, 1)], 5),
            entry(4, 2, &[(3, 1)], 70),
        ];
        let after = [
            entry(1, 2, &[(3, 1), (5, 1)], 130),
            entry(2, 9, &[(3, 1)], 5),
            entry(4, 2, &[(3, 9)], 2),
            entry(5, 2, &[(3, 1)], 5),
        ];
        assert_eq!(lasting(&before, &after), [entry(1, 2, &[(3, 1)], 30), entry(4, 2, &[], 2)]);
    }

    #[test]
    fn the_first_rule_for_a_link_decides() {
        let link =
            |name: &str, in_vrf| LinkFacts { name: name.into(), in_vrf, ..LinkFacts::default() };
        let table = |id| Table { id, vifs: Vec::new(), entries: Vec::new() };
        let rule = |interface: Option<&str>, table| TableRule {
            interface: interface.map(ToOwned::to_owned),
            table,
        };
        let mut facts = Facts {
            links: [(1, link("lan", false)), (2, link("src", false)), (3, link("red0", true))]
                .into(),
            tables: vec![table(DEFAULT_TABLE), table(100), table(10)],
            ..Facts::default()
        };
        let reached =
            |facts: &Facts, link| [DEFAULT_TABLE, 100, 10].map(|table| facts.reaches(link, table));
        assert_eq!(reached(&facts, 1), [true, false, false], "a kernel with one table");
        facts.rules = vec![
            rule(None, None),
            rule(Some("lan"), Some(77)),
            rule(Some("lan"), Some(100)),
            rule(None, Some(DEFAULT_TABLE)),
        ];
        assert_eq!(reached(&facts, 1), [false, true, false], "table 77 does not exist");
        assert_eq!(reached(&facts, 2), [true, false, false]);
        assert_eq!(reached(&facts, 3), [false, true, true], "the number of the VRF is not known");
    }

    #[test]
    fn the_greater_of_two_settings_applies() {
        let both = |all, own| RpFilter { all, own };
        assert!(both(0, 0).is_off() && !both(0, 1).is_off() && !both(2, 0).is_off());
        assert!(both(1, 0).is_strict() && both(0, 1).is_strict());
        assert!(!both(1, 2).is_strict() && !both(2, 1).is_strict());
    }
}
