//! All messages between a client process and the router, defined once for both sides.
//!
//! A client process has one *event connection*, on which callbacks arrive and are acknowledged,
//! and some *call connections*. On a call connection each [`Call`] is followed by its [`Answer`].
//! The first message on each connection is a greeting (`hello.rs`), which agrees on a version.
//!
//! Compatibility: variants and fields are never removed or reordered. A later minor version may
//! add variants, which an endpoint sends only if the other one speaks that minor version, and may
//! append fields to the end of a whole message, because bytes after its end are ignored.

use crate::wire::{message, Bytes, Decoded, Malformed, Reader, Wire};
use mgm_engine::{CreationOif, EnumKind, Header, Join, MfeRow};
use mgm_types::{Flow, Interface, Ipv4Addr, Route};

/// Decodes a whole message. Bytes after its end are fields that a later minor version has added.
///
/// # Errors
/// `Malformed`.
pub fn decode<T: Wire>(message: &[u8]) -> Decoded<T> {
    T::get(&mut Reader::new(message))
}

/// Encodes a message.
#[must_use]
pub fn encode(message: &impl Wire) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    message.put(&mut bytes);
    bytes
}

message! {
    /// A call of the client process, on a call connection.
    pub struct Call {
        /// The number of the outermost call of the calling thread: callbacks that it causes carry
        /// this number, and the calling thread makes them. 0: a thread of the library makes them.
        cause: u64,
        /// The client whose callback is running on the calling thread; 0 outside of callbacks.
        inside: u64,
        /// The call.
        request: Request,
    }
}

/// A bit of `callbacks` in [`Request::Register`]: an unanswered CREATION_ALERT switches the client's
/// outgoing interfaces off.
pub const OIFS_OFF: u16 = 1 << 15;

message! {
    /// What a client process asks of the router.
    pub enum Request {
        /// Registers a client. `callbacks` has a bit for each callback that it has, in the order of
        /// ROUTING_PROTOCOL_CONFIG, and [`OIFS_OFF`]. `grace` is for how many seconds its state stays
        /// when the process has ended.
        Register { protocol: u32, component: u32, callbacks: u16, grace: u32 } = 0,
        /// Deregisters a client.
        Deregister { client: u64 } = 1,
        /// Takes an interface.
        Take { client: u64, interface: Interface } = 2,
        /// Releases an interface.
        Release { client: u64, interface: Interface } = 3,
        /// Asks for the ids of an interface's owner.
        ProtocolOn { interface: Interface } = 4,
        /// Adds a membership.
        Add { client: u64, flow: Flow, interface: Interface, join: Join } = 5,
        /// Deletes a membership.
        Delete { client: u64, flow: Flow, interface: Interface, join: Join } = 6,
        /// Changes an MFE.
        SetMfe { client: u64, flow: Flow, upstream: Ipv4Addr, if_index: u32 } = 7,
        /// Asks for one MFE; with `stats`, with its counters.
        GetMfe { flow: Flow, stats: bool } = 8,
        /// Asks for the MFEs after one (all, if `None`), as many as the room is enough for.
        WalkMfes { start: Option<Flow>, stats: bool, room: Room } = 9,
        /// Opens a group enumeration.
        EnumStart { client: u64, kind: EnumKind } = 10,
        /// Asks for the next entries.
        EnumNext { enumeration: u64, most: u32 } = 11,
        /// Closes a group enumeration.
        EnumEnd { enumeration: u64 } = 12,
        /// Asks for the status as JSON. The answer comes in pieces.
        Status { memberships: bool, mfes: bool } = 13,
        /// Asks for the metrics. The answer comes in pieces.
        Metrics { mfes: bool } = 14,
        /// Acknowledges callbacks that the calling thread has made. The answer comes when what
        /// follows from them is on its way.
        Settle { acks: Vec<Ack> } = 15,
        /// Asks for the next piece of a text.
        NextPiece {} = 16,
        /// Adds and deletes memberships, in this order, whether some of them are refused or not.
        Batch { changes: Vec<Change> } = 17,
        /// A client has taken and added again what it wants of its predecessor's state.
        GraceDone { client: u64 } = 18,
        /// Asks for the MFEs after those of the last answer on this connection, with the same
        /// arguments as those. The answer has none if there are no more, or if the buffer is full.
        /// Of minor version 1.
        WalkOn {} = 19,
        /// As [`Request::WalkMfes`] without counters, but each MFE is encoded as what differs from the
        /// one before it (`rows/changes.rs`). Of minor version 2.
        WalkChanges { start: Option<Flow>, room: Room } = 20,
    }
}

