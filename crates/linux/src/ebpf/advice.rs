//! Turns errors into messages that say what the operator can do.

use super::attach::AttachError;
use super::layout::{MOST_OIFS, PORTS};
use super::links::Facts;
use super::load::LoadError;
use super::table::TableError;
use crate::types::{Flow, IfId, Interface, Rate, Refusal};
use std::io;

const OR_KERNEL: &str = "or set MGM_FORWARDER to kernel";

fn forwarder(text: String) -> Refusal {
    Refusal::Forwarder(text)
}

/// Why the programs cannot be loaded.
pub(super) fn unloaded(error: &LoadError) -> Refusal {
    forwarder(match error {
        LoadError::Object(why) => format!(
            "internal error: the built-in eBPF programs do not fit this library ({}); please \
             report it",
            why.0
        ),
        LoadError::Map(name, error) => map_or_program(&format!("the map {name}"), error, ""),
        LoadError::Program(name, error, words) => {
            map_or_program(&format!("the program {name}"), error, words)
        }
    })
}

fn map_or_program(what: &str, error: &io::Error, words: &str) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) if words.is_empty() => format!(
            "no permission to load eBPF programs ({error}): run as root, or give the program the \
             capabilities CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_NET_RAW (setcap \
             cap_bpf,cap_perfmon,cap_net_admin,cap_net_raw+ep); in a container, and under lockdown or \
             seccomp, the host must permit it as well; {OR_KERNEL}"
        ),
        Some(libc::EACCES) if lacks_perfmon(words) => format!(
            "no permission for {what} of the ebpf forwarder ({error}: {words}): run as root, or give \
             the program the capability CAP_PERFMON, too, {OR_KERNEL}"
        ),
        Some(libc::ENOSYS) => {
            format!(
                "this kernel has no eBPF ({error}): use one with CONFIG_BPF_SYSCALL, {OR_KERNEL}"
            )
        }
        Some(libc::ENOMEM) => format!(
            "the kernel has no memory for {what} of the ebpf forwarder ({error}): free some \
             memory, or before Linux 5.11 raise the limit on locked memory (ulimit -l), {OR_KERNEL}"
        ),
        Some(libc::EMFILE | libc::ENFILE) => {
            format!("the ebpf forwarder cannot open {what}: {error}: raise the limit on open files")
        }
        _ if words.is_empty() => format!(
            "this kernel refuses {what} of the ebpf forwarder ({error}): use Linux 5.8 or later, \
             {OR_KERNEL}"
        ),
        _ => format!(
            "this kernel refuses {what} of the ebpf forwarder ({error}: {words}): use Linux 5.8 or \
             later, {OR_KERNEL}"
        ),
    }
}

/// Whether the verifier refuses what it permits with CAP_PERFMON: to compare and to store pointers, and
/// to calculate with them.
fn lacks_perfmon(words: &str) -> bool {
    ["pointer comparison prohibited", "leaks addr", "prohibited for !root"]
        .iter()
        .any(|reason| words.contains(reason))
}

/// The forwarder cannot get a thread, socket or descriptor that it needs.
pub(super) fn resources(error: &io::Error) -> Refusal {
    forwarder(match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => format!(
            "no permission for a packet socket ({error}): run as root, or give the program the \
             capability CAP_NET_RAW, {OR_KERNEL}"
        ),
        _ => format!(
            "the ebpf forwarder cannot get a file descriptor or a thread: {error}: raise the \
             limits of the process"
        ),
    })
}

pub(super) fn too_many(interface: Interface) -> Refusal {
    forwarder(format!("{interface}: the ebpf forwarder supports at most {PORTS} interfaces"))
}

pub(super) fn same_number(interface: Interface, other: Interface) -> Refusal {
    forwarder(format!("internal error: {interface} has the number of {other}; please report it"))
}

pub(super) fn same_interface(interface: Interface, other: IfId) -> Refusal {
    forwarder(format!(
        "internal error: {interface} is already served, as number {}; please report it",
        other.0
    ))
}

/// The kernel does not answer whether an interface exists.
pub(super) fn unknown(error: &io::Error, interface: Interface) -> Refusal {
    forwarder(format!("{interface}: cannot read it from the kernel: {error}"))
}

/// The interface has a type that the programs cannot serve.
pub(super) fn no_framing(interface: Interface, facts: &Facts) -> Refusal {
    let name = &facts.name;
    let tunnel = match facts.kind {
        libc::ARPHRD_IPGRE => "a GRE tunnel",
        libc::ARPHRD_TUNNEL | libc::ARPHRD_SIT => "a tunnel",
        _ => "",
    };
    forwarder(if !tunnel.is_empty() {
        format!(
            "{interface} ({name}) is {tunnel} with many remote ends, which the ebpf forwarder cannot \
             serve, because copies have no destination there: use one tunnel for each remote end, \
             {OR_KERNEL}"
        )
    } else {
        format!(
            "{interface} ({name}) has the link type {}, which the ebpf forwarder cannot serve: set \
             MGM_FORWARDER to kernel",
            facts.kind
        )
    })
}

