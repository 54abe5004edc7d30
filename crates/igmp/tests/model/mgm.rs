//! The effects of the calls in the library: the memberships of the link and its overrides, for MFEs of
//! all flows (docs/semantics.md, 3.3 to 3.5).

use mgm_igmp::{Flag, Flow, Membership, MgmCall};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

#[derive(Debug, Default)]
pub struct Mgm {
    pub joined: BTreeSet<Flow>,
    overrides: BTreeMap<Flow, bool>,
}

impl Mgm {
    pub fn call(&mut self, call: &MgmCall) {
        match *call {
            MgmCall::Add(membership) => self.change(membership, true),
            MgmCall::Delete(membership) => self.change(membership, false),
            MgmCall::Take { .. } | MgmCall::Release { .. } => {}
            // A router without a proxy has no routes of its own, and moves no MFE.
            MgmCall::AddRoute { .. } | MgmCall::DeleteRoute { .. } | MgmCall::SetMfe { .. } => {
                unreachable!("only a proxy calls this: {call:?}")
            }
        }
    }

    fn change(&mut self, membership: Membership, add: bool) {
        let flow = membership.flow;
        if membership.flag == Flag::Forward {
            self.overrides.insert(flow, add);
            return;
        }
        if add {
            self.joined.insert(flow);
        } else {
            self.joined.remove(&flow);
        }
        // A JOIN removes the overrides of the MFEs that it matches.
        let matches =
            |of: &Flow| if flow.has_source() { *of == flow } else { of.group() == flow.group() };
        self.overrides.retain(|of, _| !matches(of));
    }

    /// The owner of the link has changed, or the link is lost.
    pub fn clear(&mut self) {
        *self = Mgm::default();
    }

    /// Whether packets of a flow leave by the link.
    pub fn forwards(&self, source: Ipv4Addr, group: Ipv4Addr) -> bool {
        let flow = Flow::new(source, group);
        let member = self.joined.contains(&flow) || self.joined.contains(&flow.shared());
        self.overrides.get(&flow).copied().unwrap_or(member)
    }
}
