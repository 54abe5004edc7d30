//! Requests as they are written and read.

use super::*;

fn read(method: &str, target: &str, body: &str) -> Result<Request, Failure> {
    Request::read(method, target, body.as_bytes())
}

fn refused(method: &str, target: &str, body: &str) -> String {
    let failure = read(method, target, body).expect_err(target);
    assert_eq!(failure.code, crate::ErrorCode::Invalid, "{target}");
    failure.message
}

fn interface() -> InterfaceName {
    "eth0.4".parse().expect("a name")
}

fn some_requests() -> Vec<Request> {
    let group = Ipv4Addr::new(239, 1, 1, 1);
    let source = Ipv4Addr::new(10, 1, 1, 1);
    let odd = InterfaceName::try_from("a%20&=+#?é".to_owned()).expect("a name");
    let page = Page { after: Some(odd.clone()), limit: 7 };
    let groups = GroupKey { interface: odd.clone(), group };
    let flows = FlowKey { group, source };
    let membership = |source| Membership { interface: interface(), source, group };
    let mut requests = vec![
        Request::Status,
        Request::Interfaces(InterfacesQuery::default()),
        Request::Interfaces(InterfacesQuery { interface: Some(odd.clone()), page: page.clone() }),
        Request::Igmp(InterfacesQuery { interface: Some(interface()), page: Page::default() }),
        Request::Igmp(InterfacesQuery { interface: None, page }),
        Request::Groups(GroupsQuery::default()),
        Request::Groups(GroupsQuery {
            interface: Some(odd),
            group: Some(group),
            hosts: true,
            page: Page { after: Some(groups), limit: 10_000 },
        }),
        Request::Flows(FlowsQuery::default()),
        Request::Flows(FlowsQuery {
            group: Some(group),
            source: Some(source),
            page: Page { after: Some(flows), limit: 1 },
        }),
        Request::Clients(ClientsQuery::default()),
        Request::Clients(ClientsQuery { page: Page { after: Some(12), limit: 5 } }),
        Request::Explain(ExplainQuery::new(source, group)),
        Request::Explain(ExplainQuery {
            from: Some(interface()),
            listen_ms: 4_000,
            ..ExplainQuery::new(source, group)
        }),
        Request::Proxies,
        Request::Routes,
        Request::Join(membership(None)),
        Request::Leave(membership(Some(source))),
        Request::Reload,
    ];
    requests.extend(LogLevel::ALL.map(Request::LogLevel));
    requests
}

#[test]
fn what_is_written_is_read_as_the_same_request() {
    for request in some_requests() {
        let Written { method, target, body } = request.write();
        let again = read(method, &target, body.as_deref().unwrap_or_default());
        assert_eq!(again, Ok(request), "{method} {target}");
    }
}

#[test]
fn every_path_has_a_request_and_only_changes_are_posted() {
    let requests = some_requests();
    for endpoint in ENDPOINTS {
        let of_path = |written: &Written| written.target.split('?').next() == Some(endpoint.path);
        let request = requests.iter().find(|request| of_path(&request.write()));
        let request = request.unwrap_or_else(|| panic!("{} has no request", endpoint.path));
        assert_eq!(request.write().method, endpoint.method);
        assert_eq!(request.is_change(), endpoint.method == "POST");
        assert_eq!(request.write().body.is_some(), endpoint.has_body);
    }
}

#[test]
fn an_unknown_path_is_answered_with_all_paths() {
    for target in ["/", "/v1", "/v2/status", "/v1/status/", "*", "/v1/stat?x=1"] {
        let failure = read("GET", target, "").expect_err(target);
        assert_eq!(failure.code, crate::ErrorCode::UnknownPath);
        assert_eq!(failure.details.len(), ENDPOINTS.len());
        assert_eq!(failure.details[0], "GET /v1/status: the router as a whole");
    }
}

#[test]
fn a_wrong_method_is_answered_with_the_right_one() {
    for endpoint in ENDPOINTS {
        for method in ["GET", "POST", "HEAD", "PUT", "get"] {
            if method != endpoint.method {
                let failure = read(method, endpoint.path, "").expect_err(endpoint.path);
                assert_eq!(failure.code, crate::ErrorCode::WrongMethod);
                assert!(failure.message.ends_with(&format!("use {}", endpoint.method)));
            }
        }
    }
}