/// A next hop on a link without Ethernet addresses.
pub(super) fn no_neighbours(interface: Interface, facts: &Facts) -> Refusal {
    forwarder(format!(
        "{interface} ({}): next hops need Ethernet, because the ebpf forwarder sends to a \
         neighbour's Ethernet address: use next hop 0",
        facts.name
    ))
}

/// Programs cannot be attached to an interface.
pub(super) fn unattached(error: &AttachError, interface: Interface, name: &str) -> Refusal {
    let what = format!("{interface} ({name})");
    forwarder(match error {
        AttachError::Gone => return Refusal::NoSuchInterface(interface.index),
        AttachError::Taken => format!(
            "{what} is already served by another ebpf forwarder: stop that router, or release the \
             interface there"
        ),
        AttachError::OtherQdisc => format!(
            "{what} has an ingress qdisc, which leaves no room for clsact: delete it with \"tc \
             qdisc del dev {name} ingress\", or use Linux 6.6 or later"
        ),
        AttachError::System(step, error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => format!(
                "{what}: no permission for {step} ({error}): give the program the capability \
                 CAP_NET_ADMIN"
            ),
            Some(libc::ENOENT | libc::EOPNOTSUPP) => format!(
                "{what}: this kernel has no {step} ({error}): use Linux 6.6 or later, or load the \
                 modules sch_ingress and cls_bpf"
            ),
            Some(libc::EMFILE | libc::ENFILE) => format!(
                "{what}: cannot open {step}: {error}: raise the limit on open files, of which \
                 each interface needs two or three"
            ),
            _ => format!("{what}: the kernel refuses {step}: {error}"),
        },
    })
}

/// Programs cannot be detached from an interface that another daemon has added.
pub(super) fn undetached(error: &io::Error, if_index: u32, name: &str) -> Refusal {
    forwarder(format!(
        "{name} (index {if_index}): another multicast daemon has added it to the kernel's multicast \
         routing, and the programs cannot be detached: {error}"
    ))
}

/// The kernel's multicast routing serves the interface.
pub(super) fn has_vif(interface: Interface, name: &str) -> Refusal {
    forwarder(format!(
        "{interface} ({name}): another multicast daemon (pimd, smcrouted, mrouted, igmpproxy ...) \
         uses it in the kernel's multicast routing, and receivers would get packets twice: remove \
         it there, or leave it to that daemon"
    ))
}

/// Packet filters that have no effect on what the programs forward.
pub(super) fn bypassed(chains: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let more = if chains.len() > SHOWN { ", ..." } else { "" };
    (!chains.is_empty()).then(|| {
        format!(
            "packets that the ebpf forwarder forwards bypass these chains of the packet filter: \
             {}{more}; to filter them, use filters of tc at the hook egress of the interfaces \
             by which they leave",
            chains[..chains.len().min(SHOWN)].join(", ")
        )
    })
}

/// The limit of new flows of an interface has refused packets.
pub(super) fn refused(if_index: u32, name: &str, rate: Rate, packets: u64) -> String {
    let Rate { per_second, burst } = rate;
    format!(
        "{packets} packets of new flows that arrived on {name} (index {if_index}) were refused, \
         because they exceed the limit of {per_second} new flows a second and {burst} at once: find \
         the senders (mgmtop lists the flows) and block them with a filter or a boundary, or raise \
         the limit with MgmHostSetFlowLimit"
    )
}

/// The interface cannot be made to receive all multicast packets.
pub(super) fn not_all(error: &io::Error, interface: Interface, name: &str) -> Refusal {
    forwarder(format!("{interface} ({name}) cannot receive all multicast packets: {error}"))
}

/// The map of interfaces refuses one.
pub(super) fn no_port(error: &io::Error, interface: Interface, name: &str) -> Refusal {
    forwarder(match error.raw_os_error() {
        Some(libc::E2BIG | libc::ENOMEM) => format!(
            "{interface} ({name}): the kernel has no room for another interface ({error}): release \
             another one, or free some memory"
        ),
        _ => format!("{interface} ({name}): the kernel refuses to serve it: {error}"),
    })
}

