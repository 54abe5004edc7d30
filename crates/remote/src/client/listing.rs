//! Listings of MFEs. The router sends them in parts.

use super::calls::unexpected;
use super::channel::Channel;
use super::{lost, Router};
use crate::hello::Version;
use crate::messages::{decode_mfes, Call, Listed, Reply, Request, Room, PART_ROWS};
use crate::rows::changes::read_changes;
use crate::rows::{read_brief, read_mfe};
use crate::wire::{Decoded, Reader};
use mgm_engine::MfeRow;
use mgm_types::{Flow, Result};
use std::io;
use std::ops::ControlFlow;

/// The first version with [`Request::WalkOn`].
const WALK_ON: Version = Version { major: 1, minor: 1 };

/// The first version with [`Request::WalkChanges`].
const WALK_CHANGES: Version = Version { major: 1, minor: 2 };

/// A caller's buffer of so many bytes takes about one part.
const ONE_PART: u32 = 80 << 10;

/// How the router encodes the MFEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Counted,
    Brief,
    Changes,
}

/// What a listing has brought so far.
struct Listing<V> {
    /// The last MFE.
    start: Option<Flow>,
    form: Form,
    /// What is left of the caller's buffer.
    room: Room,
    visit: V,
    row: MfeRow,
    /// The caller wants no more.
    is_over: bool,
}

impl Router {
    /// Visits the MFEs after `start`, as many as the room is enough for. Returns the number of
    /// outgoing interfaces of the first MFE that has no room.
    ///
    /// # Errors
    /// `Router`.
    pub fn walk_mfes(
        &self,
        start: Option<Flow>,
        stats: bool,
        room: Room,
        visit: impl FnMut(&MfeRow) -> ControlFlow<()>,
    ) -> Result<Option<usize>> {
        let row = MfeRow::default();
        let mut channel = self.0.channel()?;
        let form = match (stats, channel.version >= WALK_CHANGES) {
            (true, _) => Form::Counted,
            (false, true) => Form::Changes,
            (false, false) => Form::Brief,
        };
        let mut listing = Listing { start, form, room, visit, row, is_over: false };
        let asked = channel.list(&mut listing).map_err(|_| {
            self.0.lose();
            lost()
        })?;
        let reply = asked.map_err(|_| {
            self.0.lose(); // what the router sends is no protocol
            unexpected()
        })?;
        self.0.channels.give_back(channel);
        match reply {
            Ok(next_oifs) => Ok(next_oifs.map(|oifs| oifs as usize)),
            Err(Reply::Refused { refusal }) => Err(refusal.refusal(0)),
            Err(_) => Err(unexpected()),
        }
    }
}

/// The end of a listing: see [`Listed::next_oifs`], or another reply.
type Ended = std::result::Result<Option<u32>, Reply>;

impl Channel {
    /// Makes a listing. With a router that knows [`Request::WalkOn`], the next part is asked for
    /// before the present one is decoded, so that the router makes it meanwhile.
    fn list<V>(&mut self, listing: &mut Listing<V>) -> io::Result<Decoded<Ended>>
    where
        V: FnMut(&MfeRow) -> ControlFlow<()>,
    {
        let goes_on = self.version >= WALK_ON;
        let mut asked = 1;
        self.send(&call(listing.request()))?;
        if goes_on && listing.room.bytes > listing.one_part() {
            self.send(&call(Request::WalkOn {}))?;
            asked += 1;
        }
        let ended = loop {
            let before = listing.room.bytes;
            let part = self.read(|message| listing.take(message))?;
            asked -= 1;
            match part {
                Err(malformed) => return Ok(Err(malformed)),
                Ok(Err(reply)) => break Err(reply),
                Ok(Ok(listed)) if listed.more && !listing.is_over => {}
                Ok(Ok(listed)) => break Ok(listed.next_oifs),
            }
            // If the next part is as long as this one, does it leave room for another one?
            let used = before - listing.room.bytes;
            if asked == 0 || listing.room.bytes > used {
                let request = if goes_on { Request::WalkOn {} } else { listing.request() };
                self.send(&call(request))?;
                asked += 1;
            }
        };
        for _ in 0..asked {
            self.read(|_| ())?;
        }
        Ok(Ok(ended))
    }
}

fn call(request: Request) -> Call {
    Call { cause: 0, inside: 0, request }
}

impl<V: FnMut(&MfeRow) -> ControlFlow<()>> Listing<V> {
    /// About how much of the caller's buffer one part takes, if each MFE has one oif.
    fn one_part(&self) -> u32 {
        match self.form {
            Form::Changes => {
                PART_ROWS.saturating_mul(self.room.base.saturating_add(self.room.each))
            }
            _ => ONE_PART,
        }
    }

    /// Asks for what is left.
    fn request(&self) -> Request {
        let Listing { start, form, ref room, .. } = *self;
        let room = room.clone();
        match form {
            Form::Changes => Request::WalkChanges { start, room },
            _ => Request::WalkMfes { start, stats: form == Form::Counted, room },
        }
    }

    /// Visits the MFEs of an answer.
    fn take(&mut self, message: &[u8]) -> Decoded<std::result::Result<Listed, Reply>> {
        let (listed, rows) = match decode_mfes(message)? {
            Ok(mfes) => mfes,
            Err(reply) => return Ok(Err(reply)),
        };
        let Listing { start, form, room, visit, row, .. } = self;
        let mut reader = Reader::new(rows);
        for _ in 0..listed.count {
            match form {
                Form::Counted => read_mfe(row, &mut reader)?,
                Form::Brief => read_brief(row, &mut reader)?,
                Form::Changes => read_changes(row, &mut reader)?,
            }
            let oifs = u32::try_from(row.oifs.len()).unwrap_or(u32::MAX);
            let need = room.base.saturating_add(room.each.saturating_mul(oifs));
            room.bytes = room.bytes.saturating_sub(need);
            *start = Some(row.flow);
            if visit(row).is_break() {
                self.is_over = true;
                break;
            }
        }
        Ok(Ok(listed))
    }
}
