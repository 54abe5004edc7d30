//! The kernel's multicast routing socket: every `MRT_*` option and `SIOCGET*` request that the
//! library uses, as safe functions over numbers and addresses.
//!
//! Constants and structures are those of <linux/mroute.h>, which libc lacks.

use super::vifs::{Vif, MAX_VIFS};
use crate::fork::GuardedFd;
use crate::forwarder::Counters;
use crate::types::{Flow, Ipv4Addr};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

const MRT_INIT: libc::c_int = 200;
const MRT_DONE: libc::c_int = 201;
const MRT_ADD_VIF: libc::c_int = 202;
const MRT_DEL_VIF: libc::c_int = 203;
const MRT_ADD_MFC: libc::c_int = 204;
const MRT_DEL_MFC: libc::c_int = 205;
const MRT_ASSERT: libc::c_int = 207;
const MRT_PIM: libc::c_int = 208;
const MRT_TABLE: libc::c_int = 209;

const SIOCGETVIFCNT: libc::c_ulong = 0x89e0;
const SIOCGETSGCNT: libc::c_ulong = 0x89e1;

/// The index of the number of dropped datagrams in the answer to SO_MEMINFO, an array of `u32`.
const SK_MEMINFO_DROPS: usize = 8;

const VIFF_USE_IFINDEX: u8 = 8;

/// `struct vifctl`
#[repr(C)]
struct VifCtl {
    vifi: u16,
    flags: u8,
    threshold: u8,
    rate_limit: libc::c_uint,
    ifindex: libc::c_int,
    remote: libc::in_addr,
}

/// `struct mfcctl`
#[repr(C)]
struct MfcCtl {
    origin: libc::in_addr,
    group: libc::in_addr,
    parent: u16,
    ttls: [u8; MAX_VIFS],
    pkt_cnt: libc::c_uint,
    byte_cnt: libc::c_uint,
    wrong_if: libc::c_uint,
    expire: libc::c_int,
}

/// `struct sioc_sg_req`
#[repr(C)]
struct SgReq {
    source: libc::in_addr,
    group: libc::in_addr,
    packets: libc::c_ulong,
    bytes: libc::c_ulong,
    wrong_if: libc::c_ulong,
}

/// `struct sioc_vif_req`
#[repr(C)]
struct VifReq {
    vifi: u16,
    counters: [libc::c_ulong; 4],
}

const _: () = assert!(size_of::<VifCtl>() == 16 && size_of::<MfcCtl>() == 60);

/// The TTL thresholds of an entry by VIF: 0 and 255 are off, else a packet
/// goes out only if its TTL is greater.
pub(super) type Ttls = [u8; MAX_VIFS];

/// The step at which opening the socket failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenStep {
    /// The raw socket itself.
    Socket,
    /// MRT_TABLE
    Table,
    /// MRT_INIT
    Init,
    /// MRT_PIM
    Pim,
    /// MRT_ASSERT
    Assert,
}

/// The socket that owns one of the kernel's multicast routing tables. The kernel deletes
/// everything that was added through it when it is [released](MrouteSocket::release), or closed
/// for any reason.
#[derive(Debug)]
pub(super) struct MrouteSocket(GuardedFd);

fn in_addr(addr: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from(addr).to_be() }
}

impl MrouteSocket {
    /// Becomes the owner of `table`; 0 is the default one.
    pub(super) fn open(table: u32) -> Result<MrouteSocket, (OpenStep, io::Error)> {
        let igmp = Protocol::from(libc::IPPROTO_IGMP);
        // Close-on-exec comes with socket2's sockets.
        let fd = GuardedFd::open(|| Socket::new(Domain::IPV4, Type::RAW, Some(igmp)))
            .map_err(|error| (OpenStep::Socket, error))?;
        let socket = MrouteSocket(fd);
        if table != 0 {
            // Only before MRT_INIT; afterwards it is EBUSY.
            socket.set(MRT_TABLE, &table).map_err(|error| (OpenStep::Table, error))?;
        }
        socket.set(MRT_INIT, &1i32).map_err(|error| (OpenStep::Init, error))?;
        // Without MRT_PIM the kernel reports packets on a wrong interface only if that interface
        // is an oif of the entry. The kernel acts on a *change* of the flag, which the table may
        // have kept from its last owner, so set it to 0 first. It causes no other upcalls,
        // because there is no register VIF. Kernels built without PIM lack the option.
        for on in [0i32, 1] {
            match socket.set(MRT_PIM, &on) {
                Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => {
                    log::debug!(
                        "this kernel lacks MRT_PIM, so it reports packets on a wrong interface only \
                         if that interface is an oif"
                    );
                }
                result => result.map_err(|error| (OpenStep::Pim, error))?,
            }
        }
        // Last, as MRT_PIM overwrites it.
        socket.set(MRT_ASSERT, &1i32).map_err(|error| (OpenStep::Assert, error))?;
        Ok(socket)
    }

