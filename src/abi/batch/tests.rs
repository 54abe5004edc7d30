use super::*;
use crate::abi::backend::tests::{Deaf, TestRouter};
use crate::engine::{Join, Notice, NoticeKind};
use crate::manager::Callbacks;
use crate::types::{Code, Flow, Interface, Ipv4Addr};
use std::sync::mpsc;

/// A client that reports the first join of its process's router.
struct First(mpsc::Sender<()>);

impl Callbacks for First {
    fn has(&self, kind: NoticeKind) -> bool {
        kind == NoticeKind::Join
    }

    fn call(&self, _: &mut Notice) {
        let _ = self.0.send(());
    }
}

/// Ends a batch of this many joins, during which the router is lost. The join with the number
/// `refused` is for an interface that the client does not own.
fn end_of_a_batch_with_a_loss(refused: Option<u32>) -> (usize, Refusal) {
    const COUNT: u32 = 200_000;
    let opened = TestRouter::open();
    let (manager, path) = (&opened.manager, &opened.path);
    let (tell, told) = mpsc::channel();
    manager.register(Box::new(First(tell)), 1, 0).unwrap();
    let router = client::connect(path).unwrap();
    let serial = router.register(Box::new(Deaf), 2, 0).unwrap();
    router.take(serial, Interface::link(1)).unwrap();
    let ends = std::thread::spawn(move || {
        told.iter().nth(1000).unwrap(); // the router has answered several messages
        client::disconnect().unwrap();
    });
    begin().unwrap();
    for number in 1..=COUNT {
        let index = if Some(number) == refused { 9 } else { 1 };
        let flow = Flow::any_source(Ipv4Addr::from(0xef01_0000 + number));
        let interface = Interface::link(index);
        let change = Change { adds: true, client: serial, flow, interface, join: Join::State };
        assert_eq!(collect(change), Ok(Ok(())));
    }
    let result = end().unwrap().expect("not all are made");
    ends.join().unwrap();
    result
}

#[test]
fn t9_14_t9_9_if_the_router_is_lost_in_a_batch_the_first_refusal_counts_and_0_is_none() {
    let (number, refusal) = end_of_a_batch_with_a_loss(None);
    assert_eq!((number, refusal.code()), (0, Code::CanNotComplete));
    let (number, refusal) = end_of_a_batch_with_a_loss(Some(7));
    assert_eq!((number, refusal.code()), (7, Code::InvalidParameter));
}
