//! The first message on a connection.

use super::link::Role;
use super::outlet::Events;
use super::process::{next_session, Process};
use super::requests::Holdings;
use super::service::Service;
use crate::hello::{greeting, read_greeting, Hello, Welcome};
use mgm_linux::channel::Peer;
use mgm_manager::PeerProcess;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// How many call connections a process may have. Threads beyond that take turns.
const CALLS: usize = 64;

impl Service {
    /// Reads the greeting of a connection, and answers it. The error is the reason for a refusal.
    pub(super) fn greet(&mut self, token: u64, message: &[u8]) -> Result<(), String> {
        let (_, hello) = read_greeting::<Hello>(message).map_err(|bad| bad.to_string())?;
        let Some(link) = self.links.get(&token) else { return Ok(()) };
        match hello {
            Hello::Process { name } => {
                let peer = link.connection().peer().map_err(|error| error.to_string())?;
                self.welcome_process(token, peer, name)
            }
            Hello::Calls { session, token: secret } => self.welcome_calls(token, session, secret),
        }
    }

    fn welcome_process(&mut self, token: u64, peer: Peer, name: String) -> Result<(), String> {
        if self.processes.len() >= self.limits.processes {
            return Err(format!(
                "{} processes are connected, and no more are permitted: end one of them first",
                self.processes.len()
            ));
        }
        let of_user = self.processes.values().filter(|process| process.peer.uid == peer.uid);
        let most = self.limits.user_processes;
        if of_user.count() >= most {
            return Err(format!(
                "{most} processes of user {} are connected, and no more are permitted: end one of \
                 them first, or raise the limit on the processes of a user",
                peer.uid
            ));
        }
        let session = next_session();
        let secret = RandomState::new().hash_one(session);
        let name: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
        let there = PeerProcess { pid: peer.pid, user: peer.uid, name: name.clone() };
        let events =
            Events::new(session, there, Arc::clone(&self.changed), Arc::clone(&self.poller));
        let process = Process {
            name,
            peer,
            token: secret,
            events: token,
            calls: Vec::new(),
            holdings: Holdings::new(Arc::new(events)),
        };
        log::info!("{} has connected", process.who());
        self.processes.insert(session, process);
        let answer_ms = self.limits.answer_ms;
        self.accept(
            token,
            Role::Events(session),
            &Welcome::Welcome { session, token: secret, answer_ms },
        );
        Ok(())
    }

    fn welcome_calls(&mut self, token: u64, session: u64, secret: u64) -> Result<(), String> {
        // The token alone decides: only the event connection of the process carries it, and nobody
        // can guess 64 random bits. The user may have changed: many daemons connect as root, and
        // give up its rights before they start threads.
        let is_full = self.links.len() > self.most_links.saturating_sub(self.kept_links());
        let process = self.processes.get_mut(&session);
        let process = process.filter(|process| process.token == secret);
        let process = process.ok_or("no such process is connected")?;
        if process.calls.len() >= CALLS {
            return Err(format!("a process can have at most {CALLS} call connections"));
        }
        if !process.calls.is_empty() && is_full {
            return Err("too many call connections are open: raise the limit on open files".into());
        }
        process.calls.push(token);
        let answer_ms = self.limits.answer_ms;
        self.accept(
            token,
            Role::Calls(session),
            &Welcome::Welcome { session, token: secret, answer_ms },
        );
        Ok(())
    }

    /// How many connections are kept for processes that may still connect: two for each, at most
    /// half of all. Further call connections of a process may not use them.
    fn kept_links(&self) -> usize {
        let to_come = self.limits.processes.saturating_sub(self.processes.len());
        (2 * to_come).min(self.most_links / 2)
    }

    fn accept(&mut self, token: u64, role: Role, welcome: &Welcome) {
        if let Some(link) = self.links.get_mut(&token) {
            link.role = role;
            link.send(|to| to.extend_from_slice(&greeting(welcome)));
        }
    }
}
