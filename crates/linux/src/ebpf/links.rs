//! What the forwarder must know of an interface: its type, MTU, address, and whether it is up.

use crate::fork::GuardedFd;
use crate::types::Ipv4Addr;
use nix::sys::socket::{socket, AddressFamily, SockFlag, SockType};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;

/// What the header in front of an IP packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Ethernet,
    /// None.
    Bare,
}

/// The present state of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub name: String,
    /// `None`: of a type that the programs cannot serve; see `kind`.
    pub framing: Option<Framing>,
    /// ARPHRD_*.
    pub kind: u16,
    pub mtu: u32,
    pub mac: [u8; 6],
    pub is_up: bool,
}

/// Asks the kernel about interfaces, and makes them receive every multicast packet, in the network
/// namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct LinkSocket(GuardedFd);

/// A device, told from a later one with its index.
#[derive(Debug)]
pub(super) struct Device(GuardedFd);

/// The name of an interface.
type Name = [libc::c_char; libc::IFNAMSIZ];

/// How often an interface is asked about that gets another name each time.
const TRIES: usize = 4;

/// From <linux/if_packet.h>.
const PACKET_MR_ALLMULTI: u16 = 2;
/// From <linux/if_tunnel.h>.
const SIOCGETTUNNEL: libc::c_ulong = 0x89f0;
/// `struct ip_tunnel_parm`, and where it has the address of the remote end.
const TUNNEL: usize = 52;
const TUNNEL_REMOTE: usize = 48;
/// From <linux/if_arp.h>: links without a header that copies could have.
const BARE: [u16; 6] = [
    libc::ARPHRD_NONE,
    libc::ARPHRD_PPP,
    libc::ARPHRD_TUNNEL,
    libc::ARPHRD_SIT,
    519, // ARPHRD_RAWIP
    libc::ARPHRD_IPGRE,
];
/// Those of them that are tunnels with remote ends in IPv4.
const TUNNELS: [u16; 3] = [libc::ARPHRD_TUNNEL, libc::ARPHRD_SIT, libc::ARPHRD_IPGRE];

/// What is in front of the packets of a link of this type; `None` if copies cannot be sent there.
/// `remote`: the remote end of a tunnel, if the kernel says that it has none or one.
fn framing(kind: u16, remote: Option<Ipv4Addr>) -> Option<Framing> {
    // The driver needs a route for each packet then, which copies do not have. A driver of GRE takes
    // the first bytes of a packet for its own header, also if the remote end is a group.
    let is_multipoint = remote.is_some_and(|remote| {
        remote.is_unspecified() || kind == libc::ARPHRD_IPGRE && remote.is_multicast()
    });
    match kind {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(Framing::Ethernet),
        _ if BARE.contains(&kind) && !is_multipoint => Some(Framing::Bare),
        _ => None,
    }
}

/// What drivers answer that do not have the request.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOTTY | libc::EINVAL))
}

/// A packet socket of protocol 0, so that it receives nothing.
fn deaf_socket() -> io::Result<GuardedFd> {
    GuardedFd::open(|| {
        Ok(socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?)
    })
}

/// The length of an address of a packet socket.
const ADDRESS: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;

impl Device {
    /// The device that has this index now.
    pub(super) fn of(if_index: u32) -> io::Result<Device> {
        let fd = deaf_socket()?;
        // SAFETY: all zeros is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as libc::sa_family_t;
        address.sll_ifindex = if_index as libc::c_int;
        let from = std::ptr::from_ref(&address).cast();
        // SAFETY: the kernel reads one sockaddr_ll.
        if unsafe { libc::bind(fd.as_raw_fd(), from, ADDRESS) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Device(fd))
    }

    /// Whether it still has its index in its namespace: otherwise the kernel has unbound the socket.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        // SAFETY: all zeros is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        let (to, mut length) = (std::ptr::from_mut(&mut address).cast(), ADDRESS);
        // SAFETY: the kernel writes one sockaddr_ll, and its length.
        if unsafe { libc::getsockname(self.0.as_raw_fd(), to, &mut length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(address.sll_ifindex > 0)
    }
}

impl LinkSocket {
    pub(super) fn open() -> io::Result<LinkSocket> {
        Ok(LinkSocket(deaf_socket()?))
    }

    /// A request about an interface by name, or, for SIOCGIFNAME, by index.
    fn request(&self, request: libc::c_ulong, of: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: these requests read and write one ifreq, SIOCGETTUNNEL also the bytes that it names.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, of) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// The state of an interface; `None` if there is none with this index.
    pub(super) fn facts(&self, if_index: u32) -> io::Result<Option<Facts>> {
        let is_absent = |error: &io::Error| error.raw_os_error() == Some(libc::ENODEV);
        for _ in 0..TRIES {
            let name = match self.name(if_index) {
                Err(error) if is_absent(&error) => return Ok(None),
                name => name?,
            };
            match self.read(if_index, name) {
                // It has got another name meanwhile, or is gone.
                Err(error) if is_absent(&error) => {}
                facts => return facts.map(Some),
            }
        }
        Err(io::Error::from_raw_os_error(libc::EAGAIN))
    }

    fn name(&self, if_index: u32) -> io::Result<Name> {
        // SAFETY: all zeros is a valid ifreq.
        let mut ifreq: libc::ifreq = unsafe { zeroed() };
        ifreq.ifr_ifru.ifru_ifindex = if_index as libc::c_int;
        self.request(libc::SIOCGIFNAME, &mut ifreq)?;
        Ok(ifreq.ifr_name)
    }