message! {
    /// An add or a delete of a batch.
    pub struct Change {
        /// [`Request::Add`], otherwise [`Request::Delete`].
        adds: bool,
        /// The client.
        client: u64,
        /// The membership.
        flow: Flow,
        /// The interface.
        interface: Interface,
        /// What it acts on.
        join: Join,
    }
}

message! {
    /// The room in the caller's buffer.
    pub struct Room {
        /// All bytes.
        bytes: u32,
        /// The bytes of an entry without outgoing interfaces.
        base: u32,
        /// The bytes that each outgoing interface adds.
        each: u32,
    }
}

message! {
    /// The answer to a call.
    pub struct Answer {
        /// If the call has caused callbacks that carry its number: the number of the last callback
        /// on the event connection that the calling thread must wait for, otherwise 0.
        events: u64,
        /// The answer.
        reply: Reply,
    }
}

message! {
    /// What the router answers.
    pub enum Reply {
        /// The call has succeeded.
        Done {} = 0,
        /// The number of the new client.
        Registered { client: u64 } = 1,
        /// The ids of an owner.
        Ids { protocol: u32, component: u32 } = 2,
        /// One MFE.
        Mfe { row: MfeRow } = 3,
        /// `count` MFEs, encoded as the request says. `next_oifs` is the number of outgoing
        /// interfaces of the first MFE for which there was no room in the caller's buffer. `more`
        /// means that the message is full, but not the buffer.
        Mfes { count: u32, rows: Bytes, next_oifs: Option<u32>, more: bool } = 4,
        /// The number of the new enumeration.
        Enumeration { enumeration: u64 } = 5,
        /// The next entries of an enumeration, and whether there are more.
        Groups { flows: Vec<Flow>, more: bool } = 6,
        /// A piece of a text, and whether there are more.
        Text { piece: Bytes, more: bool } = 7,
        /// The call was refused.
        Refused { refusal: WireRefusal } = 8,
        /// The interface is released. Callbacks about it up to this number are void (spec 2.3, 8.9).
        Released { last: u64 } = 9,
        /// The first change of a batch that was refused: its place, from 0, and why.
        Batched { refused: Option<RefusedChange> } = 10,
    }
}

/// [`Reply::Mfes`] has at most so many MFEs, so that other calls do not wait for long.
pub const PART_ROWS: u32 = 2048;

/// The number of [`Reply::Mfes`].
const MFES: u8 = 4;

/// What comes after the MFEs in [`Reply::Mfes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How many MFEs there are.
    pub count: u32,
    /// See [`Reply::Mfes`].
    pub next_oifs: Option<u32>,
    /// See [`Reply::Mfes`].
    pub more: bool,
}

/// Appends an answer with the MFEs that `put` appends. So they need not be copied.
pub fn put_mfes(to: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> Listed) {
    0u64.put(to); // no callbacks
    to.push(MFES);
    let head = to.len();
    to.extend_from_slice(&[0; 8]);
    let begin = to.len();
    let Listed { count, next_oifs, more } = put(to);
    let length = u32::try_from(to.len() - begin).unwrap_or(u32::MAX);
    to[head..head + 4].copy_from_slice(&count.to_le_bytes());
    to[head + 4..begin].copy_from_slice(&length.to_le_bytes());
    next_oifs.put(to);
    more.put(to);
}

