//! A router that serves client processes at a socket of its own, and a client without callbacks.

use mgm_engine::{Notice, NoticeKind};
use mgm_manager::{Callbacks, ForwarderChoice, Manager, Settings};
use mgm_remote::server::{Access, Limits, Server};
use std::path::PathBuf;

/// A client with no callbacks.
pub struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

/// A router with the memory forwarder.
pub struct Served {
    pub manager: Manager,
    pub server: Server,
    pub path: PathBuf,
}

impl Served {
    pub fn new(name: &str, access: Access, limits: Limits) -> Served {
        let path = std::env::temp_dir().join(format!("mgm-{name}-{}", std::process::id()));
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let server = Server::open(&manager, &path, access, limits).unwrap();
        Served { manager, server, path }
    }

    pub fn end(self) {
        self.server.close();
        self.manager.stop().unwrap();
    }
}
