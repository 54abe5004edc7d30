//! Reads the state of served interfaces again: which have changed, which are gone, and on which another
//! daemon has a VIF.

use super::advice;
use super::attach::{Attached, Attachment};
use super::links::Device;
use super::load::Loaded;
use super::ports::set_port;
use super::work::{Served, Work};
use crate::types::{Interface, Result};
use std::io;
use std::sync::atomic::Ordering::Release;
use std::time::Instant;

impl Work {
    /// Finds out whether the device of an index is still the one that is served. If not, its ports
    /// are down from now on.
    pub(super) fn look(&mut self, loaded: &Loaded, if_index: u32) -> Result<()> {
        let Some(served) = self.by_index.get_mut(&if_index) else { return Ok(()) };
        if served.is_lost {
            return Ok(());
        }
        let unknown = |error| advice::unknown(&error, Interface::link(if_index));
        let facts = self.links.facts(if_index).map_err(unknown)?;
        let is_same = match (&mut served.attached, &served.apart) {
            (Some(attached), _) => attached.is_attached(),
            (None, Some(device)) => device.is_there(),
            (None, None) => Ok(true),
        };
        if facts.is_some() && is_same.map_err(unknown)? {
            return Ok(());
        }
        served.is_lost = true;
        for (id, _) in &served.ports {
            loaded.maps.ports.get(id.0.into()).flags.store(0, Release);
        }
        let name = served.facts.name.clone();
        // A program stays attached to a device that has moved to another namespace. There it must
        // not take packets for those of an interface of this one.
        self.leave_map(loaded, if_index, &name);
        Ok(())
    }

    /// The state of an interface, or of its neighbours, has changed.
    pub(super) fn refresh(&mut self, loaded: &Loaded, if_index: u32) {
        // Another device may have the index by now.
        let mut is_known = self.look(loaded, if_index).is_ok();
        let Some(served) = self.by_index.get_mut(&if_index) else { return };
        if served.is_lost {
            return;
        }
        let mut note = |name: &str, error: &dyn std::fmt::Display| {
            log::debug!("{name}: {error}: trying again in a second");
            is_known = false;
        };
        match self.requests.has_vif(if_index) {
            Ok(has_vif) => {
                if let Err(refusal) = keep_apart(served, (if_index, has_vif), loaded, self.how) {
                    note(&served.facts.name, &refusal);
                }
            }
            Err(error) => note(&served.facts.name, &error),
        }
        match self.links.facts(if_index) {
            Ok(Some(facts)) => served.facts = facts,
            Ok(None) => served.facts.is_up = false,
            Err(error) => note(&served.facts.name, &error),
        }
        let mut is_resolved = true;
        for &(id, next_hop) in &served.ports {
            let neighbour = (!next_hop.is_unspecified()).then(|| {
                self.links.neighbour(&served.facts.name, next_hop).unwrap_or_else(|error| {
                    note(&served.facts.name, &error);
                    None
                })
            });
            is_resolved &= neighbour != Some(None) || !served.facts.is_up;
            let port = loaded.maps.ports.get(id.0.into());
            let is_ours = served.attached.is_some();
            set_port(port, (if_index, &served.facts), (is_ours, neighbour));
        }
        if is_resolved {
            self.unfinished.unresolved.remove(&if_index);
        } else {
            self.unfinished.unresolved.insert(if_index);
        }
        if !is_known {
            self.unfinished.last_try = Some(Instant::now());
            self.unfinished.unread.insert(if_index);
        }
    }
}

/// Another daemon may add a VIF to an interface that is served, or delete it again. Meanwhile the
/// programs are detached, because the kernel would forward the same packets.
fn keep_apart(
    served: &mut Served,
    (if_index, has_vif): (u32, bool),
    loaded: &Loaded,
    how: Attachment,
) -> Result<()> {
    let name = served.facts.name.clone();
    if let (true, Some(attached)) = (has_vif, &mut served.attached) {
        let unattached = |error: &io::Error| advice::undetached(error, if_index, &name);
        // If there is none, a loss is seen only while no device has the index.
        served.apart = Device::of(if_index).ok();
        attached.detach().map_err(|error| unattached(&error))?;
        served.attached = None;
        log::warn!(
            "{name} (index {if_index}): another multicast daemon (pimd, smcrouted, mrouted, \
             igmpproxy ...) has added it to the kernel's multicast routing: the ebpf forwarder \
             forwards nothing there until that daemon releases it, because receivers would get \
             packets twice"
        );
    } else if !has_vif && served.attached.is_none() {
        let Some(framing) = served.facts.framing else { return Ok(()) };
        let attached = Attached::new(if_index, framing, &loaded.programs, how)
            .map_err(|error| advice::unattached(&error, Interface::link(if_index), &name))?;
        (served.attached, served.apart) = (Some(attached), None);
        log::info!(
            "{name} (index {if_index}): the other multicast daemon has released it: the ebpf \
             forwarder serves it again"
        );
    }
    Ok(())
}
