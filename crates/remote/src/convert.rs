//! Notices of the engine as callbacks in messages, and back.

use crate::messages::{Ack, Callback, CallbackBody, Said, WireRefusal};
use mgm_engine::{ClientId, Notice, NoticeKind, NoticeKinds, QuestionId};
use mgm_manager::{Acknowledgement, PostedCallback};
use mgm_types::{Code, Refusal};

impl From<PostedCallback<'_>> for Callback {
    fn from(posted: PostedCallback<'_>) -> Callback {
        let PostedCallback { client, number, cause, notice } = posted;
        Callback { client: client.0, number, cause, body: notice.into() }
    }
}

impl From<&Notice> for CallbackBody {
    fn from(notice: &Notice) -> CallbackBody {
        match notice {
            Notice::LocalLeave { flow, interface } => {
                CallbackBody::LocalLeave { flow: *flow, interface: *interface }
            }
            Notice::LocalJoin { flow, interface } => {
                CallbackBody::LocalJoin { flow: *flow, interface: *interface }
            }
            Notice::Join { flow, member } => CallbackBody::Join { flow: *flow, member: *member },
            Notice::Prune { flow, interface } => {
                CallbackBody::Prune { flow: *flow, interface: *interface }
            }
            Notice::PruneMfe { flow, iif, timeout, .. } => {
                CallbackBody::PruneMfe { flow: *flow, iif: *iif, timeout: *timeout }
            }
            Notice::WrongIf { flow, arrival, header } => {
                CallbackBody::WrongIf { flow: *flow, arrival: *arrival, header: header.clone() }
            }
            Notice::Rpf { flow, iif, upstream, header, route, arrival, .. } => CallbackBody::Rpf {
                flow: *flow,
                iif: *iif,
                upstream: *upstream,
                header: header.clone(),
                route: route.clone(),
                arrival: *arrival,
            },
            Notice::Creation { flow, iif, oifs, .. } => {
                CallbackBody::Creation { flow: *flow, iif: *iif, oifs: oifs.to_vec() }
            }
            Notice::DisableIgmp { interface, .. } => {
                CallbackBody::DisableIgmp { interface: *interface }
            }
            Notice::EnableIgmp { interface, .. } => {
                CallbackBody::EnableIgmp { interface: *interface }
            }
        }
    }
}

impl From<CallbackBody> for Notice {
    /// Questions get the number 0: the router knows which question a callback asks.
    fn from(body: CallbackBody) -> Notice {
        let question = QuestionId(0);
        match body {
            CallbackBody::Rpf { flow, iif, upstream, header, route, arrival } => {
                Notice::Rpf { question, flow, iif, upstream, header, route, arrival }
            }
            CallbackBody::Creation { flow, iif, oifs } => {
                Notice::Creation { question, flow, iif, oifs: oifs.into() }
            }
            CallbackBody::Prune { flow, interface } => Notice::Prune { flow, interface },
            CallbackBody::PruneMfe { flow, iif, timeout } => {
                Notice::PruneMfe { question, flow, iif, timeout }
            }
            CallbackBody::Join { flow, member } => Notice::Join { flow, member },
            CallbackBody::WrongIf { flow, arrival, header } => {
                Notice::WrongIf { flow, arrival, header }
            }
            CallbackBody::LocalJoin { flow, interface } => Notice::LocalJoin { flow, interface },
            CallbackBody::LocalLeave { flow, interface } => Notice::LocalLeave { flow, interface },
            CallbackBody::DisableIgmp { interface } => Notice::DisableIgmp { question, interface },
            CallbackBody::EnableIgmp { interface } => Notice::EnableIgmp { interface, since: 0 },
        }
    }
}

impl Said {
    /// What a client has left in a callback's out-parameters.
    #[must_use]
    pub fn of(notice: &Notice) -> Said {
        match notice {
            Notice::Rpf { iif, upstream, .. } => Said::Rpf { iif: *iif, upstream: *upstream },
            Notice::Creation { oifs, .. } => {
                Said::Creation { enabled: oifs.iter().map(|oif| oif.enabled).collect() }
            }
            Notice::PruneMfe { timeout, .. } => Said::Prune { timeout: *timeout },
            _ => Said::Nothing {},
        }
    }
}

impl Acknowledgement for Ack {
    fn of(&self) -> (ClientId, u64) {
        (ClientId(self.client), self.number)
    }

    /// An answer that does not fit the question changes nothing.
    fn answer(&self, notice: &mut Notice) {
        match (&self.said, notice) {
            (Said::Rpf { iif, upstream }, Notice::Rpf { iif: in_, upstream: from, .. }) => {
                (*in_, *from) = (*iif, *upstream);
            }
            (Said::Creation { enabled }, Notice::Creation { oifs, .. }) => {
                for (oif, enabled) in oifs.iter_mut().zip(enabled) {
                    oif.enabled = *enabled;
                }
            }
            (Said::Prune { timeout }, Notice::PruneMfe { timeout: life, .. }) => *life = *timeout,
            _ => {}
        }
    }
}

