//! Checks the arguments of C calls and converts them to the types of the library (spec 0.8).

use super::rows::Form;
use super::types::*;
use crate::manager::{EnumKind, Join};
use crate::types::{
    is_host_source, Flow, Interface, Ipv4Addr, Rate, Refusal, Result, Route, RouteOrigin, Scope,
};

/// Converts a DWORD in network byte order to an address.
pub fn addr(dword: DWORD) -> Ipv4Addr {
    Ipv4Addr::from(dword.to_ne_bytes())
}

/// Converts an address to a DWORD in network byte order.
pub fn dword(addr: Ipv4Addr) -> DWORD {
    DWORD::from_ne_bytes(addr.octets())
}

/// Returns the mask for an address: 0 for the address 0, else 255.255.255.255.
pub fn mask_of(addr: Ipv4Addr) -> DWORD {
    if addr.is_unspecified() {
        0
    } else {
        DWORD::MAX
    }
}

/// Returns an error if the pointer is null.
pub fn required<T>(name: &'static str, pointer: *const T) -> Result<()> {
    if pointer.is_null() {
        Err(Refusal::Null(name))
    } else {
        Ok(())
    }
}

/// Reads a value that need not be aligned.
///
/// # Safety
/// The pointer is valid for reading a `T`.
pub unsafe fn read<T: Copy>(from: *const T) -> T {
    // SAFETY: the caller's promise; no alignment is assumed.
    unsafe { from.read_unaligned() }
}

/// Writes a value that need not be aligned.
///
/// # Safety
/// The pointer is valid for writing a `T`.
pub unsafe fn write<T: Copy>(to: *mut T, value: T) {
    // SAFETY: the caller's promise; no alignment is assumed.
    unsafe { to.write_unaligned(value) }
}

/// Reads one field, and no other, through a pointer that need not be aligned.
/// The macro expands to an unsafe read, so it needs an unsafe block.
macro_rules! read_field {
    ($pointer:expr, $field:ident) => {
        (&raw const (*$pointer).$field).read_unaligned()
    };
}
pub(in crate::abi) use read_field;

/// Checks that a source is a unicast address (spec 3.2).
pub fn source(dword: DWORD) -> Result<Ipv4Addr> {
    let source = addr(dword);
    if is_host_source(source) {
        Ok(source)
    } else {
        Err(Refusal::NotASource(source))
    }
}

/// Checks that a group is a multicast address.
pub fn group(dword: DWORD) -> Result<Ipv4Addr> {
    let group = addr(dword);
    if group.is_multicast() {
        Ok(group)
    } else {
        Err(Refusal::NotAGroup(group))
    }
}

/// Checks that a neighbour is a unicast address, or 0.0.0.0 for none.
pub fn neighbour(dword: DWORD) -> Result<Ipv4Addr> {
    if dword == 0 {
        return Ok(Ipv4Addr::UNSPECIFIED);
    }
    source(dword)
        .map_err(|_| Refusal::BadArgument("the neighbour's address is not the address of a host"))
}

/// Returns an error unless the mask is the only one that the address may have.
fn host_mask(what: &'static str, a: DWORD, mask: DWORD) -> Result<()> {
    if mask == mask_of(addr(a)) {
        Ok(())
    } else {
        Err(Refusal::BadMask(what, addr(mask), addr(a)))
    }
}

/// Checks the addresses and masks of a membership: (s,g), (*,g) or (*,*) (spec 0.4).
pub fn membership(
    source_addr: DWORD,
    source_mask: DWORD,
    group_addr: DWORD,
    group_mask: DWORD,
) -> Result<Flow> {
    host_mask("source", source_addr, source_mask)?;
    host_mask("group", group_addr, group_mask)?;
    match (source_addr, group_addr) {
        (0, 0) => Ok(Flow::WILDCARD),
        (0, g) => Ok(Flow::any_source(group(g)?)),
        (s, 0) => Err(Refusal::SourceWithoutGroup(addr(s))),
        (s, g) => Ok(Flow::new(source(s)?, group(g)?)),
    }
}

/// Checks that the index of an interface is not 0.
pub fn interface(index: DWORD, next_hop: DWORD) -> Result<Interface> {
    if index == 0 {
        return Err(Refusal::ZeroInterface);
    }
    Ok(Interface { index, next_hop: addr(next_hop) })
}

/// Checks dwFlags of the membership functions (spec 3.3).
pub fn join(flags: DWORD) -> Result<Join> {
    const BOTH: DWORD = MGM_JOIN_STATE_FLAG | MGM_FORWARD_STATE_FLAG;
    match flags {
        MGM_JOIN_STATE_FLAG | BOTH => Ok(Join::State),
        MGM_FORWARD_STATE_FLAG => Ok(Join::Forward),
        _ => Err(Refusal::BadFlags(flags)),
    }
}

/// Checks dwFlags of the statistics functions (spec 6.6).
pub fn stats_form(flags: DWORD) -> Result<Form> {
    match flags {
        MGM_MFE_STATS_0 => Ok(Form::Stats),
        MGM_MFE_STATS_1 => Ok(Form::StatsEx),
        _ => Err(Refusal::BadFlags(flags)),
    }
}

/// Checks the type of an enumeration (spec 7.1).
pub fn enum_kind(kind: MGM_ENUM_TYPES) -> Result<EnumKind> {
    match kind {
        0 => Ok(EnumKind::AnySource),
        1 => Ok(EnumKind::AllSources),
        _ => Err(Refusal::BadEnumType(kind)),
    }
}

