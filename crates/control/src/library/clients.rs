//! The clients of a library, from its status.

use crate::clients::{Answers, Client, ClientInterface, Clients, Process, State};
use crate::request::ClientsQuery;
use crate::PageBuilder;
use serde::Deserialize;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The protocol id of IGMP.
const IGMP: u32 = 10;

/// The members of a status that are needed here (docs/status.schema.json).
#[derive(Deserialize)]
struct Status {
    clients: Vec<ClientStatus>,
    interfaces: Vec<InterfaceStatus>,
}

#[derive(Deserialize)]
struct ClientStatus {
    serial: u64,
    protocol: u32,
    component: u32,
    queued: u64,
    noted: u64,
    behind: bool,
    process: Option<ProcessStatus>,
}

#[derive(Deserialize)]
struct ProcessStatus {
    pid: i32,
    user: u32,
    name: String,
    unacknowledged: u64,
    answers: Option<Answers>,
    absent: bool,
    ended: bool,
    grace_ends_in_ms: Option<u64>,
}

#[derive(Deserialize)]
struct InterfaceStatus {
    index: u32,
    next_hop: Option<Ipv4Addr>,
    owner: Option<u64>,
    igmp: Option<u64>,
}

/// The clients of a status that `query` asks for. `name` returns the name of an interface.
///
/// # Errors
/// The text is not the status of a library.
pub fn clients(
    status: &str,
    query: &ClientsQuery,
    name: impl Fn(u32) -> Option<String>,
) -> serde_json::Result<Clients> {
    let mut status: Status = serde_json::from_str(status)?;
    status.clients.sort_by_key(|client| client.serial);
    let mut taken: HashMap<u64, Vec<ClientInterface>> = HashMap::new();
    for InterfaceStatus { index, next_hop, owner, igmp } in status.interfaces {
        for client in owner.into_iter().chain(igmp) {
            let interface = ClientInterface { interface: name(index), index, next_hop };
            taken.entry(client).or_default().push(interface);
        }
    }
    let first = query.page.after.map_or(0, |after| after.saturating_add(1));
    let mut page = PageBuilder::new(query.page.limit);
    for client in status.clients.into_iter().filter(|client| client.serial >= first) {
        let interfaces = taken.remove(&client.serial).unwrap_or_default();
        let parts = 1 + interfaces.len();
        if !page.push(client.with(interfaces), parts) {
            break;
        }
    }
    let (clients, more) = page.finish();
    let next = clients.last().filter(|_| more).map(|last: &Client| last.number.to_string());
    Ok(Clients { clients, next })
}

impl ClientStatus {
    fn with(self, interfaces: Vec<ClientInterface>) -> Client {
        Client {
            number: self.serial,
            name: match self.protocol {
                IGMP => "igmp".into(),
                protocol => format!("protocol {protocol}"),
            },
            protocol: self.protocol,
            component: self.component,
            process: self.process.map(Process::from),
            interfaces,
            waiting: self.queued + self.noted,
            behind: self.behind,
        }
    }
}

impl From<ProcessStatus> for Process {
    fn from(process: ProcessStatus) -> Process {
        let state = match (process.grace_ends_in_ms, process.ended, process.absent) {
            (Some(_), _, _) => State::Grace,
            (None, true, _) => State::Ended,
            (None, false, true) => State::Absent,
            (None, false, false) => State::Active,
        };
        Process {
            pid: process.pid,
            name: process.name,
            user: process.user,
            unacknowledged: process.unacknowledged,
            answers: process.answers,
            state,
            grace_ends_in_ms: process.grace_ends_in_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Page;

    fn status(process: &str) -> String {
        let client = |serial: u64, process: &str| {
            format!(
                r#"{{"serial":{serial},"protocol":{},"component":7,"queued":3,"noted":2,
                "behind":true,"running":false,"process":{process}}}"#,
                if serial == 1 { 10 } else { 200 }
            )
        };
        format!(
            r#"{{"running":true,"clients":[{},{},{}],"interfaces":[
            {{"index":3,"name":null,"next_hop":null,"owner":2,"igmp":1}},
            {{"index":4,"name":null,"next_hop":"10.0.0.9","owner":2,"igmp":null}}]}}"#,
            client(5, "null"),
            client(2, process),
            client(1, "null"),
        )
    }

    fn process(more: &str) -> String {
        format!(
            r#"{{"pid":812,"user":100,"name":"pimd","unacknowledged":4,{more},
            "answers":{{"count":9,"median_us":85,"worst_us":1200}}}}"#
        )
    }

    fn of(status: &str, query: &ClientsQuery) -> Clients {
        let name = |index| (index == 3).then(|| "eth1".to_owned());
        clients(status, query, name).expect("the status is valid")
    }

    #[test]
    fn t9_10_a_client_has_its_process_its_interfaces_and_its_latency() {
        let status = status(&process(r#""absent":false,"ended":false"#));
        let all = of(&status, &ClientsQuery::default());
        let numbers: Vec<u64> = all.clients.iter().map(|client| client.number).collect();
        assert_eq!((numbers, all.next), (vec![1, 2, 5], None));
        let [igmp, pim, other] = &all.clients[..] else { panic!("three clients") };
        assert_eq!((igmp.name.as_str(), igmp.protocol, igmp.component), ("igmp", 10, 7));
        assert_eq!((pim.name.as_str(), other.name.as_str()), ("protocol 200", "protocol 200"));
        assert_eq!((igmp.interfaces.len(), other.interfaces.len()), (1, 0));
        assert_eq!((pim.waiting, pim.behind), (5, true));
        let names: Vec<_> =
            pim.interfaces.iter().map(|one| (one.interface.as_deref(), one.index)).collect();
        assert_eq!(names, [(Some("eth1"), 3), (None, 4)]);
        assert_eq!(pim.interfaces[1].next_hop, Some(Ipv4Addr::new(10, 0, 0, 9)));
        let process = pim.process.as_ref().expect("it is in another process");
        assert_eq!((process.pid, process.user, process.name.as_str()), (812, 100, "pimd"));
        assert_eq!((process.unacknowledged, process.state), (4, State::Active));
        let answers = process.answers.expect("it has answered");
        assert_eq!((answers.count, answers.median_us, answers.worst_us), (9, 85, 1200));
        assert!(igmp.process.is_none());
    }

    #[test]
    fn t9_10_the_state_of_a_client_is_that_of_its_process() {
        for (members, state, grace) in [
            (r#""absent":true,"ended":false"#, State::Absent, None),
            (r#""absent":false,"ended":true"#, State::Ended, None),
            (r#""absent":false,"ended":true,"grace_ends_in_ms":70"#, State::Grace, Some(70)),
            (r#""absent":false,"ended":false,"grace_ends_in_ms":null"#, State::Active, None),
        ] {
            let all = of(&status(&process(members)), &ClientsQuery::default());
            let process = all.clients[1].process.as_ref().expect("a process");
            assert_eq!((process.state, process.grace_ends_in_ms), (state, grace), "{members}");
        }
    }

    #[test]
    fn the_pages_of_clients_together_are_the_whole_list() {
        let status = status("null");
        let (mut after, mut numbers) = (None, Vec::new());
        loop {
            let page = of(&status, &ClientsQuery { page: Page { after, limit: 2 } });
            numbers.extend(page.clients.iter().map(|client| client.number));
            let Some(next) = page.next else { break };
            after = next.parse().ok();
        }
        assert_eq!(numbers, [1, 2, 5]);
    }
}
