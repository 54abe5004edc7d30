//! A daemon that connects as root, and gives up its rights afterwards. Alone in its program, because
//! the user is one of all threads.
#![cfg(target_os = "linux")]

use mgm_engine::{Notice, NoticeKind};
use mgm_manager::{Callbacks, ForwarderChoice, Manager, Settings};
use mgm_remote::client::Router;
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::Interface;
use nix::unistd::{geteuid, seteuid, Uid};

struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

#[test]
fn t9_10_a_process_that_has_changed_its_user_can_open_call_connections() {
    if !geteuid().is_root() {
        return; // only root can become another user
    }
    let path = std::env::temp_dir().join(format!("mgm-other-user-{}", std::process::id()));
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let access = Access { mode: 0o666, ..Access::OWN };
    let server = Server::open(&manager, &path, access, Limits::default()).unwrap();
    let router = Router::connect(&path).expect("root connects");
    seteuid(Uid::from_raw(65_534)).unwrap();
    // The first call opens a call connection.
    let registered = router.register(Box::new(Deaf), 1, 0);
    let taken = registered.and_then(|client| router.take(client, Interface::link(1)));
    seteuid(Uid::from_raw(0)).unwrap();
    taken.expect("its token proves that it is the same process");
    router.disconnect().unwrap();
    server.close();
    manager.stop().unwrap();
}
