//! Pairs of DISABLE_IGMP and ENABLE_IGMP in the queue of a client that is behind.

use super::client_records::Queued;
use super::dispatch::Queue;
use crate::engine::Notice;

/// Whether a DISABLE_IGMP or ENABLE_IGMP takes the place of one that waits in the queue, because
/// its callback has not begun (spec 8.9). Only the last one about the interface is replaced,
/// because the last one that IGMP gets is the one that counts.
pub(super) fn joins(queue: &mut Queue<Queued>, notice: &Notice) -> bool {
    let interface = match notice {
        Notice::DisableIgmp { interface, .. } | Notice::EnableIgmp { interface, .. } => *interface,
        _ => return false,
    };
    let (mut disable, mut enable) = (None, None);
    for one in queue.items_mut() {
        match &mut **one {
            Notice::DisableIgmp { question, interface: there } if *there == interface => {
                (disable, enable) = (Some(question), None);
            }
            Notice::EnableIgmp { since, interface: there } if *there == interface => {
                enable = Some(since);
            }
            _ => {}
        }
    }
    match (notice, disable, enable) {
        // The engine waits for its answer now.
        (Notice::DisableIgmp { question, .. }, Some(former), enable) => {
            *former = *question;
            if enable.is_some() {
                // Take out the ENABLE_IGMP after this DISABLE_IGMP. Those before it belong to
                // earlier DISABLE_IGMPs, which have begun.
                let (last, mut is_behind) = (question.0, false);
                queue.take_out(|one| match &**one {
                    Notice::DisableIgmp { question, .. } if question.0 == last => {
                        is_behind = true;
                        false
                    }
                    Notice::EnableIgmp { interface: there, .. } => is_behind && *there == interface,
                    _ => false,
                });
            }
            true
        }
        (Notice::EnableIgmp { since, .. }, _, Some(former)) => {
            *former = *since;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{Cause, BOUNDS};
    use crate::engine::{NoticeBox, QuestionId};
    use crate::types::Interface;

    #[test]
    fn t8_9_the_last_word_about_an_interface_stays_last() {
        let interface = Interface::link(1);
        let mut queue: Queue<Queued> = Queue::default();
        let mut tell = |notice: Notice| {
            if !joins(&mut queue, &notice) {
                queue.push(&BOUNDS, Cause::WORKER, Queued(NoticeBox::new(notice).unwrap()));
            }
            let questions = queue.items_mut().map(|one| match **one {
                Notice::DisableIgmp { question, .. } => Some(question.0),
                _ => None,
            });
            questions.collect::<Vec<_>>()
        };
        let enable = |since| Notice::EnableIgmp { interface, since };
        let disable = |number| Notice::DisableIgmp { question: QuestionId(number), interface };
        // The first DISABLE has begun; its ENABLE waits.
        assert_eq!(tell(enable(1)), [None]);
        assert_eq!(tell(disable(2)), [None, Some(2)]);
        assert_eq!(tell(enable(1)), [None, Some(2), None]);
        // Lost again, for good: no ENABLE follows.
        assert_eq!(tell(disable(3)), [None, Some(3)]);
        assert_eq!(tell(disable(4)), [None, Some(4)]);
        assert_eq!(tell(enable(5)), [None, Some(4), None]);
        assert_eq!(tell(enable(6)), [None, Some(4), None]);
    }
}
