//! The router that answers at a socket: mgmd at its control socket, or another program with the
//! library at its status socket. The first answer shows which of the two it is.

use crate::arguments::Socket;
use crate::failed::Failed;
use mgm_control::client::{Client, ClientError, Detail};
use mgm_control::explain::Explanation;
use mgm_control::flows::Flows;
use mgm_control::library::{self, Summary};
use mgm_control::request::{ExplainQuery, FlowsQuery};
use mgm_control::status::Status;
use mgm_control::{Page, Request, Versioned};
use serde_json::Value;

/// A connection to a router.
#[derive(Debug)]
pub struct Router {
    socket: Socket,
    client: Client,
    /// The socket is the status socket of a library.
    is_library: bool,
}

/// An answer, as JSON.
#[derive(Debug)]
pub enum Answer {
    /// Of mgmd. The flows of a library have the same form.
    Mgmd(String),
    /// The status of a library, without memberships and flows.
    Library(String),
}

/// The router as a whole.
#[derive(Debug)]
pub enum Overview {
    Mgmd(Box<Status>),
    Library(Box<Summary>),
}

impl Router {
    /// Does not connect yet.
    pub fn new(socket: Socket) -> Router {
        Router { client: Client::new(&socket.path), socket, is_library: false }
    }

    /// Sends a request, and returns the answer: of a long list, one page. The flows of a library
    /// come in one page.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, Failed> {
        if let Some(json) = self.ask_mgmd(request)? {
            return Ok(Answer::Mgmd(json));
        }
        match request {
            Request::Flows(query) => {
                let (_, flows) = self.library(query)?;
                Ok(Answer::Mgmd(Versioned::new(flows).to_json()))
            }
            Request::Clients(query) => {
                let status = self.client.library_status(Detail::Summary)?;
                let names = Summary::read(&status).map_err(Failed::Answer)?.names();
                let clients = library::clients(&status, query, |index| names.get(&index).cloned());
                let clients = clients.map_err(Failed::Answer)?;
                Ok(Answer::Mgmd(Versioned::new(clients).to_json()))
            }
            Request::Explain(query) => {
                let explanation = self.explanation(query)?;
                Ok(Answer::Mgmd(Versioned::new(explanation).to_json()))
            }
            _ => Ok(Answer::Library(self.client.library_status(Detail::Summary)? + "\n")),
        }
    }

    /// The router as a whole, and all pages of its flows.
    pub fn look(&mut self, query: &FlowsQuery) -> Result<(Overview, Flows), Failed> {
        let Some(json) = self.ask_mgmd(&Request::Status)? else {
            let (summary, flows) = self.library(query)?;
            return Ok((Overview::Library(Box::new(summary)), flows));
        };
        let status: Versioned<Status> = serde_json::from_str(&json).map_err(Failed::Answer)?;
        Ok((Overview::Mgmd(Box::new(status.answer)), self.all_flows(query)?))
    }

    /// All pages of the flows.
    pub fn all_flows(&mut self, query: &FlowsQuery) -> Result<Flows, Failed> {
        let (mut whole, mut request) = (Flows::default(), Request::Flows(query.clone()));
        loop {
            let Some(json) = self.ask_mgmd(&request)? else { return Ok(self.library(query)?.1) };
            let page: Versioned<Flows> = serde_json::from_str(&json).map_err(Failed::Answer)?;
            whole.total = page.answer.total;
            whole.flows.extend(page.answer.flows);
            if !turn_page(&mut request, &json) {
                return Ok(whole);
            }
        }
    }

    /// The answer of mgmd; `None` if a library listens that has an answer, too.
    fn ask_mgmd(&mut self, request: &Request) -> Result<Option<String>, Failed> {
        let has_answer = matches!(
            request,
            Request::Status | Request::Flows(_) | Request::Clients(_) | Request::Explain(_)
        );
        if self.is_library && has_answer {
            return Ok(None);
        }
        match self.client.ask_json(request) {
            Ok(json) => Ok(Some(json)),
            Err(ClientError::StatusSocket(_)) if has_answer => {
                self.is_library = true;
                Ok(None)
            }
            Err(ClientError::NotRunning(path)) if self.socket.may_be_library => {
                Err(Failed::NoLibrary(path))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The explanation of a flow by a library, which knows no packets.
    fn explanation(&mut self, query: &ExplainQuery) -> Result<Explanation, Failed> {
        let arrival = match &query.from {
            None => None,
            Some(from) => {
                let status = self.client.library_status(Detail::Summary)?;
                let names = Summary::read(&status).map_err(Failed::Answer)?.names();
                let index = names.iter().find(|(_, name)| *name == from.as_str());
                let unknown = || Failed::Arguments(format!("no client has taken {from}"));
                Some(*index.ok_or_else(unknown)?.0)
            }
        };
        let json = self.client.library_explanation((query.source, query.group), arrival)?;
        let read = || {
            let mut explanation = Explanation::of_library(serde_json::from_str(&json)?)?;
            explanation.judge()?;
            Ok(explanation)
        };
        read().map_err(Failed::Answer)
    }

    /// The status and the flows of a library.
    fn library(&mut self, query: &FlowsQuery) -> Result<(Summary, Flows), Failed> {
        let status = self.client.library_status(Detail::Whole)?;
        let summary = Summary::read(&status).map_err(Failed::Answer)?;
        let names = summary.names();
        let query =
            FlowsQuery { page: Page { after: None, limit: usize::MAX / 4 }, ..query.clone() };
        let flows = library::flows(&status, &query, |index| names.get(&index).cloned());
        Ok((summary, flows.map_err(Failed::Answer)?))
    }
}

/// Changes the request into that for the next page, if there is one.
pub fn turn_page(request: &mut Request, json: &str) -> bool {
    let answer: Value = serde_json::from_str(json).unwrap_or_default();
    let Some(next) = answer["next"].as_str() else { return false };
    match request {
        Request::Interfaces(query) | Request::Igmp(query) => turn(&mut query.page, next),
        Request::Groups(query) => turn(&mut query.page, next),
        Request::Flows(query) => turn(&mut query.page, next),
        Request::Clients(query) => turn(&mut query.page, next),
        _ => false,
    }
}

fn turn<K: std::str::FromStr + PartialEq>(page: &mut Page<K>, next: &str) -> bool {
    let next = next.parse().ok();
    let moves = next.is_some() && next != page.after;
    page.after = next;
    moves
}