/// The callbacks of a client as bits.
#[must_use]
pub fn kinds_to_bits(kinds: NoticeKinds) -> u16 {
    let bit = |kind: &NoticeKind| u16::from(kinds.has(*kind)) << *kind as u16;
    NoticeKind::ALL.iter().map(bit).sum()
}

/// The callbacks of a client from their bits.
#[must_use]
pub fn kinds_from_bits(bits: u16) -> NoticeKinds {
    NoticeKind::ALL.into_iter().filter(|kind| bits >> *kind as u16 & 1 == 1).collect()
}

impl From<&Refusal> for WireRefusal {
    fn from(refusal: &Refusal) -> WireRefusal {
        WireRefusal {
            code: refusal.code() as u32,
            is_ordinary: refusal.is_ordinary(),
            is_handle: matches!(refusal, Refusal::BadHandle(_)),
            text: refusal.to_string(),
        }
    }
}

impl WireRefusal {
    /// The refusal of a call that named this handle, if any.
    #[must_use]
    pub fn refusal(self, handle: u64) -> Refusal {
        if self.is_handle {
            return Refusal::BadHandle(handle);
        }
        let code = Code::from_number(self.code).unwrap_or(Code::CanNotComplete);
        Refusal::ByRouter { code, is_ordinary: self.is_ordinary, text: self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_engine::{CreationOif, Header};
    use mgm_types::{Flow, Interface, Ipv4Addr, Route};

    fn notices() -> Vec<Notice> {
        let flow = Flow::new([10, 0, 0, 5].into(), [239, 1, 1, 1].into());
        let (question, interface, iif) = (QuestionId(0), Interface::link(3), Interface::link(1));
        let (header, upstream) = (Header::from(&[0x45][..]), Ipv4Addr::new(10, 0, 1, 1));
        let oif = CreationOif { interface, igmp: true, enabled: true };
        vec![
            Notice::LocalLeave { flow, interface },
            Notice::LocalJoin { flow, interface },
            Notice::Join { flow, member: true },
            Notice::Prune { flow, interface },
            Notice::PruneMfe { question, flow, iif, timeout: 900 },
            Notice::WrongIf { flow, arrival: interface, header: header.clone() },
            Notice::Rpf {
                question,
                flow,
                iif,
                upstream,
                header,
                route: Route::NONE,
                arrival: interface,
            },
            Notice::Creation { question, flow, iif, oifs: [oif, oif].into_iter().collect() },
            Notice::DisableIgmp { question, interface },
            Notice::EnableIgmp { interface, since: 0 },
        ]
    }

    #[test]
    fn t9_4_each_callback_arrives_as_it_was_sent() {
        for notice in notices() {
            assert_eq!(Notice::from(CallbackBody::from(&notice)), notice);
        }
    }

    #[test]
    fn t9_5_the_clients_values_become_the_answer() {
        for notice in notices() {
            let mut changed = notice.clone();
            match &mut changed {
                Notice::Rpf { iif, upstream, .. } => {
                    (*iif, *upstream) = (Interface::link(9), Ipv4Addr::new(10, 0, 9, 9));
                }
                Notice::Creation { oifs, .. } => oifs[1].enabled = false,
                Notice::PruneMfe { timeout, .. } => *timeout = 60,
                _ => {}
            }
            let ack = |said| Ack { client: 1, number: 1, said };
            let mut asked = notice.clone();
            ack(Said::of(&changed)).answer(&mut asked);
            assert_eq!(asked, changed);
            // An answer to another kind of question changes nothing.
            for other in notices().iter().filter(|other| other.kind() != notice.kind()) {
                let mut asked = notice.clone();
                ack(Said::of(other)).answer(&mut asked);
                assert_eq!(asked, notice);
            }
        }
        // Nor does an answer for more interfaces than were asked about.
        let mut asked = notices().remove(7);
        let said = Said::Creation { enabled: vec![true; 50] };
        Ack { client: 1, number: 1, said }.answer(&mut asked);
        assert_eq!(asked, notices()[7]);
    }

    #[test]
    fn t9_2_callbacks_and_refusals_keep_what_they_are() {
        for bits in [0, 1, 0x1ff, 0b1_0101_0101] {
            assert_eq!(kinds_to_bits(kinds_from_bits(bits)), bits);
        }
        let handle = WireRefusal::from(&Refusal::BadHandle(5)).refusal(77);
        assert_eq!(handle, Refusal::BadHandle(77));
        for refusal in [Refusal::NoMfe(Flow::WILDCARD), Refusal::StillOwns(2), Refusal::NoMemory] {
            let back = WireRefusal::from(&refusal).refusal(0);
            assert_eq!(back.to_string(), refusal.to_string());
            assert_eq!((back.code(), back.is_ordinary()), (refusal.code(), refusal.is_ordinary()));
        }
    }
}
