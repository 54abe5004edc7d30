//! Opens and closes the control socket.

use super::evidence::ExplainReader;
use super::explain::Explainers;
use super::flows::FlowList;
use super::limits::Limits;
use super::mailbox::{event, mailbox};
use super::service::Service;
use super::socket::{self, SocketFile};
use super::stop::Stop;
use super::{Inbox, StatusReader};
use crate::log::Log;
use nix::sys::eventfd::EfdFlags;
use nix::unistd::geteuid;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// How to open the control socket.
pub struct Options {
    /// Its file.
    pub path: PathBuf,
    /// The group whose members may connect, if it exists.
    pub group: String,
    /// The user that may make changes, in addition to root: the
    /// user of this process.
    pub user: u32,
    /// The limits for clients.
    pub limits: Limits,
    /// Reads the flows.
    pub status: StatusReader,
    /// Explains a flow.
    pub explain: ExplainReader,
    /// The multicast routing table of the kernel; `None` with the memory forwarder.
    pub table: Option<u32>,
    /// The log.
    pub log: Arc<Log>,
}

impl Options {
    /// The socket of mgmd at this path.
    #[must_use]
    pub fn new(
        path: PathBuf,
        status: StatusReader,
        explain: ExplainReader,
        log: Arc<Log>,
    ) -> Options {
        let (group, limits) = ("mgm".into(), Limits::default());
        let user = geteuid().as_raw();
        Options { path, group, user, limits, status, explain, table: None, log }
    }
}

/// The control socket. Dropping it closes all connections, ends its threads and removes the file.
#[derive(Debug)]
pub struct Server {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    /// Dropped after the threads have ended.
    _file: SocketFile,
}

impl Server {
    /// Opens the socket and begins to serve clients. The event loop has to answer the requests in
    /// the inbox.
    ///
    /// # Errors
    /// One line with the path, and what to do: another process listens there, the file is not a
    /// socket, or the system refuses the socket or a thread.
    pub fn open(options: Options) -> Result<(Server, Inbox), String> {
        let (listener, file) = socket::listen(&options.path, &options.group, &options.log)?;
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!(
                "{}: the control socket cannot be served without {what}: {error}",
                options.path.display()
            )
        };
        let events = |error| failed("an event of the kernel", &error);
        let (router, inbox) = mailbox().map_err(events)?;
        let wake = Arc::new(event(EfdFlags::empty()).map_err(events)?);
        let stop = Stop::new(Arc::clone(&wake));
        let (flows, list) = FlowList::new(options.status);
        let explainers = Explainers {
            library: options.explain,
            table: options.table,
            router: router.clone(),
            stop: stop.clone(),
            running: Arc::default(),
        };
        let service = Service {
            listener,
            connections: Vec::new(),
            router,
            flows,
            explainers,
            wake,
            user: options.user,
            limits: options.limits,
            stop: stop.clone(),
            log: options.log,
        };
        let thread = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let started = Builder::new().name(name.into()).spawn(run);
            started.map_err(|error| failed("a thread", &error))
        };
        // If the second thread cannot be started, the first one ends, because its sender is
        // dropped.
        let threads = vec![
            thread("mgmd-flows", Box::new(move || list.run()))?,
            thread("mgmd-control", Box::new(move || service.run()))?,
        ];
        Ok((Server { stop, threads, _file: file }, inbox))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.raise();
        for thread in self.threads.drain(..) {
            // A panic there is in the log already.
            thread.join().ok();
        }
    }
}
