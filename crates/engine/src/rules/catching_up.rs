//! The current state for one client, which it is told after it has missed alerts (spec 8.9).

use super::{alerts, roles};
use crate::alert_topic::{AlertTopic, Thing};
use crate::effects::Effects;
use crate::notice::{Notice, QuestionId};
use crate::tables::{ClientId, Side, Tables};
use mgm_types::{Flow, IfId, Interface};

/// Tells a client the state of one subject.
pub fn tell(t: &Tables, client: ClientId, thing: Thing, fx: &mut Effects) {
    let Thing { topic, flow, interface } = thing;
    let notice = match topic {
        AlertTopic::Groups if flow == Flow::WILDCARD => alert_on(flow, is_all_wanted(t, client)),
        AlertTopic::Groups if is_all_wanted(t, client) => return,
        AlertTopic::Groups => alert_on(flow, alerts::interest(t, flow).beside(client)),
        AlertTopic::Sources => alert_on(flow, must_request(t, client, flow)),
        AlertTopic::Locals => match t.interfaces.find(interface) {
            Some(id) if gets_local_alerts_on(t, client, id) => {
                let members = t.flows.members(flow);
                match members.is_some_and(|all| all.side(Side::Igmp).contains(id)) {
                    true => Notice::LocalJoin { flow, interface },
                    false => Notice::LocalLeave { flow, interface },
                }
            }
            _ => return,
        },
        AlertTopic::Mfes => match alert_of_mfe(t, client, flow) {
            Some(notice) => notice,
            None => return,
        },
    };
    alerts::send(t, client, notice, fx);
}

/// Begins to tell a client the state of a topic: first that of `(*,*)`.
pub fn tell_all(t: &Tables, client: ClientId, topic: AlertTopic, fx: &mut Effects) -> bool {
    if topic != AlertTopic::Groups {
        return true;
    }
    tell(t, client, Thing::new(topic, Flow::WILDCARD), fx);
    !is_all_wanted(t, client)
}

/// Tells a client which subjects of a topic hold, those after `last`; examines only some. Returns
/// the last one now, or `None` if there are no more.
pub fn tell_after(
    t: &Tables,
    client: ClientId,
    last: Thing,
    most: usize,
    fx: &mut Effects,
) -> Option<Thing> {
    let Thing { topic, flow: mut last, .. } = last;
    for _ in 0..most {
        last = next_of(t, topic, last)?;
        let is_link_local = last.is_link_local();
        match topic {
            AlertTopic::Groups if last.has_source() => last = last.last_of_group(),
            AlertTopic::Groups | AlertTopic::Sources if is_link_local => {}
            AlertTopic::Groups if alerts::interest(t, last).beside(client) => {
                alerts::send(t, client, alert_on(last, true), fx);
            }
            AlertTopic::Sources if !last.has_source() => {}
            AlertTopic::Sources if must_request(t, client, last) => {
                alerts::send(t, client, alert_on(last, true), fx);
            }
            AlertTopic::Groups | AlertTopic::Sources => {}
            AlertTopic::Locals => tell_locals(t, client, last, fx),
            AlertTopic::Mfes => {
                if let Some(notice) = alert_of_mfe(t, client, last) {
                    alerts::send(t, client, notice, fx);
                }
            }
        }
    }
    // After all interfaces of this flow.
    let interface = Interface { index: u32::MAX, next_hop: [u8::MAX; 4].into() };
    Some(Thing { topic, flow: last, interface })
}

/// The next flow after this one that can be a subject of the topic.
fn next_of(t: &Tables, topic: AlertTopic, last: Flow) -> Option<Flow> {
    match topic {
        AlertTopic::Mfes => t.flows.mfes(last.successor()).next().map(|(flow, _)| flow),
        _ => t.flows.wanted_flows(last.successor()).next(),
    }
}

/// W of spec 4.2.
fn is_all_wanted(t: &Tables, client: ClientId) -> bool {
    alerts::interest(t, Flow::WILDCARD).beside(client)
}

/// Whether a client has the role of spec 4.6 for an `(s,g)`, and others want that.
fn must_request(t: &Tables, client: ClientId, flow: Flow) -> bool {
    t.flows.members(flow).is_some() && roles::told_of_source(t, flow) == Some(client)
}

/// Whether a client gets the LOCAL_* callbacks of IGMP on an interface.
fn gets_local_alerts_on(t: &Tables, client: ClientId, id: IfId) -> bool {
    let slot = t.interfaces.get(id).filter(|slot| !slot.absent);
    slot.and_then(|slot| slot.staying_owner()) == Some(client)
}

fn tell_locals(t: &Tables, client: ClientId, flow: Flow, fx: &mut Effects) {
    let Some(members) = t.flows.members(flow) else { return };
    for id in members.side(Side::Igmp).iter().filter(|&id| gets_local_alerts_on(t, client, id)) {
        let interface = t.interfaces.name(id);
        alerts::send(t, client, Notice::LocalJoin { flow, interface }, fx);
    }
}

/// Whether an MFE has oifs, for the owner of its iif (spec 5.5, 5.8).
fn alert_of_mfe(t: &Tables, client: ClientId, flow: Flow) -> Option<Notice> {
    let mfe = t.flows.mfe(flow)?;
    if t.interfaces.master(mfe.iif) != Some(client) {
        return None;
    }
    Some(if mfe.oifs.is_empty() {
        Notice::PruneMfe {
            question: QuestionId(u64::from(mfe.serial)),
            flow,
            iif: t.interfaces.name(mfe.iif),
            timeout: t.config.mfe_timeout,
        }
    } else {
        Notice::Join { flow, member: false }
    })
}

/// JOIN or PRUNE with TRUE; no single delete caused it (spec 4.7).
fn alert_on(flow: Flow, is_wanted: bool) -> Notice {
    if is_wanted {
        Notice::Join { flow, member: true }
    } else {
        Notice::Prune { flow, interface: Interface::NONE }
    }
}