/// Decodes an answer to a request for MFEs: the encoded MFEs, which are not copied, or another reply.
///
/// # Errors
/// `Malformed`.
pub fn decode_mfes(message: &[u8]) -> Decoded<Result<(Listed, &[u8]), Reply>> {
    let mut reader = Reader::new(message);
    u64::get(&mut reader)?;
    if u8::get(&mut reader)? != MFES {
        return Ok(Err(decode::<Answer>(message)?.reply));
    }
    let count = u32::get(&mut reader)?;
    let length = u32::get(&mut reader)? as usize;
    let rows = reader.bytes(length)?;
    let next_oifs = Wire::get(&mut reader)?;
    Ok(Ok((Listed { count, next_oifs, more: bool::get(&mut reader)? }, rows)))
}

message! {
    /// A change of a batch that was refused.
    pub struct RefusedChange {
        /// Its place in the message.
        place: u32,
        /// Why.
        refusal: WireRefusal,
    }
}

message! {
    /// Why a call was refused.
    pub struct WireRefusal {
        /// The code of the call.
        code: u32,
        /// Such refusals are part of ordinary use, and are not logged.
        is_ordinary: bool,
        /// The handle is not valid.
        is_handle: bool,
        /// The reason, as the log says it.
        text: String,
    }
}

message! {
    /// A callback for a client of the process, on the event connection.
    pub struct Callback {
        /// The client.
        client: u64,
        /// The number of the callback: 1 for the first one of this client, and so on.
        number: u64,
        /// [`Call::cause`] of the call that has caused it; 0 if no call of this process has.
        cause: u64,
        /// The callback.
        body: CallbackBody,
    }
}

message! {
    /// The nine callbacks. PRUNE_ALERT has two forms.
    pub enum CallbackBody {
        /// RPF_CALLBACK.
        Rpf {
            flow: Flow,
            iif: Interface,
            upstream: Ipv4Addr,
            header: Header,
            route: Route,
            arrival: Interface
        } = 0,
        /// CREATION_ALERT.
        Creation { flow: Flow, iif: Interface, oifs: Vec<CreationOif> } = 1,
        /// PRUNE_ALERT with bMemberDelete TRUE.
        Prune { flow: Flow, interface: Interface } = 2,
        /// PRUNE_ALERT with bMemberDelete FALSE.
        PruneMfe { flow: Flow, iif: Interface, timeout: u32 } = 3,
        /// JOIN_ALERT.
        Join { flow: Flow, member: bool } = 4,
        /// WRONG_IF_CALLBACK.
        WrongIf { flow: Flow, arrival: Interface, header: Header } = 5,
        /// LOCAL_JOIN.
        LocalJoin { flow: Flow, interface: Interface } = 6,
        /// LOCAL_LEAVE.
        LocalLeave { flow: Flow, interface: Interface } = 7,
        /// DISABLE_IGMP.
        DisableIgmp { interface: Interface } = 8,
        /// ENABLE_IGMP.
        EnableIgmp { interface: Interface } = 9,
    }
}

message! {
    /// Acknowledgements of callbacks, on the event connection.
    pub struct Acks {
        /// In the order in which the callbacks have returned.
        list: Vec<Ack>,
    }
}

message! {
    /// A callback has returned.
    pub struct Ack {
        /// [`Callback::client`].
        client: u64,
        /// [`Callback::number`].
        number: u64,
        /// What the client has answered.
        said: Said,
    }
}

message! {
    /// The values that a client has left in the out-parameters of a callback.
    pub enum Said {
        /// The callback has none, or the client has changed none.
        Nothing {} = 0,
        /// RPF_CALLBACK.
        Rpf { iif: Interface, upstream: Ipv4Addr } = 1,
        /// CREATION_ALERT: whether each interface is enabled, in the order of the callback.
        Creation { enabled: Vec<bool> } = 2,
        /// PRUNE_ALERT with bMemberDelete FALSE.
        Prune { timeout: u32 } = 3,
    }
}

#[cfg(test)]
mod tests;