    /// Sets an option of the IP layer.
    fn set<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        // SAFETY: `value` is read for its own size, in the form that the option
        // takes; every caller passes an integer or a structure without pointers.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::IPPROTO_IP,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if result == -1 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// # Safety
    /// `request` must be one that reads and writes a `T`.
    unsafe fn ioctl<T>(&self, request: libc::c_ulong, arg: &mut T) -> io::Result<()> {
        // SAFETY: by the caller's promise; `arg` is exclusively borrowed.
        // The request's type differs between C libraries, hence the cast.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, arg as *mut T) };
        if result == -1 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Makes room for unread upcalls: `bytes`, or what an ordinary user may have.
    pub(super) fn set_receive_buffer(&self, bytes: usize) {
        let forced = setsockopt(&self.0, RcvBufForce, &bytes);
        if let Err(error) = forced.map_err(io::Error::from) {
            let socket = SockRef::from(&self.0);
            let result = socket.set_recv_buffer_size(bytes);
            log::info!(
                "the buffer for upcalls has only {} bytes, because SO_RCVBUFFORCE failed \
                 ({error}){}: new flows of a larger burst are lost; raise net.core.rmem_max to \
                 {bytes}",
                socket.recv_buffer_size().unwrap_or(0),
                result.err().map_or(String::new(), |error| format!(", and SO_RCVBUF ({error})")),
            );
        }
    }

    /// How many upcalls did not fit into the buffer since the socket was opened, modulo 2^32.
    pub(super) fn overflows(&self) -> io::Result<u32> {
        let mut info = [0u32; SK_MEMINFO_DROPS + 1];
        let mut length = std::mem::size_of_val(&info) as libc::socklen_t;
        // SAFETY: the kernel writes no more than `length` bytes.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_MEMINFO,
                info.as_mut_ptr().cast(),
                &mut length,
            )
        };
        if result == -1 {
            Err(io::Error::last_os_error())
        } else {
            Ok(info[SK_MEMINFO_DROPS])
        }
    }

    /// Keeps IGMP packets out of the buffer, which is for upcalls: accepts only datagrams with IP
    /// protocol 0, which no packet from the network has here.
    pub(super) fn accept_upcalls_only(&self) -> io::Result<()> {
        let code = |code: u32| code as u16;
        let load_protocol = code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS);
        let jump_equal = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
        let answer = code(libc::BPF_RET | libc::BPF_K);
        SockRef::from(&self.0).attach_filter(&[
            SockFilter::new(load_protocol, 0, 0, 9),
            SockFilter::new(jump_equal, 0, 1, 0),
            SockFilter::new(answer, 0, 0, u32::MAX),
            SockFilter::new(answer, 0, 0, 0),
        ])
    }

    /// Serves the device with this index as `vif`.
    pub(super) fn add_vif(&self, vif: Vif, if_index: u32) -> io::Result<()> {
        self.set(
            MRT_ADD_VIF,
            &VifCtl {
                vifi: vif.number().into(),
                flags: VIFF_USE_IFINDEX,
                // Ignored in forwarding, as is the rate limit: see `Ttls`.
                threshold: 1,
                rate_limit: 0,
                ifindex: if_index as libc::c_int,
                remote: in_addr(Ipv4Addr::UNSPECIFIED),
            },
        )
    }

    /// Stops serving `vif`.
    pub(super) fn delete_vif(&self, vif: Vif) -> io::Result<()> {
        self.set(
            MRT_DEL_VIF,
            &VifCtl {
                vifi: vif.number().into(),
                flags: 0,
                threshold: 0,
                rate_limit: 0,
                ifindex: 0,
                remote: in_addr(Ipv4Addr::UNSPECIFIED),
            },
        )
    }

    /// Whether the kernel still has `vif`. It deletes a VIF together with its device.
    pub(super) fn has_vif(&self, vif: Vif) -> io::Result<bool> {
        let mut request = VifReq { vifi: vif.number().into(), counters: [0; 4] };
        // SAFETY: SIOCGETVIFCNT reads and writes a `struct sioc_vif_req`.
        match unsafe { self.ioctl(SIOCGETVIFCNT, &mut request) } {
            Ok(()) => Ok(true),
            Err(error) => match error.raw_os_error() {
                // EINVAL means that there is no VIF with this number or a greater one.
                Some(libc::EADDRNOTAVAIL | libc::EINVAL) => Ok(false),
                _ => Err(error),
            },
        }
    }

    /// Installs an entry, or replaces the one of this flow and keeps its counters.
    pub(super) fn add_mfc(&self, flow: Flow, parent: Vif, ttls: Ttls) -> io::Result<()> {
        self.set(MRT_ADD_MFC, &mfc(flow, parent.number().into(), ttls))
    }

    /// Removes the entry of this flow.
    pub(super) fn delete_mfc(&self, flow: Flow) -> io::Result<()> {
        self.set(MRT_DEL_MFC, &mfc(flow, 0, [0; MAX_VIFS]))
    }

    /// The kernel's counters of this flow's entry, `None` if there is none.
    pub(super) fn counters(&self, flow: Flow) -> io::Result<Option<Counters>> {
        let mut request = SgReq {
            source: in_addr(flow.source()),
            group: in_addr(flow.group()),
            packets: 0,
            bytes: 0,
            wrong_if: 0,
        };
        // SAFETY: SIOCGETSGCNT reads and writes a `struct sioc_sg_req`.
        match unsafe { self.ioctl(SIOCGETSGCNT, &mut request) } {
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => Ok(None),
            Err(error) => Err(error),
            Ok(()) => {
                let [packets, octets, wrong_if] =
                    [request.packets, request.bytes, request.wrong_if].map(as_u64);
                // The kernel counts a packet before it checks where it arrived.
                Ok(Some(Counters { packets: packets.saturating_sub(wrong_if), octets, wrong_if }))
            }
        }
    }

    /// The name of a device, `None` if there is none with this index. Uses the socket and not the
    /// C library, which would use the network namespace of the calling thread.
    pub(super) fn device_name(&self, if_index: u32) -> io::Result<Option<String>> {
        // SAFETY: all zeros is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { zeroed() };
        let Ok(index) = libc::c_int::try_from(if_index) else { return Ok(None) };
        request.ifr_ifru.ifru_ifindex = index;
        // SAFETY: SIOCGIFNAME reads and writes a `struct ifreq`.
        match unsafe { self.ioctl(libc::SIOCGIFNAME, &mut request) } {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Ok(None),
            result => result?,
        }
        Ok(Some(text(&request.ifr_name)))
    }

    /// Whether a device has an address. `true` if that is not known. Uses the socket, as above.
    pub(super) fn has_address(&self, name: &str) -> bool {
        self.address_labels().map_or(true, |labels| labels.iter().any(|label| belongs(label, name)))
    }

    /// The labels of all addresses. SIOCGIFADDR finds no address with a label such as `eth1:0`.
    fn address_labels(&self) -> io::Result<Vec<String>> {
        let mut room = 64;
        loop {
            // SAFETY: all zeros is a valid `ifreq`.
            let mut rows: Vec<libc::ifreq> = vec![unsafe { zeroed() }; room];
            let length = libc::c_int::try_from(room * size_of::<libc::ifreq>());
            let mut request = libc::ifconf {
                ifc_len: length.map_err(io::Error::other)?,
                ifc_ifcu: libc::__c_anonymous_ifc_ifcu { ifcu_req: rows.as_mut_ptr() },
            };
            // SAFETY: SIOCGIFCONF reads and writes a `struct ifconf`, and writes at most `ifc_len`
            // bytes of `rows`, which outlives the call.
            unsafe { self.ioctl(libc::SIOCGIFCONF, &mut request) }?;
            let count = request.ifc_len as usize / size_of::<libc::ifreq>();
            if count < room {
                return Ok(rows[..count].iter().map(|row| text(&row.ifr_name)).collect());
            }
            room *= 2; // there may be more
        }
    }

    /// Releases the table: all VIFs and entries are deleted at once, even if another thread still
    /// waits on the socket.
    pub(super) fn release(&self) {
        if let Err(error) = self.set(MRT_DONE, &0i32) {
            log::debug!("MRT_DONE failed: {error}");
        }
    }
}

