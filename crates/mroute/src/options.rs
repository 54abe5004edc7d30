//! The socket options and ioctls of the kernel's multicast routing (linux/mroute.h), decoded.
//!
//! A daemon may pass anything: a length that is too short, or numbers that do not exist. The errors
//! are those of the kernel.

use mgm_types::{Flow, Ipv4Addr};

/// An errno.
pub type Errno = i32;

/// The kernel has 32 VIFs for each table.
pub const MAXVIFS: usize = 32;

/// The first and the last option of multicast routing, at the level IPPROTO_IP.
pub const MRT_BASE: i32 = 200;
pub const MRT_MAX: i32 = 212;

pub const MRT_INIT: i32 = 200;
pub const MRT_DONE: i32 = 201;
pub const MRT_ADD_VIF: i32 = 202;
pub const MRT_DEL_VIF: i32 = 203;
pub const MRT_ADD_MFC: i32 = 204;
pub const MRT_DEL_MFC: i32 = 205;
pub const MRT_VERSION: i32 = 206;
pub const MRT_ASSERT: i32 = 207;
pub const MRT_PIM: i32 = 208;
pub const MRT_TABLE: i32 = 209;
pub const MRT_ADD_MFC_PROXY: i32 = 210;
pub const MRT_DEL_MFC_PROXY: i32 = 211;
pub const MRT_FLUSH: i32 = 212;

/// What the kernel returns for MRT_VERSION.
pub const VERSION: i32 = 0x0305;

/// The ioctls that read counters.
pub const SIOCGETVIFCNT: u64 = 0x89e0;
pub const SIOCGETSGCNT: u64 = 0x89e1;

/// The bytes of `struct vifctl`, `struct mfcctl`, `struct sioc_sg_req` and `struct sioc_vif_req`.
pub const VIFCTL: usize = 16;
pub const MFCCTL: usize = 60;
pub const SG_REQ: usize = 32;
pub const VIF_REQ: usize = 40;

const VIFF_TUNNEL: u8 = 1;
const VIFF_REGISTER: u8 = 4;
const VIFF_USE_IFINDEX: u8 = 8;

/// Flags of MRT_FLUSH.
const FLUSH_MFC: u32 = 1;
const FLUSH_MFC_STATIC: u32 = 2;
const FLUSH_VIFS: u32 = 4;
const FLUSH_VIFS_STATIC: u32 = 8;

/// What a VIF stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VifTarget {
    /// The interface with this index.
    Index(u32),
    /// The interface with this address.
    Address(Ipv4Addr),
    /// The register interface of PIM.
    Register,
}

/// `struct mfcctl`. The TTL of a VIF is 0 if packets do not leave by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mfc {
    /// Source and group; without a source, the entry is for all of them.
    pub flow: Flow,
    /// The VIF on which packets arrive.
    pub parent: u16,
    /// For each VIF.
    pub ttls: [u8; MAXVIFS],
}

impl Mfc {
    /// The VIFs by which packets leave. The kernel treats 0 and 255 as off.
    pub fn oifs(&self) -> impl Iterator<Item = usize> + '_ {
        let parent = usize::from(self.parent);
        (0..MAXVIFS).filter(move |&vif| vif != parent && (1..255).contains(&self.ttls[vif]))
    }

    /// Whether this VIF is on, be it the one on which packets arrive.
    #[must_use]
    pub fn has(&self, vif: u16) -> bool {
        self.ttls.get(usize::from(vif)).is_some_and(|ttl| (1..255).contains(ttl))
    }
}

/// A socket option of multicast routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MrouteOption {
    Init,
    Done,
    AddVif { vif: u16, target: VifTarget },
    DelVif { vif: u16 },
    AddMfc(Mfc),
    DelMfc(Flow),
    Assert(bool),
    Pim(bool),
    Table(u32),
    Flush { entries: bool, vifs: bool },
}

