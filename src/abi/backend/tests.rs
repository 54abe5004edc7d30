use super::*;
use crate::engine::{Notice, NoticeKind};
use crate::manager::{Detail, ForwarderChoice, Settings};
use crate::remote::server::{Access, Limits, Server};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A router in this process, to which only one test at a time connects the process.
pub struct TestRouter {
    pub manager: Manager,
    pub path: PathBuf,
    server: Server,
    _only: MutexGuard<'static, ()>,
}

impl TestRouter {
    pub fn open() -> TestRouter {
        static ONLY: Mutex<()> = Mutex::new(());
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let path = std::env::temp_dir().join(format!("mgm-abi-{}", std::process::id()));
        let server = Server::open(&manager, &path, Access::OWN, Limits::default()).unwrap();
        TestRouter { manager, path, server, _only: only }
    }
}

impl Drop for TestRouter {
    fn drop(&mut self) {
        client::disconnect().unwrap();
        self.server.close();
        self.manager.stop().unwrap();
    }
}

/// A client without callbacks.
pub struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

#[test]
fn t9_1_t9_8_the_grace_of_the_environment_counts_if_the_host_names_the_router() {
    let router = TestRouter::open();
    std::env::set_var("MGM_GRACE", "301");
    let refusal = start_as_client(Some(router.path.clone())).unwrap_err();
    assert!(refusal.to_string().contains("MGM_GRACE"), "{refusal}");
    std::env::set_var("MGM_GRACE", "60");
    assert_eq!(start_as_client(Some(router.path.clone())), Ok(true));
    manager::set_router(None);
    std::env::remove_var("MGM_GRACE");
    register(Box::new(Deaf), 2, 0).unwrap();
    client::disconnect().unwrap();
    let stays = || {
        let clients = router.manager.status(Detail::SUMMARY).clients;
        clients
            .iter()
            .any(|one| one.process.as_ref().is_some_and(|is| is.grace_ends_in_ms.is_some()))
    };
    for _ in 0..2000 {
        if stays() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the state does not stay");
}