/// A name that ends with a zero.
fn text(name: &[libc::c_char]) -> String {
    let name: Vec<u8> = name.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&name).into_owned()
}

/// Whether the label of an address is one of this device: its name, which a colon and more may follow.
fn belongs(label: &str, device: &str) -> bool {
    label.strip_prefix(device).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// The counters are `unsigned long`: 32 or 64 bits.
#[allow(clippy::useless_conversion)]
fn as_u64(count: libc::c_ulong) -> u64 {
    count.into()
}

fn mfc(flow: Flow, parent: u16, ttls: Ttls) -> MfcCtl {
    MfcCtl {
        origin: in_addr(flow.source()),
        group: in_addr(flow.group()),
        parent,
        ttls,
        pkt_cnt: 0,
        byte_cnt: 0,
        wrong_if: 0,
        expire: 0,
    }
}

impl AsFd for MrouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_netns as netns;

    #[test]
    fn an_address_with_any_label_is_one_of_its_device() {
        netns::run(|| {
            netns::ip_batch(
                "link add r1 type veth peer name h1\nlink add r2 type veth peer name r10\n\
                 address add 10.1.0.1/24 dev r10\naddress add 10.2.0.1/24 dev r2 label r2:0\n",
            );
            let socket = MrouteSocket::open(0).unwrap();
            let has = |name| socket.has_address(name);
            assert_eq!((has("r1"), has("r10"), has("r2")), (false, true, true));
            // More addresses than are read at first.
            let more = (0..200).map(|n| format!("address add 10.3.0.{n}/32 dev r10\n"));
            netns::ip_batch(&more.collect::<String>());
            assert_eq!((has("r1"), has("r2")), (false, true));
            netns::ip("address add 10.4.0.1/24 dev r1 label r1:far");
            assert!(has("r1"));
        });
    }
}