impl MrouteOption {
    /// Decodes an option.
    ///
    /// # Errors
    /// The errno of the kernel: EINVAL, ENFILE, EOPNOTSUPP or ENOPROTOOPT.
    pub fn parse(name: i32, value: &[u8]) -> Result<MrouteOption, Errno> {
        Ok(match name {
            // The kernel refuses any other number, which an earlier interface used as a version.
            MRT_INIT if int(value)? == 1 => MrouteOption::Init,
            MRT_INIT => return Err(libc::ENOPROTOOPT),
            MRT_DONE => MrouteOption::Done,
            MRT_ADD_VIF => add_vif(value)?,
            MRT_DEL_VIF => MrouteOption::DelVif { vif: del_vif(value)? },
            MRT_ADD_MFC | MRT_ADD_MFC_PROXY => MrouteOption::AddMfc(mfc(value)?),
            MRT_DEL_MFC | MRT_DEL_MFC_PROXY => MrouteOption::DelMfc(mfc(value)?.flow),
            MRT_ASSERT => MrouteOption::Assert(int(value)? != 0),
            MRT_PIM => MrouteOption::Pim(int(value)? != 0),
            MRT_TABLE => MrouteOption::Table(int(value)? as u32),
            MRT_FLUSH => {
                let flags = int(value)? as u32;
                MrouteOption::Flush {
                    entries: flags & (FLUSH_MFC | FLUSH_MFC_STATIC) != 0,
                    vifs: flags & (FLUSH_VIFS | FLUSH_VIFS_STATIC) != 0,
                }
            }
            _ => return Err(libc::ENOPROTOOPT),
        })
    }
}

fn int(value: &[u8]) -> Result<i32, Errno> {
    Ok(i32::from_ne_bytes(*value.first_chunk::<4>().ok_or(libc::EINVAL)?))
}

fn u16_at(value: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([value[at], value[at + 1]])
}

/// The address at a place of a structure, which is long enough.
#[must_use]
pub fn address_at(value: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(value[at], value[at + 1], value[at + 2], value[at + 3])
}

fn add_vif(value: &[u8]) -> Result<MrouteOption, Errno> {
    let value = value.get(..VIFCTL).ok_or(libc::EINVAL)?;
    let (vif, flags) = (u16_at(value, 0), value[2]);
    if usize::from(vif) >= MAXVIFS {
        return Err(libc::ENFILE);
    }
    let target = if flags & VIFF_REGISTER != 0 {
        VifTarget::Register
    } else if flags & VIFF_TUNNEL != 0 {
        return Err(libc::EOPNOTSUPP);
    } else if flags & VIFF_USE_IFINDEX != 0 {
        let index = i32::from_ne_bytes([value[8], value[9], value[10], value[11]]);
        VifTarget::Index(u32::try_from(index).map_err(|_| libc::EADDRNOTAVAIL)?)
    } else {
        VifTarget::Address(address_at(value, 8))
    };
    Ok(MrouteOption::AddVif { vif, target })
}

/// Daemons pass a whole vifctl, or only the number.
fn del_vif(value: &[u8]) -> Result<u16, Errno> {
    match value.len() {
        0 | 1 => Err(libc::EINVAL),
        _ => Ok(u16_at(value, 0)),
    }
}

fn mfc(value: &[u8]) -> Result<Mfc, Errno> {
    let value = value.get(..MFCCTL).ok_or(libc::EINVAL)?;
    let flow = Flow::new(address_at(value, 0), address_at(value, 4));
    let mut ttls = [0; MAXVIFS];
    ttls.copy_from_slice(&value[10..10 + MAXVIFS]);
    Ok(Mfc { flow, parent: u16_at(value, 8), ttls })
}

/// The flow of a `struct sioc_sg_req`.
#[must_use]
pub fn sg_of(request: &[u8; SG_REQ]) -> Flow {
    Flow::new(address_at(request, 0), address_at(request, 4))
}

/// Fills in the counters of a `struct sioc_sg_req`.
pub fn fill_sg(request: &mut [u8; SG_REQ], counters: [u64; 3]) {
    for (at, counter) in counters.into_iter().enumerate() {
        request[8 + 8 * at..16 + 8 * at].copy_from_slice(&counter.to_ne_bytes());
    }
}

/// The VIF of a `struct sioc_vif_req`.
#[must_use]
pub fn vif_of(request: &[u8; VIF_REQ]) -> u16 {
    u16_at(request, 0)
}

