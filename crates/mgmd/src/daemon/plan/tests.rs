use super::*;
use mgm_igmp::{LinkAddress, Role};
use std::path::Path;

fn config(text: &str) -> Config {
    Config::parse(Path::new("mgmd.toml"), text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn device(name: &str) -> Device {
    let addresses = vec![LinkAddress::new([10, 0, 0, 1].into(), 24)];
    let info = LinkInfo { up: true, mtu: 1500, addresses, ..LinkInfo::default() };
    Device { name: name.into(), info, ..Device::default() }
}

fn plan(text: &str, name: &str) -> Option<Plan> {
    Plan::of(&config(text), &device(name))
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    let name = |step: &Step| match step {
        Step::Gone => "gone",
        Step::Close => "close",
        Step::Unconfigure => "unconfigure",
        Step::Threshold(_) => "threshold",
        Step::Boundary(_, true) => "boundary",
        Step::Boundary(_, false) => "no boundary",
        Step::ScopeName(..) => "scope name",
        Step::FlowLimit(Some(_)) => "flow limit",
        Step::FlowLimit(None) => "no flow limit",
        Step::Open => "open",
        Step::Info(_) => "info",
        Step::Begin(_) => "begin",
        Step::Configure(_) => "configure",
    };
    steps.iter().map(name).collect()
}

const LAN: &str = "[[interface]]\nname = \"lan*\"\nigmp = {}\n";

#[test]
fn m1_an_interface_without_igmp_neither_queries_nor_believes_reports() {
    let plan = plan("[[interface]]\nname = \"eth0\"", "eth0").unwrap();
    assert!(plan.igmp.passive && !plan.listens);
    assert!(!plan.igmp.groups.permits([239, 1, 1, 1].into()));
    assert_eq!(plan.igmp.role, Role::Router);
}

#[test]
fn m6_a_pattern_does_not_mean_the_loopback() {
    let lo = Device { is_loopback: true, ..device("lo") };
    assert_eq!(Plan::of(&config("[[interface]]\nname = \"*\"\nigmp = {}"), &lo), None);
    assert!(Plan::of(&config("[[interface]]\nname = \"lo\"\nigmp = {}"), &lo).is_some());
    assert!(plan("[[interface]]\nname = \"*\"\nigmp = {}", "eth0").is_some());
}

const ROUTE: &str =
    "[[route]]\nfrom = \"a0\"\nsource = \"10.1.0.7\"\ngroup = \"239.1.1.1\"\nto = [\"b*\", \"c0\"]";

#[test]
fn an_exact_route_is_a_static_membership_where_it_leads_to() {
    let flow = Flow::new([10, 1, 0, 7].into(), [239, 1, 1, 1].into());
    for (name, expected) in [("a0", vec![]), ("b0", vec![flow]), ("c0", vec![flow])] {
        assert_eq!(plan(ROUTE, name).unwrap().igmp.static_memberships, expected, "{name}");
    }
    assert_eq!(plan(ROUTE, "d0"), None);
}

#[test]
fn m9_an_exact_name_decides_between_from_and_to() {
    let of = |from: &str, to: &str| {
        let text = format!("[[route]]\nfrom = \"{from}\"\ngroup = \"239.1.1.1\"\nto = [\"{to}\"]");
        config(&text).routes.remove(0)
    };
    for (from, to, comes, leads) in
        [("a0", "a*", true, false), ("a*", "a0", false, true), ("b0", "a*", false, true)]
    {
        let route = of(from, to);
        assert_eq!(
            (comes_from(&route, "a0"), leads_to(&route, "a0")),
            (comes, leads),
            "{from} {to}"
        );
    }
}

#[test]
fn an_interface_comes_changes_and_goes() {
    let text = "[[interface]]\nname = \"lan0\"\nigmp = {}\nttl-threshold = 9\nnew-flows = 50\n\
                boundaries = [{ scope = \"239.192.0.0/14\", name = \"campus\" }]";
    let (plan, lan0) = (plan(text, "lan0").unwrap(), device("lan0"));
    let begin = steps(None, None, Some(&lan0), Some(&plan));
    assert_eq!(
        names(&begin),
        ["info", "threshold", "scope name", "boundary", "flow limit", "open", "begin"],
        "all is set before the first packet"
    );
    let serving = |device: &Device, plan: &Plan| {
        names(&steps(
            Some(&self::plan(text, "lan0").unwrap()),
            Some(&lan0),
            Some(device),
            Some(plan),
        ))
    };
    assert_eq!(serving(&lan0, &plan), [""; 0], "nothing has changed");
    let down = Device { info: LinkInfo { up: false, ..lan0.info.clone() }, ..lan0.clone() };
    assert_eq!(serving(&down, &plan), ["info"]);
    let plain = self::plan(LAN, "lan0").unwrap();
    assert_eq!(serving(&lan0, &plain), ["threshold", "no boundary", "no flow limit"]);
    let mut without = plain.clone();
    (without.listens, without.igmp.passive) = (false, true);
    assert_eq!(
        names(&steps(Some(&plain), Some(&lan0), Some(&lan0), Some(&without))),
        ["configure", "close"]
    );
    let end = ["unconfigure", "close", "no boundary", "no flow limit", "threshold"];
    assert_eq!(names(&steps(Some(&plan), Some(&lan0), Some(&lan0), None)), end, "unconfigured");
    let gone = names(&steps(Some(&plan), Some(&lan0), None, None));
    assert_eq!(gone, [&["gone"][..], &end[..]].concat());
}

#[test]
fn new_flows_are_limited_by_the_library() {
    let lan0 = device("lan0");
    let limited = |flows| plan(&format!("{LAN}new-flows = {flows}"), "lan0").unwrap();
    let change = |before: &Plan, after: Option<&Plan>| {
        let all = steps(Some(before), Some(&lan0), Some(&lan0), after);
        all.into_iter().filter(|step| matches!(step, Step::FlowLimit(_))).collect::<Vec<_>>()
    };
    let (plain, few, many) = (plan(LAN, "lan0").unwrap(), limited(5), limited(500));
    assert_eq!(change(&plain, Some(&few)), [Step::FlowLimit(Some(5))]);
    assert_eq!(change(&few, Some(&many)), [Step::FlowLimit(Some(500))]);
    assert_eq!(change(&many, Some(&many)), []);
    assert_eq!(change(&many, Some(&plain)), [Step::FlowLimit(None)]);
    assert_eq!(change(&many, None), [Step::FlowLimit(None)]);
    assert_eq!(change(&plain, None), []);
}

#[test]
fn i10_the_addresses_of_all_devices_are_told() {
    let other = device("other");
    assert_eq!(names(&steps(None, None, Some(&other), None)), ["info"]);
    let mut bare = other.clone();
    bare.info.addresses.clear();
    assert_eq!(names(&steps(None, None, Some(&bare), None)), [""; 0], "it matters to nobody");
    assert_eq!(names(&steps(None, Some(&other), Some(&bare), None)), ["info"]);
    assert_eq!(names(&steps(None, Some(&other), None, None)), ["gone"]);
}

#[test]
fn a_reload_that_names_a_known_device_tells_all_of_it() {
    let (plan, mut lan0) = (plan(LAN, "lan0").unwrap(), device("lan0"));
    lan0.info.addresses.clear();
    let begin = steps(None, Some(&lan0), Some(&lan0), Some(&plan));
    assert_eq!(names(&begin), ["info", "open", "begin"]);
}
