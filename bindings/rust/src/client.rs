//! A client: a registered routing protocol, or IGMP.

use crate::callbacks::{claim, give_back};
use crate::ffi::{self, Handle, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS};
use crate::tables::word;
use crate::{Callbacks, Code, Error, Flow, Interface, Result};
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// MGM_JOIN_STATE_FLAG and MGM_FORWARD_STATE_FLAG
const JOIN_STATE: u32 = 1;
const FORWARD_STATE: u32 = 2;
/// Size of SOURCE_GROUP_ENTRY: source, its mask, group, its mask.
const GROUP_SIZE: usize = 16;
/// How many groups are read at a time.
const GROUPS_AT_A_TIME: usize = 256;

/// The clients whose deregistration the library has refused. Each keeps its slot until the next
/// registration, which tries again.
static REFUSED: Mutex<Vec<(Handle, usize)>> = Mutex::new(Vec::new());

fn refused() -> MutexGuard<'static, Vec<(Handle, usize)>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A registered client. It is deregistered when the value is dropped.
///
/// The methods may be called from any thread, also inside callbacks.
#[derive(Debug)]
pub struct Client {
    handle: Handle,
    slot: usize,
    /// What it has taken, and must release before it can deregister.
    interfaces: Mutex<BTreeSet<Interface>>,
    is_closed: bool,
}

/// Deregisters a client and gives its slot back. If the library refuses that, the client is noted.
fn deregister(handle: Handle, slot: usize) -> Result<()> {
    match ffi::deregister(handle) {
        // The library was stopped: no callback runs any more.
        Err(error) if error.code() != Some(Code::InvalidParameter) => {
            refused().push((handle, slot));
            Err(error)
        }
        _ => {
            give_back(slot);
            Ok(())
        }
    }
}

impl Client {
    /// Registers a client by the number of its protocol ([`protocol`](crate::protocol)). The
    /// component distinguishes clients of the same protocol. `()` stands for no callbacks.
    ///
    /// If the library is not running, the call starts it with the defaults, which environment
    /// variables can change.
    ///
    /// # Errors
    /// [`Error::TooManyClients`]; [`Error::Version`]; [`Code::AlreadyExists`]: a client with this
    /// protocol and component is registered; [`Code::InvalidParameter`]: an environment variable
    /// has an invalid value; [`Code::NotEnoughMemory`]; [`Code::CanNotComplete`]: the library is
    /// being stopped.
    pub fn register(protocol: u32, component: u32, callbacks: impl Callbacks) -> Result<Client> {
        let again = std::mem::take(&mut *refused());
        for (handle, slot) in again {
            // Its error is that of the first attempt.
            let _ = deregister(handle, slot);
        }
        let events = callbacks.events();
        let slot = claim(Arc::new(callbacks)).ok_or(Error::TooManyClients)?;
        let handle =
            ffi::register(slot, events, protocol, component).inspect_err(|_| give_back(slot))?;
        Ok(Client { handle, slot, interfaces: Mutex::default(), is_closed: false })
    }

    /// Releases the interfaces of the client and deregisters it, as dropping it does, and returns
    /// whether that succeeded.
    ///
    /// After success no callback of the client runs any more. Inside one of its own callbacks,
    /// that callback is the last one.
    ///
    /// # Errors
    /// [`Code::CanNotComplete`]: the call is made inside a callback of another client while a
    /// callback of this one is running on another thread, or in a forked child. The client then
    /// stays registered until the next [`Client::register`] or until the library stops.
    pub fn close(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        for interface in std::mem::take(&mut *self.interfaces()) {
            // If this fails, so does the deregistration.
            let _ = ffi::release(self.handle, interface);
        }
        deregister(self.handle, self.slot)
    }

    /// Never held during a call of the library, which may run callbacks that need it.
    fn interfaces(&self) -> MutexGuard<'_, BTreeSet<Interface>> {
        self.interfaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the client the owner of an interface, or enables IGMP on it.
    ///
    /// # Errors
    /// [`Code::AlreadyExists`]: another client owns it; [`Code::InvalidParameter`]: the system has
    /// no such interface; [`Code::CanNotComplete`]: the forwarder cannot serve it, and the error
    /// says what to do; [`Code::NotEnoughMemory`].
    pub fn take(&self, interface: impl Into<Interface>) -> Result<()> {
        let interface = interface.into();
        ffi::take(self.handle, interface)?;
        self.interfaces().insert(interface);
        Ok(())
    }

    /// The client has taken and added again what it wants of the state of its predecessor, a client
    /// with the same ids in a process that has ended. The rest is deleted. Has no effect if there
    /// was none. See [`remote::set_grace`](crate::remote::set_grace).
    ///
    /// # Errors
    /// [`Code::CanNotComplete`]: the connection to the router has ended.
    pub fn grace_done(&self) -> Result<()> {
        ffi::grace_done(self.handle)
    }

    /// Releases an interface. The client's memberships there and the MFEs with this incoming
    /// interface are deleted.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`]: the client does not own it.
    pub fn release(&self, interface: impl Into<Interface>) -> Result<()> {
        let interface = interface.into();
        ffi::release(self.handle, interface)?;
        self.interfaces().remove(&interface);
        Ok(())
    }

