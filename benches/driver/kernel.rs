//! The kernel's own multicast routing table, without any daemon: the cost of an entry alone. It is in
//! a network namespace of its own, which needs root.

use crate::flows::Flow;
use std::io;
use std::process::Command;

const MRT_INIT: libc::c_int = 200;
const MRT_ADD_VIF: libc::c_int = 202;
const MRT_ADD_MFC: libc::c_int = 204;
const SIOCGETSGCNT: libc::c_ulong = 0x89e1;
const VIFF_USE_IFINDEX: u8 = 8;
/// The loopback device of the namespace, for both VIFs.
const LOOPBACK: libc::c_int = 1;

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
    ttls: [u8; 32],
    counters: [libc::c_uint; 3],
    expire: libc::c_int,
}

/// Moves the process, which must have only one thread, into a new network namespace with the devices
/// lo, 2 and 3.
pub fn isolate() -> io::Result<()> {
    unshare()?;
    let link = "link add d2 index 2 type veth peer name d3 index 3";
    let status = Command::new("ip").args(link.split(' ')).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("ip {link}: {status}")))
    }
}

/// Moves the process, which must have only one thread, into a new network namespace.
pub fn unshare() -> io::Result<()> {
    // SAFETY: a plain system call.
    checked(unsafe { libc::unshare(libc::CLONE_NEWNET) }).map(drop)
}

/// `struct sioc_sg_req`
#[repr(C)]
struct SgReq {
    source: u32,
    group: u32,
    counters: [libc::c_ulong; 3],
}

/// A socket that owns the namespace's table, with VIFs 0 and 1.
pub struct Kernel(libc::c_int);

impl Kernel {
    pub fn open() -> io::Result<Kernel> {
        // SAFETY: a plain system call.
        let fd = checked(unsafe {
            libc::socket(libc::AF_INET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::IPPROTO_IGMP)
        })?;
        let kernel = Kernel(fd);
        kernel.set(MRT_INIT, &1i32)?;
        for vifi in 0..2 {
            let any = libc::in_addr { s_addr: 0 };
            kernel.set(
                MRT_ADD_VIF,
                &VifCtl {
                    vifi,
                    flags: VIFF_USE_IFINDEX,
                    threshold: 1,
                    rate_limit: 0,
                    ifindex: LOOPBACK,
                    remote: any,
                },
            )?;
        }
        Ok(kernel)
    }

    /// Installs an entry from VIF 0 to VIF 1.
    #[inline]
    pub fn add(&self, flow: Flow) -> io::Result<()> {
        let mut ttls = [0; 32];
        ttls[1] = 1;
        self.set(
            MRT_ADD_MFC,
            &MfcCtl {
                origin: libc::in_addr { s_addr: flow.source.to_be() },
                group: libc::in_addr { s_addr: flow.group.to_be() },
                parent: 0,
                ttls,
                counters: [0; 3],
                expire: 0,
            },
        )
    }

    /// Reads the counters of an entry: packets, octets, packets on a wrong interface.
    #[inline]
    pub fn read(&self, flow: Flow) -> io::Result<[libc::c_ulong; 3]> {
        let mut request =
            SgReq { source: flow.source.to_be(), group: flow.group.to_be(), counters: [0; 3] };
        // SAFETY: the request reads and writes such a structure.
        checked(unsafe { libc::ioctl(self.0, SIOCGETSGCNT, &mut request) })?;
        Ok(request.counters)
    }

    fn set<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        // SAFETY: the value is there, and as long as is said.
        checked(unsafe {
            libc::setsockopt(
                self.0,
                libc::IPPROTO_IP,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        })
        .map(drop)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // SAFETY: it is ours, and not used any more.
        unsafe { libc::close(self.0) };
    }
}

pub fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