/// Why an entry is refused.
pub(super) fn entry(error: &TableError, flow: Flow) -> Refusal {
    forwarder(match error {
        TableError::NoRoom | TableError::Full => {
            format!("{flow}: the tables of the ebpf forwarder are full: lower MGM_MAX_FLOWS")
        }
        TableError::TooManyOifs => {
            format!("{flow}: the ebpf forwarder supports at most {MOST_OIFS} oifs for an MFE")
        }
        TableError::System(error) => match error.raw_os_error() {
            Some(libc::EPERM) => format!(
                "{flow}: no permission for more memory of the ebpf forwarder ({error}): a router \
                 that gives up the capability CAP_BPF has room for at most 65,536 flows: keep it \
                 (AmbientCapabilities=CAP_BPF in a unit), or lower MGM_MAX_FLOWS"
            ),
            Some(libc::ENOMEM) => {
                format!("{flow}: the kernel has no memory for another MFE: {error}")
            }
            _ => format!("{flow}: the kernel refuses the MFE: {error}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(errno: i32) -> io::Error {
        io::Error::from_raw_os_error(errno)
    }

    #[test]
    fn t2_7_each_cause_of_a_failed_open_has_its_cure() {
        let map = |errno| unloaded(&LoadError::Map("ring", error(errno))).to_string();
        assert!(map(libc::EPERM).contains("CAP_BPF") && map(libc::EPERM).contains("lockdown"));
        assert!(map(libc::EINVAL).contains("Linux 5.8") && map(libc::EINVAL).contains("map ring"));
        assert!(map(libc::ENOSYS).contains("CONFIG_BPF_SYSCALL"));
        assert!(map(libc::ENOMEM).contains("ulimit -l"));
        assert!(map(libc::EMFILE).contains("open files"));
        let refused = LoadError::Program("mgm_l2", error(libc::EACCES), "R4 invalid".into());
        let text = unloaded(&refused).to_string();
        assert!(text.contains("mgm_l2") && text.contains("R4 invalid") && !text.contains("root"));
        assert!(text.contains("Linux 5.8") && !text.contains("CAP_PERFMON"), "{text}");
        let words = "R2 pointer comparison prohibited".into();
        let text = unloaded(&LoadError::Program("mgm_l2", error(libc::EACCES), words)).to_string();
        assert!(text.contains("CAP_PERFMON") && !text.contains("Linux 5.8"), "{text}");
        assert!(text.contains("mgm_l2") && text.contains("R2 pointer comparison"), "{text}");
        assert!(resources(&error(libc::EPERM)).to_string().contains("CAP_NET_RAW"));
        assert!(resources(&error(libc::EMFILE)).to_string().contains("limits"));
        let flow = Flow::new([10, 0, 0, 1].into(), [239, 1, 2, 3].into());
        let full = entry(&TableError::System(error(libc::EPERM)), flow).to_string();
        assert!(full.contains("CAP_BPF") && full.contains("MGM_MAX_FLOWS"), "{full}");
    }

    #[test]
    fn t2_7_links_that_cannot_be_served_are_refused_with_the_reason() {
        let facts = |kind| Facts {
            name: "x0".into(),
            framing: None,
            kind,
            mtu: 1500,
            mac: [0; 6],
            is_up: true,
        };
        let link = Interface::link(7);
        let text = |kind| no_framing(link, &facts(kind)).to_string();
        let gre = text(libc::ARPHRD_IPGRE);
        for words in
            ["x0", "GRE tunnel with many remote ends", "one tunnel for each", "MGM_FORWARDER"]
        {
            assert!(gre.contains(words), "{gre}");
        }
        let ipip = text(libc::ARPHRD_TUNNEL);
        assert!(ipip.contains("a tunnel with many remote ends"), "{ipip}");
        assert!(text(libc::ARPHRD_INFINIBAND).contains("link type 32"));
        // WireGuard: the driver chooses the peer by the group's address, not by a next hop.
        let pair = Interface { index: 7, next_hop: [10, 0, 0, 1].into() };
        let wireguard = no_neighbours(pair, &facts(libc::ARPHRD_NONE)).to_string();
        assert!(wireguard.contains("x0") && wireguard.contains("next hops need Ethernet"));
        assert!(wireguard.contains("use next hop 0"), "{wireguard}");
    }

    #[test]
    fn t2_7_each_cause_of_a_refused_interface_has_its_cure() {
        let text = |error| unattached(&error, Interface::link(7), "eth0").to_string();
        let system = |errno| text(AttachError::System("a tcx link", error(errno)));
        assert!(text(AttachError::Taken).contains("another ebpf forwarder"));
        assert!(text(AttachError::OtherQdisc).contains("tc qdisc del dev eth0 ingress"));
        assert!(system(libc::EPERM).contains("CAP_NET_ADMIN"));
        assert!(system(libc::ENOENT).contains("cls_bpf"));
        assert!(system(libc::EMFILE).contains("limit on open files"));
        assert!(system(libc::EBUSY).contains("a tcx link"));
        assert_eq!(
            unattached(&AttachError::Gone, Interface::link(7), "eth0"),
            Refusal::NoSuchInterface(7)
        );
    }
}
