//! The control socket: HTTP and JSON at a UNIX socket, for mgmctl. docs/control.md documents it.
//!
//! ```text
//!   clients ═══ socket ═══► service (thread mgmd-control) ──► Inbox ──► the router's event loop
//!                              │      ▲                                        │
//!                              ▼      └─────────── Asked::answer ◄─────────────┘
//!                           flows (thread mgmd-flows), which reads the library's status
//! ```
//! - `socket`: creates the file, decides who may connect, and replaces a file that was left
//!   behind. `lock`: of several processes that start at the same time, only one does that.
//! - `service`: one thread with `poll` for all connections, so that a slow client does not delay
//!   the router. `connection`: one connection, with a deadline for each thing that it waits for.
//! - `mailbox`: passes requests to the event loop, and the answers back. A request whose client no
//!   longer waits is not carried out.
//! - `explain`: finds out what the system and the library know about one flow. `evidence`: what
//!   that is.
//! - `flows`: the list of flows, made from the library's status. Reading a million MFEs takes some
//!   0.3 s, so neither the event loop nor `service` does it.
//!
//! The event loop polls the [`Inbox`] and answers each [`Asked`] within 5 s. An answer that is a
//! list is one page, which [`mgm_control::PageBuilder`] collects. Before [`Server::open`], block
//! the signals that the event loop handles, because the new threads inherit the mask.

mod connection;
mod evidence;
mod explain;
mod flows;
mod limits;
mod lock;
mod mailbox;
mod server;
mod service;
mod socket;
mod stop;
#[cfg(test)]
mod tests;

pub use evidence::{Evidence, ExplainReader, KernelState};
pub use explain::name;
pub use limits::Limits;
pub use mailbox::{Asked, Inbox};
pub use server::{Options, Server};

use mgm_control::{Answer, Failure};

/// What the router answers to a request.
pub type Outcome = Result<Answer, Failure>;

/// Reads the status of the library with its MFEs, as JSON: `mgm_client::host::status`. It is
/// called on the thread `mgmd-flows`. The error is a line for the client.
pub type StatusReader = Box<dyn Fn() -> Result<String, String> + Send>;