/// Reads dwGroup and dwSource of an MFE structure without checking them (spec 6.4).
///
/// # Safety
/// The pointer points to a `MIB_IPMCAST_MFE`, which need not be aligned.
pub unsafe fn mfe_key(mfe: *const MIB_IPMCAST_MFE) -> Flow {
    // SAFETY: the caller's promise.
    unsafe { Flow::new(addr(read_field!(mfe, dwSource)), addr(read_field!(mfe, dwGroup))) }
}

/// Reads dwGroup and dwSource of an MFE structure and checks that they are a flow.
///
/// # Safety
/// The pointer points to a `MIB_IPMCAST_MFE`, which need not be aligned.
pub unsafe fn mfe_flow(mfe: *const MIB_IPMCAST_MFE) -> Result<Flow> {
    // SAFETY: the caller's promise.
    let key = unsafe { mfe_key(mfe) };
    Ok(Flow::new(source(dword(key.source()))?, group(dword(key.group()))?))
}

/// Returns the header bytes of a packet. They stay in the memory of the caller.
///
/// # Safety
/// `from` is valid for reading `size` bytes during the lifetime of the result.
pub unsafe fn header<'a>(from: *const BYTE, size: DWORD, packet: DWORD) -> Result<&'a [u8]> {
    if size == 0 {
        return Ok(&[]);
    }
    required("pbPacketHdr", from)?;
    if size > 65535 {
        return Err(Refusal::BadArgument("dwHdrSize is greater than 65535"));
    }
    if packet != 0 && packet < size {
        return Err(Refusal::BadArgument("dwPacketSize is less than dwHdrSize"));
    }
    // SAFETY: not null, bytes have no alignment, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(from, size as usize) })
}

/// Returns the length of a mask. The mask must be contiguous and cover the network.
pub fn prefix_len(network: DWORD, mask: DWORD) -> Result<u8> {
    let bits = u32::from(addr(mask));
    let ones = bits.leading_ones();
    if bits.count_ones() != ones {
        return Err(Refusal::BadArgument(
            "dwMask is not contiguous (is it in network byte order?)",
        ));
    }
    if network & !mask != 0 {
        return Err(Refusal::BadArgument("dwNetwork has bits outside dwMask"));
    }
    Ok(ones as u8)
}

/// Checks a range of groups for a boundary or a name (spec 3.7).
pub fn scope(address: DWORD, mask: DWORD) -> Result<Scope> {
    prefix_len(address, mask)
        .ok()
        .and_then(|length| Scope::new(addr(address), length))
        .ok_or(Refusal::NotAScope(addr(address), addr(mask)))
}

/// Checks a TTL threshold.
pub fn threshold(dword: DWORD) -> Result<u8> {
    u8::try_from(dword).map_err(|_| Refusal::BadArgument("dwThreshold is greater than 255"))
}

/// Checks a limit of new flows, and returns `None` if the call removes the limit.
pub fn flow_rate(per_second: DWORD, burst: DWORD) -> Result<Option<Rate>> {
    match (per_second, burst) {
        (0, _) => Ok(None),
        (_, 0) => Err(Refusal::BadArgument("dwBurst is 0, so no flow could begin")),
        _ => Ok(Some(Rate { per_second, burst })),
    }
}

/// The flags of MgmHostAddRoute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteFlags {
    /// The network is an address of the router.
    pub is_local: bool,
    /// The route is preferred even to longer prefixes of the system.
    pub is_preferred: bool,
}

/// Checks dwFlags of MgmHostAddRoute.
pub fn route_flags(flags: DWORD) -> Result<RouteFlags> {
    if flags & !(MGMHOST_ROUTE_LOCAL | MGMHOST_ROUTE_PREFERRED) != 0 {
        return Err(Refusal::BadFlags(flags));
    }
    Ok(RouteFlags {
        is_local: flags & MGMHOST_ROUTE_LOCAL != 0,
        is_preferred: flags & MGMHOST_ROUTE_PREFERRED != 0,
    })
}

/// The parameters of MgmHostAddRoute, without dwFlags.
#[derive(Clone, Copy)]
pub struct HostRoute {
    pub network: Ipv4Addr,
    pub prefix_len: u8,
    pub if_index: DWORD,
    pub gateway: Ipv4Addr,
    pub protocol: DWORD,
}

impl HostRoute {
    /// Returns the route to a network that is reached through the interface or the gateway.
    pub fn remote(self) -> Result<Route> {
        const PROTO_IP_NETMGMT: DWORD = 3;
        if self.if_index == 0 {
            return Err(Refusal::ZeroInterface);
        }
        if self.gateway.is_unspecified() {
            return Ok(self.route(RouteOrigin::Connected, PROTO_IP_LOCAL));
        }
        Ok(self.route(RouteOrigin::Via(self.gateway), PROTO_IP_NETMGMT))
    }

    /// Returns the route to an address of the router itself.
    pub fn local(self) -> Result<Route> {
        if self.prefix_len != 32 || !self.gateway.is_unspecified() {
            return Err(Refusal::BadArgument(
                "MGMHOST_ROUTE_LOCAL needs dwMask 255.255.255.255 and dwNextHopAddr 0",
            ));
        }
        Ok(HostRoute { if_index: 0, ..self }.route(RouteOrigin::Local, PROTO_IP_LOCAL))
    }

    fn route(self, origin: RouteOrigin, default_protocol: DWORD) -> Route {
        let HostRoute { network, prefix_len, if_index, protocol, .. } = self;
        let protocol = if protocol == 0 { default_protocol } else { protocol };
        Route { origin, if_index, paths: None, network, prefix_len, protocol }
    }
}

/// The protocol of connected routes and of the router's own addresses, unless the host names one.
const PROTO_IP_LOCAL: DWORD = 2;

#[cfg(test)]
mod tests;