    /// Adds a membership on an interface of the client.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`]: an address is invalid, or the client does not own the
    /// interface; [`Code::CanNotComplete`]: the interface does not exist now, or IGMP must wait
    /// for [`Callbacks::enable_igmp`]; [`Code::NotEnoughMemory`].
    pub fn join(&self, interface: impl Into<Interface>, flow: Flow) -> Result<()> {
        ffi::join(self.handle, flow, interface.into(), JOIN_STATE)
    }

    /// Deletes a membership. If there is no such membership, the call does nothing.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`]: an address is invalid, or another client owns the interface;
    /// [`Code::NotFound`]: no client owns the interface; [`Code::CanNotComplete`]: IGMP must wait
    /// for [`Callbacks::enable_igmp`].
    pub fn leave(&self, interface: impl Into<Interface>, flow: Flow) -> Result<()> {
        ffi::leave(self.handle, flow, interface.into(), JOIN_STATE)
    }

    /// Adds the interface to the outgoing interfaces of the MFEs that exist now, and records no
    /// membership.
    ///
    /// # Errors
    /// As for [`Client::join`].
    pub fn forward(&self, interface: impl Into<Interface>, flow: Flow) -> Result<()> {
        ffi::join(self.handle, flow, interface.into(), FORWARD_STATE)
    }

    /// Removes the interface from the outgoing interfaces of the MFEs that exist now.
    ///
    /// # Errors
    /// As for [`Client::leave`].
    pub fn stop_forwarding(&self, interface: impl Into<Interface>, flow: Flow) -> Result<()> {
        ffi::leave(self.handle, flow, interface.into(), FORWARD_STATE)
    }

    /// Changes the upstream neighbour of an MFE whose incoming interface the client owns. If
    /// `incoming` is the index of another interface of the client, that becomes the incoming
    /// interface, unless an administrative boundary there covers the group. Any other value, such
    /// as 0, leaves it as it is.
    ///
    /// # Errors
    /// [`Code::NotFound`]: there is no such MFE; [`Code::CanNotComplete`]: the client does not own
    /// the incoming interface; [`Code::InvalidParameter`]: an address is invalid;
    /// [`Code::NotEnoughMemory`].
    pub fn set_mfe(
        &self,
        source: Ipv4Addr,
        group: Ipv4Addr,
        upstream: Option<Ipv4Addr>,
        incoming: u32,
    ) -> Result<()> {
        ffi::set_mfe(self.handle, Flow::new(source, group), upstream, incoming)
    }

    /// Returns the memberships of all clients, without their interfaces.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`]: the library was stopped; [`Code::NotEnoughMemory`].
    pub fn groups(&self) -> Result<Groups<'_>> {
        self.list_groups(false)
    }

    /// Returns each group for which there is a membership with a source.
    ///
    /// # Errors
    /// As for [`Client::groups`].
    pub fn groups_with_sources(&self) -> Result<Groups<'_>> {
        self.list_groups(true)
    }

    fn list_groups(&self, any_source: bool) -> Result<Groups<'_>> {
        let listing = ffi::start_groups(self.handle, any_source)?;
        let buffer = vec![0; GROUPS_AT_A_TIME * GROUP_SIZE];
        Ok(Groups { listing, buffer, at: 0, end: 0, is_last: false, client: PhantomData })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The library logs why it refuses.
        let _ = self.end();
    }
}

/// The memberships of all clients. See [`Client::groups`].
#[derive(Debug)]
pub struct Groups<'a> {
    listing: Handle,
    buffer: Vec<u8>,
    /// Where the entries that were read begin and end.
    at: usize,
    end: usize,
    is_last: bool,
    client: PhantomData<&'a Client>,
}

impl Groups<'_> {
    fn read(&mut self) -> Result<()> {
        let filled = ffi::more_groups(self.listing, &mut self.buffer);
        if !matches!(filled.code, ERROR_MORE_DATA | ERROR_NO_MORE_ITEMS) {
            self.is_last = true;
            return Err(ffi::error(filled.function, filled.code));
        }
        self.is_last = filled.code == ERROR_NO_MORE_ITEMS || filled.count == 0;
        (self.at, self.end) = (0, (filled.count * GROUP_SIZE).min(self.buffer.len()));
        Ok(())
    }
}

impl Iterator for Groups<'_> {
    type Item = Result<Flow>;

    fn next(&mut self) -> Option<Result<Flow>> {
        if self.at == self.end {
            if self.is_last {
                return None;
            }
            if let Err(error) = self.read() {
                return Some(Err(error));
            }
            if self.at == self.end {
                return None;
            }
        }
        let entry = &self.buffer[self.at..];
        self.at += GROUP_SIZE;
        Some(Ok(Flow::of(word(entry, 0), word(entry, 8))))
    }
}

impl Drop for Groups<'_> {
    fn drop(&mut self) {
        ffi::end_groups(self.listing);
    }
}

/// The client that owns an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Number of its protocol.
    pub protocol: u32,
    /// Its component.
    pub component: u32,
}

/// Returns the owner of an interface; `None` if it has none.
///
/// # Errors
/// [`Code::CanNotComplete`]: this is a forked child.
pub fn owner_of(interface: impl Into<Interface>) -> Result<Option<Owner>> {
    match ffi::owner(interface.into()) {
        Ok((protocol, component)) => Ok(Some(Owner { protocol, component })),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
