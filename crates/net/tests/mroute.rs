//! What the kernel's multicast routing has, read back in network namespaces. Without root they are
//! skipped with a message.
#![cfg(target_os = "linux")]

use mgm_net::mroute::{table_of, Entry, Reader, Table, DEFAULT_TABLE};
use mgm_netns::{ip, ip_batch, run, wires, Wire, SURE};
use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::time::Instant;

const MRT_INIT: libc::c_int = 200;
const MRT_ADD_VIF: libc::c_int = 202;
const MRT_ADD_MFC: libc::c_int = 204;
const MRT_TABLE: libc::c_int = 209;
const VIFF_USE_IFINDEX: u8 = 8;

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);

/// A program that has a multicast routing table.
struct Router(Socket);

impl Router {
    fn open(table: u32) -> Router {
        let router = Router(Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(2))).unwrap());
        if table != DEFAULT_TABLE {
            router.set(MRT_TABLE, &table.to_ne_bytes());
        }
        router.set(MRT_INIT, &1u32.to_ne_bytes());
        router
    }

    fn set(&self, option: libc::c_int, value: &[u8]) {
        // SAFETY: the kernel reads as many bytes as the value has.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::IPPROTO_IP,
                option,
                value.as_ptr().cast(),
                value.len() as libc::socklen_t,
            )
        };
        Errno::result(result).unwrap();
    }

    /// `struct vifctl`.
    fn add_vif(&self, vif: u16, index: u32) {
        let head = [&vif.to_ne_bytes()[..], &[VIFF_USE_IFINDEX, 1], &[0; 4]].concat();
        self.set(MRT_ADD_VIF, &[&head[..], &index.to_ne_bytes(), &[0; 4]].concat());
    }

    /// `struct mfcctl`. The outgoing VIFs have the threshold 1.
    fn add_entry(&self, parent: u16, outgoing: &[usize]) {
        let mut thresholds = [0u8; 32];
        outgoing.iter().for_each(|vif| thresholds[*vif] = 1);
        let head = [&SOURCE.octets()[..], &GROUP.octets(), &parent.to_ne_bytes()].concat();
        self.set(MRT_ADD_MFC, &[&head[..], &thresholds, &[0; 18]].concat());
    }
}

fn send_until(wire: &Wire, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + SURE;
    while !condition() {
        assert!(Instant::now() < end, "it did not come true");
        wire.send(SOURCE.octets(), GROUP.octets(), 16);
    }
}

#[test]
fn an_entry_is_what_the_kernel_has() {
    run(|| {
        let wires: [Wire; 3] = wires();
        let mut reader = Reader::open().unwrap();
        assert_eq!(reader.entry(DEFAULT_TABLE, SOURCE, GROUP).unwrap(), None);
        let router = Router::open(DEFAULT_TABLE);
        for (vif, wire) in wires.iter().enumerate() {
            router.add_vif(vif as u16, wire.router);
        }
        router.add_entry(0, &[1, 2]);
        let entry = reader.entry(DEFAULT_TABLE, SOURCE, GROUP).unwrap().unwrap();
        let outgoing = vec![(wires[1].router, 1), (wires[2].router, 1)];
        let incoming = Some(wires[0].router);
        let none = Entry { incoming, outgoing, packets: 0, octets: 0, wrong_link: 0 };
        assert_eq!(entry, none);
        assert_eq!(reader.entry(DEFAULT_TABLE, GROUP, SOURCE).unwrap(), None, "another flow");
        assert_eq!(reader.entry(100, SOURCE, GROUP).unwrap(), None, "no such table");
        let mut counted = || reader.entry(DEFAULT_TABLE, SOURCE, GROUP).unwrap().unwrap();
        send_until(&wires[0], || counted().packets > 0);
        send_until(&wires[1], || counted().wrong_link > 0);
        let Entry { packets, octets, .. } = counted();
        assert_eq!(octets, 32 * packets);
    });
}

#[test]
fn tables_and_rules_say_where_the_packets_of_a_link_go() {
    run(|| {
        let [wire] = wires();
        let mut reader = Reader::open().unwrap();
        let other = Router::open(100);
        other.add_vif(0, wire.router);
        let tables = reader.tables().unwrap();
        let expected = Table { id: 100, links: vec![wire.router] };
        assert!(tables.contains(&expected), "{tables:?}");
        assert!(tables.iter().any(|table| table.id == DEFAULT_TABLE), "{tables:?}");
        let mut table = |name| table_of(name, &reader.rules().unwrap(), &tables);
        assert_eq!(table("r0"), Some(DEFAULT_TABLE));
        ip("mrule add fwmark 7 lookup 100");
        ip("mrule add not iif r1 lookup 100");
        assert_eq!(table("r0"), Some(DEFAULT_TABLE), "few packets have the mark");
        ip("mrule add iif r0 lookup 100");
        assert_eq!(table("r0"), Some(100));
        assert_eq!(table("r1"), Some(DEFAULT_TABLE));
    });
}

#[test]
fn the_kernel_says_which_sources_it_accepts_on_a_link() {
    run(|| {
        let wires: [Wire; 2] = wires();
        ip_batch("addr add 10.0.0.1/24 dev r0\naddr add 10.1.0.1/24 dev r1\n");
        let mut reader = Reader::open().unwrap();
        let mut accepts = |source, link: usize, setting: &str| {
            std::fs::write("/proc/sys/net/ipv4/conf/r1/rp_filter", setting).unwrap();
            reader.accepts_source(source, wires[link].router).unwrap()
        };
        let (near, unknown) = (SOURCE, Ipv4Addr::new(203, 0, 113, 9));
        assert!(accepts(near, 0, "0"));
        for (source, setting, accepted) in [
            (near, "0", true),
            (unknown, "0", true),
            (near, "2", true),
            (unknown, "2", false),
            (near, "1", false),
        ] {
            assert_eq!(accepts(source, 1, setting), accepted, "{source} with {setting}");
        }
        assert!(!accepts(Ipv4Addr::LOCALHOST, 1, "0"));
        let before = reader.entry(DEFAULT_TABLE, near, GROUP).unwrap();
        assert_eq!(before, None, "asking creates no entry");
    });
}