/// Fills in the counters of a `struct sioc_vif_req`: packets in and out, octets in and out.
pub fn fill_vif(request: &mut [u8; VIF_REQ], counters: [u64; 4]) {
    for (at, counter) in counters.into_iter().enumerate() {
        request[8 + 8 * at..16 + 8 * at].copy_from_slice(&counter.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vifctl(vif: u16, flags: u8, local: [u8; 4]) -> Vec<u8> {
        let mut bytes = vif.to_ne_bytes().to_vec();
        bytes.extend([flags, 1, 0, 0, 0, 0]);
        bytes.extend(local);
        bytes.extend([0; 4]);
        bytes
    }

    fn mfcctl(parent: u16, ttls: &[(usize, u8)]) -> Vec<u8> {
        let mut bytes = vec![0; MFCCTL];
        bytes[..8].copy_from_slice(&[10, 1, 0, 2, 239, 1, 2, 3]);
        bytes[8..10].copy_from_slice(&parent.to_ne_bytes());
        ttls.iter().for_each(|&(vif, ttl)| bytes[10 + vif] = ttl);
        bytes
    }

    #[test]
    fn vifs_are_named_by_index_and_by_address_and_may_be_the_register_interface() {
        let parse = |value: &[u8]| MrouteOption::parse(MRT_ADD_VIF, value);
        let target = |value: &[u8]| match parse(value) {
            Ok(MrouteOption::AddVif { vif: 3, target }) => target,
            other => panic!("{other:?}"),
        };
        assert_eq!(target(&vifctl(3, 8, 7u32.to_ne_bytes())), VifTarget::Index(7));
        let address = VifTarget::Address(Ipv4Addr::new(10, 1, 0, 1));
        assert_eq!(target(&vifctl(3, 0, [10, 1, 0, 1])), address);
        assert_eq!(target(&vifctl(3, 4, [10, 1, 0, 1])), VifTarget::Register);
        assert_eq!(parse(&vifctl(3, 1, [10, 1, 0, 1])), Err(libc::EOPNOTSUPP), "a tunnel");
        assert_eq!(parse(&vifctl(32, 0, [0; 4])), Err(libc::ENFILE), "the kernel has 32");
        assert_eq!(parse(&vifctl(0, 8, [255; 4])), Err(libc::EADDRNOTAVAIL), "index -1");
    }

    #[test]
    fn an_entry_has_the_vifs_that_the_kernel_would_send_to() {
        let bytes = mfcctl(0, &[(0, 1), (1, 1), (2, 255), (31, 254)]);
        let Ok(MrouteOption::AddMfc(mfc)) = MrouteOption::parse(MRT_ADD_MFC, &bytes) else {
            panic!("an entry");
        };
        assert_eq!(mfc.flow, Flow::new([10, 1, 0, 2].into(), [239, 1, 2, 3].into()));
        assert_eq!(mfc.oifs().collect::<Vec<_>>(), [1, 31], "not the parent, not 255");
        let proxy = MrouteOption::parse(MRT_ADD_MFC_PROXY, &bytes);
        assert_eq!(proxy, Ok(MrouteOption::AddMfc(mfc.clone())));
        assert_eq!(MrouteOption::parse(MRT_DEL_MFC, &bytes), Ok(MrouteOption::DelMfc(mfc.flow)));
    }

    #[test]
    fn what_is_too_short_is_refused_and_what_is_longer_is_cut() {
        for (name, bytes) in [
            (MRT_INIT, 1u32.to_ne_bytes().to_vec()),
            (MRT_ADD_VIF, vifctl(1, 0, [10, 0, 0, 1])),
            (MRT_ADD_MFC, mfcctl(1, &[])),
            (MRT_TABLE, vec![0; 4]),
        ] {
            for cut in 0..bytes.len() {
                assert_eq!(MrouteOption::parse(name, &bytes[..cut]), Err(libc::EINVAL), "{name}");
            }
            let whole = MrouteOption::parse(name, &bytes);
            assert!(whole.is_ok(), "{name}: {whole:?}");
            let longer = [&bytes[..], &[9; 7]].concat();
            assert_eq!(MrouteOption::parse(name, &longer), whole, "{name}");
        }
        assert_eq!(MrouteOption::parse(MRT_DEL_VIF, &[4, 0]), Ok(MrouteOption::DelVif { vif: 4 }));
        assert_eq!(MrouteOption::parse(MRT_DEL_VIF, &[4]), Err(libc::EINVAL));
        assert_eq!(MrouteOption::parse(MRT_INIT, &[2, 0, 0, 0]), Err(libc::ENOPROTOOPT));
        assert_eq!(MrouteOption::parse(MRT_VERSION, &[0; 4]), Err(libc::ENOPROTOOPT));
    }

    #[test]
    fn counters_are_where_the_kernel_puts_them() {
        let mut request = [0; SG_REQ];
        request[..8].copy_from_slice(&[10, 1, 0, 2, 239, 1, 2, 3]);
        assert_eq!(sg_of(&request), Flow::new([10, 1, 0, 2].into(), [239, 1, 2, 3].into()));
        fill_sg(&mut request, [1, 2, 3]);
        assert_eq!((request[8], request[16], request[24]), (1, 2, 3));
        let mut request = [0; VIF_REQ];
        request[0] = 5;
        fill_vif(&mut request, [1, 2, 3, 4]);
        assert_eq!((vif_of(&request), request[8], request[16]), (5, 1, 2));
        assert_eq!((request[24], request[32]), (3, 4));
    }
}
