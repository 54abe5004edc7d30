//! A router with two protocols: one has the interface towards the sources, the
//! other those towards the receivers.

use crate::flows::Flow;
use crate::library::{
    expect, ChangeMembership, Forwarder, Handle, Library, Mfe, ProtocolConfig, ALL_SOURCES,
    ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, HOST_MASK, MFE_BYTES, MGM_JOIN_STATE_FLAG,
    MGM_MFE_STATS_0, STATS_BYTES,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// The interface on which packets arrive.
pub const UPSTREAM: u32 = 1;
/// The interface with the memberships.
pub const DOWNSTREAM: u32 = 2;
/// The interface with further memberships.
pub const OTHER: u32 = 3;

/// The size of the buffers with which tables are walked.
pub const WALK_BYTES: usize = 64 * 1024;

const UPSTREAM_PROTOCOL: u32 = 0x4137_0101;
const DOWNSTREAM_PROTOCOL: u32 = 0x4137_0102;

/// The number of callbacks so far.
static CALLBACKS: AtomicU64 = AtomicU64::new(0);

/// A callback that only counts, and leaves the suggested answers. It may be called with any parameters,
/// because in C the caller removes them.
unsafe extern "C" fn note() {
    CALLBACKS.fetch_add(1, Ordering::Relaxed);
}

/// A protocol with all callbacks that concern it, each of which only counts.
pub fn listener() -> ProtocolConfig {
    ProtocolConfig {
        rpf: Some(note),
        creation_alert: Some(note),
        prune_alert: Some(note),
        join_alert: Some(note),
        wrong_if: Some(note),
        local_join: Some(note),
        local_leave: Some(note),
        ..ProtocolConfig::default()
    }
}

/// The number of callbacks so far.
pub fn callbacks() -> u64 {
    CALLBACKS.load(Ordering::Relaxed)
}

/// The IP header of the packets.
const HEADER: [u8; 20] = [0x45, 0, 0, 100, 0, 0, 0, 0, 16, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub struct Router<'a> {
    pub library: &'a Library,
    pub upstream: Handle,
    pub downstream: Handle,
}

// SAFETY: handles are numbers, and any thread may call any function.
unsafe impl Sync for Router<'_> {}

impl Router<'_> {
    /// The library with two protocols, and the route to the sources. The protocols have all callbacks,
    /// or none.
    pub fn start(library: &Library, hears: bool) -> Router<'_> {
        let config = if hears { listener() } else { ProtocolConfig::default() };
        Router::start_with(library, &config)
    }

    pub fn start_with<'a>(library: &'a Library, config: &ProtocolConfig) -> Router<'a> {
        Router::start_on(library, Forwarder::Memory, config)
    }

    pub fn start_on<'a>(
        library: &'a Library,
        forwarder: Forwarder,
        config: &ProtocolConfig,
    ) -> Router<'a> {
        library.start(forwarder);
        let upstream = register(library, config, UPSTREAM_PROTOCOL, 0);
        let downstream = register(library, config, DOWNSTREAM_PROTOCOL, 0);
        let network = 0x0A00_0000u32.to_be();
        let gateway = 0xC000_0201u32.to_be();
        // SAFETY: numbers only.
        unsafe {
            expect(
                "MgmHostAddRoute",
                (library.MgmHostAddRoute)(network, 0xFF00_0000u32.to_be(), UPSTREAM, gateway, 0, 0),
            );
        }
        let router = Router { library, upstream, downstream };
        router.take(upstream, UPSTREAM);
        router.take(downstream, DOWNSTREAM);
        router.take(downstream, OTHER);
        router
    }

    /// Registers one more client with all callbacks and an interface of its own.
    pub fn add_listener(&self, number: u32) {
        let client = register(self.library, &listener(), UPSTREAM_PROTOCOL, 1 + number);
        self.take(client, 100 + number);
    }

    pub fn take(&self, client: Handle, interface: u32) {
        // SAFETY: numbers only.
        expect("MgmTakeInterfaceOwnership", unsafe {
            (self.library.MgmTakeInterfaceOwnership)(client, interface, 0)
        });
    }

    pub fn release(&self, client: Handle, interface: u32) {
        // SAFETY: numbers only.
        expect("MgmReleaseInterfaceOwnership", unsafe {
            (self.library.MgmReleaseInterfaceOwnership)(client, interface, 0)
        });
    }

    /// Adds the membership of a source and a group. With source 0: of all sources.
    #[inline]
    pub fn join(&self, flow: Flow, interface: u32) {
        join_as(self.library, self.downstream, flow, interface);
    }

    #[inline]
    pub fn leave(&self, flow: Flow, interface: u32) {
        leave_as(self.library, self.downstream, flow, interface);
    }

    /// A packet on the right interface. Returns the number of oifs.
    #[inline]
    pub fn packet(&self, flow: Flow) -> u32 {
        let (accepted, count) = self.packet_on(flow, UPSTREAM);
        assert!(accepted, "a packet of {flow:?} was refused");
        count
    }

    /// A packet on any interface. Returns whether it is accepted, and the number of oifs.
    #[inline]
    pub fn packet_on(&self, flow: Flow, interface: u32) -> (bool, u32) {
        let (mut accepted, mut count, mut oifs) = (0, 4, [[0; 2]; 4]);
        // SAFETY: the header has 20 bytes, and there is room for four oifs.
        expect("MgmHostPacketIn", unsafe {
            (self.library.MgmHostPacketIn)(
                flow.source.to_be(),
                flow.group.to_be(),
                interface,
                0,
                HEADER.len() as u32,
                HEADER.as_ptr(),
                100,
                &mut accepted,
                &mut count,
                oifs.as_mut_ptr(),
            )
        });
        (accepted != 0, count)
    }

    /// Reads an existing MFE into a buffer. Returns its size.
    #[inline]
    pub fn get_mfe(&self, flow: Flow, buffer: &mut [u8]) -> u32 {
        let key = Mfe { group: flow.group.to_be(), source: flow.source.to_be(), rest: [0; 13] };
        let mut size = buffer.len() as u32;
        // SAFETY: the buffer has that size.
        expect("MgmGetMfe", unsafe {
            (self.library.MgmGetMfe)(&key, &mut size, buffer.as_mut_ptr())
        });
        size
    }

    /// Walks all MFEs, each of which has one oif. Returns their number.
    pub fn walk_mfes(&self) -> usize {
        let mut total = 0;
        self.walk_mfes_while(|count| {
            total += count;
            true
        });
        total
    }

    /// Walks the MFEs, each of which has one oif, until `more` returns false. It is called with the
    /// number of MFEs in each buffer.
    pub fn walk_mfes_while(&self, more: impl FnMut(usize) -> bool) {
        walk_mfes(self.library, WALK_BYTES, more);
    }

    /// Walks the statistics of all MFEs, each of which has one oif. Returns their number.
    pub fn walk_stats(&self) -> usize {
        // SAFETY: the buffer has the size that is said.
        let get = |last: Option<&Mfe>, size: &mut u32, buffer: *mut u8, count: &mut u32| unsafe {
            let kind = MGM_MFE_STATS_0;
            match last {
                None => (self.library.MgmGetFirstMfeStats)(size, buffer, count, kind),
                Some(last) => (self.library.MgmGetNextMfeStats)(last, size, buffer, count, kind),
            }
        };
        let mut total = 0;
        walk(get, (STATS_BYTES, WALK_BYTES), |count| {
            total += count;
            true
        });
        total
    }

    /// Whether there is any MFE.
    pub fn has_mfes(&self) -> bool {
        let (mut size, mut count) = (0, 0);
        // SAFETY: no buffer is needed for 0 bytes.
        let code =
            unsafe { (self.library.MgmGetFirstMfe)(&mut size, std::ptr::null_mut(), &mut count) };
        code != ERROR_NO_MORE_ITEMS
    }

    /// Enumerates all groups and sources. Returns their number.
    pub fn walk_groups(&self) -> usize {
        let mut buffer = vec![0u8; WALK_BYTES];
        let mut total = 0;
        let mut enumeration: Handle = std::ptr::null_mut();
        // SAFETY: the handle can be written to, the buffer has the size that is said.
        unsafe {
            expect(
                "MgmGroupEnumerationStart",
                (self.library.MgmGroupEnumerationStart)(
                    self.upstream,
                    ALL_SOURCES,
                    &mut enumeration,
                ),
            );
            loop {
                let (mut size, mut count) = (WALK_BYTES as u32, 0);
                let code = (self.library.MgmGroupEnumerationGetNext)(
                    enumeration,
                    &mut size,
                    buffer.as_mut_ptr(),
                    &mut count,
                );
                total += count as usize;
                match code {
                    ERROR_NO_MORE_ITEMS => break,
                    ERROR_MORE_DATA => {}
                    code => panic!("the enumeration answered {code}"),
                }
            }
            expect("MgmGroupEnumerationEnd", (self.library.MgmGroupEnumerationEnd)(enumeration));
        }
        total
    }

    pub fn stop(self) {
        // SAFETY: no callback is running.
        expect("MgmHostStop", unsafe { (self.library.MgmHostStop)() });
    }
}

