//! The counters that a daemon asks for.

use crate::daemon::{Daemon, Router, Vif};
use crate::options::Errno;
use mgm_engine::MfeRow;
use mgm_remote::messages::{Reply, Request, Room};
use mgm_remote::wire::{Reader, Wire};
use mgm_types::{Flow, Interface};

impl Daemon {
    /// The counters of an entry: packets, octets, packets on a wrong interface.
    ///
    /// # Errors
    /// EADDRNOTAVAIL, as from the kernel: there is no entry.
    pub fn counters(&self, router: &mut impl Router, flow: Flow) -> Result<[u64; 3], Errno> {
        if !flow.has_source() {
            return self.shared_counters(router, flow);
        }
        match self.ask(router, Request::GetMfe { flow, stats: true }) {
            Ok(Reply::Mfe { row }) => Ok([row.packets + row.wrong_if, row.octets, row.wrong_if]),
            // The daemon has made the entry before the first packet.
            _ if self.entries.contains_key(&flow) => Ok([0; 3]),
            _ => Err(libc::EADDRNOTAVAIL),
        }
    }

    /// The counters of an entry for all sources: those of the flows for which it is used.
    fn shared_counters(&self, router: &mut impl Router, flow: Flow) -> Result<[u64; 3], Errno> {
        let mfc = self.entries.get(&flow).ok_or(libc::EADDRNOTAVAIL)?;
        let mut sum = [0; 3];
        self.walk(router, |row| {
            let vif = self.vif_or_rest(row.iif.index);
            if row.flow.group() == flow.group() && self.entry(row.flow, vif) == Some(mfc) {
                let counters = [row.packets + row.wrong_if, row.octets, row.wrong_if];
                sum.iter_mut().zip(counters).for_each(|(sum, counter)| *sum += counter);
            }
        });
        Ok(sum)
    }

    /// The counters of a VIF: packets in and out, octets in and out, of the flows that exist.
    ///
    /// # Errors
    /// EADDRNOTAVAIL: there is no such VIF.
    pub fn vif_counters(&self, router: &mut impl Router, at: u16) -> Result<[u64; 4], Errno> {
        let vif = self.vifs.get(usize::from(at)).copied().flatten().ok_or(libc::EADDRNOTAVAIL)?;
        let mine = self.owned();
        let is_it = |interface: Interface| match vif {
            Vif::Real(index) => index == interface.index,
            Vif::Rest => !mine.contains(&interface.index),
            Vif::Register => self.register == Some(interface.index),
        };
        let mut sum = [0; 4];
        self.walk(router, |row| {
            let has_own = row.oifs.iter().any(|oif| mine.contains(&oif.interface.index));
            if is_it(row.iif) && (vif != Vif::Rest || has_own) {
                (sum[0], sum[2]) = (sum[0] + row.packets, sum[2] + row.octets);
            }
            let leaves = row.oifs.iter().any(|oif| is_it(oif.interface));
            if leaves && (vif != Vif::Rest || mine.contains(&row.iif.index)) {
                (sum[1], sum[3]) = (sum[1] + row.packets, sum[3] + row.octets);
            }
        });
        Ok(sum)
    }

    /// Visits all MFEs of mgmd, with their counters.
    pub(crate) fn walk(&self, router: &mut impl Router, mut visit: impl FnMut(MfeRow)) {
        let (mut start, stats) = (None, true);
        loop {
            let room = Room { bytes: u32::MAX, base: 0, each: 0 };
            let reply = self.ask(router, Request::WalkMfes { start, stats, room });
            let Ok(Reply::Mfes { count, rows, more, .. }) = reply else { return };
            let mut reader = Reader::new(&rows.0);
            for _ in 0..count {
                let Ok(row) = MfeRow::get(&mut reader) else { return };
                start = Some(row.flow);
                visit(row);
            }
            if !more || count == 0 {
                return;
            }
        }
    }
}