#[test]
fn a_wrong_parameter_is_answered_with_what_is_allowed() {
    let cases = [
        ("/v1/status?x=1", "unknown parameter \"x\": this path has none"),
        ("/v1/interfaces?grop=1", "unknown parameter \"grop\": use interface, after, limit"),
        ("/v1/interfaces?limit=5&limit=6", "parameter limit is given twice"),
        ("/v1/igmp?interface=", "use the name of an interface, such as eth1"),
        ("/v1/igmp?interface=a/b", "use the name of an interface, such as eth1"),
        ("/v1/igmp?interface=abcdefghijklmnop", "use the name of an interface"),
        ("/v1/igmp?limit=0", "use a whole number from 1 to 10000"),
        ("/v1/groups?limit=10001", "use a whole number from 1 to 10000"),
        ("/v1/groups?limit=-1", "use a whole number from 1 to 10000"),
        ("/v1/groups?hosts=yes", "use true or false"),
        ("/v1/groups?after=239.1.1.1", "use the value of \"next\""),
        ("/v1/flows?group=239.1.1", "use an IPv4 address, such as 239.1.1.1"),
        ("/v1/flows?source=ff::1", "use an IPv4 address, such as 10.1.1.1"),
        ("/v1/flows?after=239.1.1.1", "use the value of \"next\""),
        ("/v1/explain?group=239.1.1.1", "the parameter source is missing: use an IPv4 address"),
        ("/v1/explain?source=10.1.1.1", "the parameter group is missing: use an IPv4 address"),
        ("/v1/explain?source=10.1.1.1&group=10.1.1.2", "use a group, such as 239.1.1.1"),
        ("/v1/explain?source=0.0.0.0&group=239.1.1.1", "use the address of a host"),
        ("/v1/explain?source=10.1.1.1&group=239.1.1.1&from=a/b", "the name of an interface"),
        ("/v1/explain?source=10.1.1.1&group=239.1.1.1&listen_ms=4001", "from 0 to 4000"),
        ("/v1/explain?source=10.1.1.1&group=239.1.1.1&listen_ms=x", "from 0 to 4000"),
    ];
    for (target, allowed) in cases {
        let message = refused("GET", target, "");
        assert!(message.contains(allowed), "{target}: {message}");
    }
}

#[test]
fn a_wrong_body_is_answered_with_what_is_allowed() {
    let membership = "use {\"interface\": \"eth1\", \"group\": \"239.1.1.1\"}";
    let cases = [
        ("/v1/join", "", membership),
        ("/v1/join", "[]", membership),
        ("/v1/join", "{\"interface\":\"eth1\"}", membership),
        ("/v1/join", "{\"interface\":\"eth1\",\"group\":\"239.1.1.1\",\"x\":1}", membership),
        ("/v1/join", "{\"interface\":\"\",\"group\":\"239.1.1.1\"}", membership),
        ("/v1/leave", "{\"interface\":\"eth1\",\"group\":\"239.1.1.1\"} x", membership),
        (
            "/v1/join",
            "{\"interface\":\"eth1\",\"group\":\"10.1.1.1\"}",
            "use a group from 224.0.1.0",
        ),
        (
            "/v1/join",
            "{\"interface\":\"eth1\",\"group\":\"224.0.0.5\"}",
            "use a group from 224.0.1.0",
        ),
        (
            "/v1/join",
            "{\"interface\":\"eth1\",\"group\":\"239.1.1.1\",\"source\":\"224.1.1.1\"}",
            "use the address of a host",
        ),
        ("/v1/log", "{\"level\":\"loud\"}", "off, error, warn, info, debug, trace"),
        ("/v1/log", "", "use {\"level\": LEVEL}"),
        ("/v1/reload", "{}", "send no body"),
    ];
    for (target, body, allowed) in cases {
        let message = refused("POST", target, body);
        assert!(message.contains(allowed), "{target} {body}: {message}");
    }
    assert!(refused("GET", "/v1/status", "{}").contains("send no body"));
}

#[test]
fn keys_have_the_order_of_the_lists() {
    let key = |text: &str| text.parse::<FlowKey>().expect(text);
    assert!(key("239.1.1.1/10.0.0.9") < key("239.1.1.1/10.0.0.10"));
    assert!(key("239.1.1.1/10.0.0.9") < key("239.1.1.2/10.0.0.1"));
    let key = |text: &str| text.parse::<GroupKey>().expect(text);
    assert!(key("eth1/239.1.1.9") < key("eth1/239.1.1.10"));
    assert!(key("eth1/239.1.1.9") < key("eth2/239.1.1.1"));
}