/// Walks the MFEs with a buffer of this size, as [`Router::walk_mfes_while`].
pub fn walk_mfes(library: &Library, room: usize, more: impl FnMut(usize) -> bool) {
    // SAFETY: the buffer has the size that is said.
    let get = |last: Option<&Mfe>, size: &mut u32, buffer: *mut u8, count: &mut u32| unsafe {
        match last {
            None => (library.MgmGetFirstMfe)(size, buffer, count),
            Some(last) => (library.MgmGetNextMfe)(last, size, buffer, count),
        }
    };
    walk(get, (MFE_BYTES, room), more);
}

/// Walks a table. Each row has `row` bytes and begins with group and source. `get` has the parameters
/// last row, size of the buffer, buffer, number of rows.
fn walk(
    get: impl Fn(Option<&Mfe>, &mut u32, *mut u8, &mut u32) -> u32,
    (row, room): (usize, usize),
    mut more: impl FnMut(usize) -> bool,
) {
    let mut buffer = vec![0u8; room];
    let mut last: Option<Mfe> = None;
    loop {
        let (mut size, mut count) = (room as u32, 0);
        let code = get(last.as_ref(), &mut size, buffer.as_mut_ptr(), &mut count);
        let go_on = more(count as usize);
        match code {
            ERROR_NO_MORE_ITEMS => return,
            ERROR_MORE_DATA if !go_on => return,
            ERROR_MORE_DATA => {
                let at = (count as usize - 1) * row;
                let word = |at: usize| {
                    u32::from_ne_bytes(buffer[at..at + 4].try_into().expect("four bytes"))
                };
                last = Some(Mfe { group: word(at), source: word(at + 4), rest: [0; 13] });
            }
            code => panic!("the walk of the MFEs answered {code}"),
        }
    }
}

