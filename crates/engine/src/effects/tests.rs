//! Effects that come together, the order of notices without memory, and the boxes that are kept.

use super::*;
use crate::packet::Header;

const CLIENT: ClientId = ClientId(1);

type Cause = fn(&mut Effects);

/// Each effect that is no notice, and whether it is carried out with the others.
const EFFECTS: [(Cause, bool); 8] = [
    (|fx| fx.dirty.push(Flow::WILDCARD), true),
    (|fx| fx.resolved.push(Flow::WILDCARD), true),
    (|fx| fx.again.push(Flow::WILDCARD), true),
    (|fx| fx.detached.push(IfId(0)), true),
    (|fx| fx.log.push((log::Level::Info, String::new())), true),
    (|fx| fx.released.push((CLIENT, Interface::NONE)), true),
    (|fx| fx.tell_all_later(CLIENT, AlertTopic::Groups), false),
    (|fx| fx.untold_to_all = true, false),
];

#[test]
fn t8_1_no_effect_is_overlooked_whatever_comes_with_it() {
    let none = || {
        let mut fx = Effects::default();
        fx.carried_out(); // makes the spare boxes
        assert!(fx.is_empty() && !fx.has_untold());
        assert!(!fx.has_more_than_notices() && !fx.has_notices());
        fx
    };
    for (first, is_carried_out) in EFFECTS {
        for (second, other_is) in EFFECTS {
            let mut fx = none();
            first(&mut fx);
            second(&mut fx);
            assert!(!fx.is_empty());
            assert_eq!(fx.has_more_than_notices(), is_carried_out || other_is);
            assert_eq!(fx.has_untold(), !is_carried_out || !other_is);
            fx.carried_out();
            assert_eq!(fx.is_empty(), is_carried_out && other_is);
            fx.take_untold();
            assert!(fx.is_empty());
        }
    }
    let mut fx = none();
    fx.tell(CLIENT, Notice::Join { flow: Flow::WILDCARD, member: true });
    assert!(!fx.is_empty() && fx.has_notices());
}

#[test]
fn t0_9_as_many_boxes_are_kept_as_may_be_and_none_with_what_its_notice_owned() {
    let owner = || {
        let header = Header::from(&[0x45; 60][..]);
        let notice = Notice::WrongIf { flow: Flow::WILDCARD, arrival: Interface::NONE, header };
        NoticeBox::new(notice).unwrap()
    };
    let mut fx = Effects::default();
    fx.reuse(owner());
    assert_eq!(fx.boxes, [NoticeBox::new(NOTHING).unwrap()]);
    for _ in 1..BOXES {
        fx.reuse(NoticeBox::new(NOTHING).unwrap());
    }
    assert_eq!(fx.boxes.len(), BOXES);
    fx.reuse(owner());
    fx.reuse(NoticeBox::new(NOTHING).unwrap());
    assert_eq!(fx.boxes.len(), BOXES);
}

#[test]
fn t8_2_without_memory_the_order_is_the_same() {
    let mut seed = 1_u32;
    for len in (0..40).chain([1000]) {
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        let mut list: Vec<(u32, usize)> = (0..len).map(|at| (random() % 9, at)).collect();
        sort_in_place(&mut list, &|(key, _)| *key);
        assert!(list.is_sorted(), "{list:?}");
    }
}
