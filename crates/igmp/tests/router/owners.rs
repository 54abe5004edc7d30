//! IGMP beside a protocol that owns the link, and alone, with the real rules of the library.

use crate::router::*;
use mgm_igmp::codec::RecordType::{Allow, IsEx, ToEx};
use mgm_igmp::Role;

const LINK: u32 = 1;
const UP: u32 = 8;
const HOST: &str = "192.168.1.50";

/// A link with IGMP, and an interface of P behind which the senders are.
fn campus() -> Router {
    let mut router = Router::new();
    router.link(LINK, "192.168.1.0/24", "192.168.1.1", role(Role::Router));
    router.route("10.0.0.0/8", UP);
    router.p_takes(UP);
    router.heard();
    router
}

#[test]
fn t53_exclude_with_source() {
    let mut router = campus();
    router.report(LINK, HOST, ToEx, "239.1.1.1", &[]);
    assert_eq!(router.packet("10.0.0.1,239.1.1.1", UP), Some(vec![LINK]));
    router.report(LINK, HOST, ToEx, "239.1.1.1", &["10.0.0.1"]);
    router.pass(2_000);
    assert_eq!(router.packet("10.0.0.1,239.1.1.1", UP), Some(vec![]));
    assert_eq!(router.packet("10.0.0.2,239.1.1.1", UP), Some(vec![LINK]));
    assert_eq!(router.memberships(), ["1 (*, 239.1.1.1)"]);
    // A flow that begins only now is kept off as well.
    router.report(LINK, HOST, IsEx, "239.1.1.2", &["10.0.0.1"]);
    assert_eq!(router.packet("10.0.0.1,239.1.1.2", UP), Some(vec![]));
    assert_eq!(router.packet("10.0.0.2,239.1.1.2", UP), Some(vec![LINK]));
    // The host wants it again.
    router.report(LINK, HOST, Allow, "239.1.1.2", &["10.0.0.1"]);
    assert_eq!(router.packet("10.0.0.1,239.1.1.2", UP), Some(vec![LINK]));
}

#[test]
fn t54_exclude_beside_owner() {
    let mut router = campus();
    router.p_takes(LINK);
    router.heard();
    router.report(LINK, HOST, IsEx, "239.1.1.1", &["10.0.0.1"]);
    assert_eq!(router.heard(), ["local join (*, 239.1.1.1) on 1"]);
    assert_eq!(router.igmp().counters(LINK).unwrap().exclusions_not_applied, 1);
}

#[test]
fn t57_take_while_members() {
    let mut router = campus();
    for n in 1..=100 {
        router.report(LINK, HOST, ToEx, &format!("239.1.1.{n}"), &[]);
    }
    assert_eq!(router.memberships().len(), 100);
    router.heard();
    router.p_takes(LINK);
    let heard = router.heard();
    let joins = heard.iter().filter(|text| text.starts_with("local join")).count();
    assert_eq!((joins, router.memberships().len()), (100, 100));
    router.queries(LINK);
    router.pass(160_000);
    assert_eq!(router.queries(LINK), 2, "at 31.25 s and 156.25 s, as if nothing had happened");
    router.p_releases(LINK);
    assert_eq!(router.memberships().len(), 100);
}

#[test]
fn t56_asm_source_join() {
    let mut router = campus();
    router.report(LINK, HOST, Allow, "239.1.1.1", &["10.0.0.1"]);
    assert_eq!(router.memberships(), ["1 (10.0.0.1, 239.1.1.1)"]);
    assert_eq!(router.packet("10.0.0.1,239.1.1.1", UP), Some(vec![LINK]));
    assert_eq!(router.packet("10.0.0.2,239.1.1.1", UP), Some(vec![]));
}

#[test]
fn t60_static_join() {
    let mut router = campus();
    let config =
        mgm_igmp::LinkConfig { static_memberships: vec![flow("239.1.1.1")], ..role(Role::Router) };
    router.link(LINK, "192.168.1.0/24", "192.168.1.1", config);
    assert_eq!(router.packet("10.0.0.1,239.1.1.1", UP), Some(vec![LINK]));
    router.pass(3_600_000);
    assert_eq!(router.packet("10.0.0.1,239.1.1.1", UP), Some(vec![LINK]));
    let refused =
        mgm_igmp::LinkConfig { static_memberships: vec![flow("224.0.0.5")], ..role(Role::Router) };
    router.log();
    router.link(LINK, "192.168.1.0/24", "192.168.1.1", refused);
    assert!(matches!(router.log()[0], mgm_igmp::LogEvent::ConfigRefused(_)));
}