/// Adds a membership of a client.
#[inline]
pub fn join_as(library: &Library, client: Handle, flow: Flow, interface: u32) {
    let call = library.MgmAddGroupMembershipEntry;
    expect("MgmAddGroupMembershipEntry", change_membership(call, client, flow, interface));
}

/// Deletes a membership of a client.
#[inline]
pub fn leave_as(library: &Library, client: Handle, flow: Flow, interface: u32) {
    let call = library.MgmDeleteGroupMembershipEntry;
    expect("MgmDeleteGroupMembershipEntry", change_membership(call, client, flow, interface));
}

#[inline]
fn change_membership(call: ChangeMembership, client: Handle, flow: Flow, interface: u32) -> u32 {
    let mask = if flow.source == 0 { 0 } else { HOST_MASK };
    let (source, group) = (flow.source.to_be(), flow.group.to_be());
    // SAFETY: numbers only.
    unsafe { call(client, source, mask, group, HOST_MASK, interface, 0, MGM_JOIN_STATE_FLAG) }
}

pub fn register(
    library: &Library,
    config: &ProtocolConfig,
    protocol: u32,
    component: u32,
) -> Handle {
    let mut handle: Handle = std::ptr::null_mut();
    // SAFETY: it is copied, and the handle can be written to.
    expect("MgmRegisterMProtocol", unsafe {
        (library.MgmRegisterMProtocol)(config, protocol, component, &mut handle)
    });
    handle
}
