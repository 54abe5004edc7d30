//! Parts of classic BPF programs, which decide in the kernel which packets a socket receives.

use socket2::SockFilter;

pub(crate) const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
pub(crate) const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
pub(crate) const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
pub(crate) const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
pub(crate) const IF_GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
pub(crate) const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// What the kernel knows of a packet beside its bytes.
pub(crate) const PROTOCOL: u32 = ancillary(libc::SKF_AD_PROTOCOL);
pub(crate) const PACKET_TYPE: u32 = ancillary(libc::SKF_AD_PKTTYPE);
pub(crate) const HAS_TAG: u32 = ancillary(libc::SKF_AD_VLAN_TAG_PRESENT);
pub(crate) const TAG: u32 = ancillary(libc::SKF_AD_VLAN_TAG);

const fn ancillary(field: libc::c_int) -> u32 {
    (libc::SKF_AD_OFF + field) as u32
}

/// The bits of a tag that are the number of the VLAN. The others are the priority.
pub(crate) const VLAN_NUMBER: u32 = 0xfff;

pub(crate) const fn step(code: u16, k: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, k)
}

/// Goes on with the next step if the condition holds, else skips `steps` more.
pub(crate) const fn unless(code: u16, k: u32, steps: u8) -> SockFilter {
    SockFilter::new(code, 0, steps, k)
}

/// Skips `steps` if the condition holds.
pub(crate) const fn when(code: u16, k: u32, steps: u8) -> SockFilter {
    SockFilter::new(code, steps, 0, k)
}