    /// The remote end of a tunnel in IPv4: 0.0.0.0 if it has many, `None` if its driver does not say.
    fn remote(&self, name: Name) -> io::Result<Option<Ipv4Addr>> {
        let mut tunnel = [0u8; TUNNEL];
        // SAFETY: all zeros is a valid ifreq.
        let mut ifreq: libc::ifreq = unsafe { zeroed() };
        ifreq.ifr_name = name;
        ifreq.ifr_ifru.ifru_data = tunnel.as_mut_ptr().cast();
        // The kernel writes the structure that ifru_data points to.
        match self.request(SIOCGETTUNNEL, &mut ifreq) {
            Ok(()) => {
                let [.., a, b, c, d] = tunnel;
                const { assert!(TUNNEL_REMOTE + 4 == TUNNEL) };
                Ok(Some(Ipv4Addr::new(a, b, c, d)))
            }
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self, if_index: u32, name: Name) -> io::Result<Facts> {
        // SAFETY: all zeros is a valid ifreq.
        let mut ifreq: libc::ifreq = unsafe { zeroed() };
        ifreq.ifr_name = name;
        self.request(libc::SIOCGIFFLAGS, &mut ifreq)?;
        // SAFETY: the request has written this field.
        let flags = libc::c_int::from(unsafe { ifreq.ifr_ifru.ifru_flags });
        self.request(libc::SIOCGIFMTU, &mut ifreq)?;
        // SAFETY: the request has written this field.
        let mtu = unsafe { ifreq.ifr_ifru.ifru_mtu };
        self.request(libc::SIOCGIFHWADDR, &mut ifreq)?;
        // SAFETY: the request has written this field.
        let address = unsafe { ifreq.ifr_ifru.ifru_hwaddr };
        // Another interface may have got the name meanwhile.
        self.request(libc::SIOCGIFINDEX, &mut ifreq)?;
        // SAFETY: the request has written this field.
        if unsafe { ifreq.ifr_ifru.ifru_ifindex } != if_index as libc::c_int {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        let mut mac = [0; 6];
        for (byte, from) in mac.iter_mut().zip(address.sa_data) {
            *byte = from as u8;
        }
        let kind = address.sa_family;
        let remote = if TUNNELS.contains(&kind) { self.remote(name)? } else { None };
        let name = name.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
        Ok(Facts {
            name: String::from_utf8_lossy(&Vec::from_iter::<Vec<u8>>(name)).into_owned(),
            framing: framing(kind, remote),
            kind,
            mtu: mtu.max(0) as u32,
            mac,
            is_up: flags & libc::IFF_UP != 0,
        })
    }

    /// Makes an interface receive all multicast packets, or ends that. The kernel counts these
    /// requests, and ends them with the socket.
    pub(super) fn receive_all(&self, if_index: u32, wanted: bool) -> io::Result<()> {
        let request = libc::packet_mreq {
            mr_ifindex: if_index as libc::c_int,
            mr_type: PACKET_MR_ALLMULTI,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let option =
            if wanted { libc::PACKET_ADD_MEMBERSHIP } else { libc::PACKET_DROP_MEMBERSHIP };
        // SAFETY: the kernel reads one packet_mreq.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                option,
                std::ptr::from_ref(&request).cast(),
                size_of::<libc::packet_mreq>() as libc::socklen_t,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// The Ethernet address of a neighbour, if the kernel knows it.
    pub(super) fn neighbour(&self, name: &str, of: Ipv4Addr) -> io::Result<Option<[u8; 6]>> {
        // SAFETY: all zeros is a valid arpreq.
        let mut request: libc::arpreq = unsafe { zeroed() };
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: u32::from(of).to_be() },
            sin_zero: [0; 8],
        };
        // SAFETY: both are 16 bytes long, and valid whatever the bits.
        request.arp_pa =
            unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(address) };
        for (to, from) in request.arp_dev.iter_mut().zip(name.bytes().take(15)) {
            *to = from as libc::c_char;
        }
        // SAFETY: the request reads and writes one arpreq.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGARP as _, &mut request) };
        if result < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ENXIO | libc::ENODEV) => Ok(None),
                _ => Err(error),
            };
        }
        const COMPLETE: libc::c_int = 2; // ATF_COM
        let mut mac = [0; 6];
        for (byte, from) in mac.iter_mut().zip(request.arp_ha.sa_data) {
            *byte = from as u8;
        }
        Ok((request.arp_flags & COMPLETE != 0).then_some(mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_with_many_remote_ends_are_not_served() {
        let (none, group, one) =
            (Ipv4Addr::UNSPECIFIED, [239, 0, 0, 1].into(), [192, 0, 2, 1].into());
        for kind in TUNNELS {
            assert_eq!(framing(kind, Some(none)), None, "{kind}: for want of a destination");
            assert_eq!(framing(kind, Some(one)), Some(Framing::Bare), "{kind}");
            assert_eq!(framing(kind, None), Some(Framing::Bare), "{kind}");
        }
        // GRE to a group has a header of its own in front of each packet, other tunnels have not.
        assert_eq!(framing(libc::ARPHRD_IPGRE, Some(group)), None);
        assert_eq!(framing(libc::ARPHRD_TUNNEL, Some(group)), Some(Framing::Bare));
        assert_eq!(framing(libc::ARPHRD_ETHER, None), Some(Framing::Ethernet));
        assert_eq!(framing(libc::ARPHRD_INFINIBAND, None), None);
    }
}
