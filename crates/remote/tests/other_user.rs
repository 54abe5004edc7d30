//! Processes of several users. Alone in their program, because the user is one of all threads.
#![cfg(target_os = "linux")]

mod served;

use mgm_remote::client::Router;
use mgm_remote::server::{Access, Limits};
use mgm_types::{Interface, Refusal};
use nix::unistd::{geteuid, seteuid, Uid};
use parking_lot::{Mutex, MutexGuard};
use served::{Deaf, Served};

const OTHER: u32 = 65_534;

/// One test at a time changes the user.
static USER: Mutex<()> = Mutex::new(());

/// A router that everybody can connect to, and the turn of its test. `None` if this process cannot
/// become another user.
fn served(limits: Limits) -> Option<(Served, MutexGuard<'static, ()>)> {
    let alone = USER.lock();
    if !geteuid().is_root() {
        return None;
    }
    let access = Access { mode: 0o666, ..Access::OWN };
    Some((Served::new("other-user", access, limits), alone))
}

/// Makes calls as another user.
fn as_other<T>(body: impl FnOnce() -> T) -> T {
    seteuid(Uid::from_raw(OTHER)).unwrap();
    let result = body();
    seteuid(Uid::from_raw(0)).unwrap();
    result
}

/// A daemon that connects as root, and gives up its rights afterwards.
#[test]
fn t9_10_a_process_that_has_changed_its_user_can_open_call_connections() {
    let Some((served, _alone)) = served(Limits::default()) else { return };
    let router = Router::connect(&served.path).expect("root connects");
    // The first call opens a call connection.
    let taken = as_other(|| {
        let registered = router.register(Box::new(Deaf), 1, 0);
        registered.and_then(|client| router.take(client, Interface::link(1)))
    });
    taken.expect("its token proves that it is the same process");
    router.disconnect().unwrap();
    served.end();
}

#[test]
fn t9_11_a_user_can_have_only_so_many_processes() {
    let limits = Limits { processes: 3, user_processes: 2, ..Limits::default() };
    let Some((served, _alone)) = served(limits) else { return };
    let connect = || Router::connect(&served.path);
    let refused = |more: Result<Router, Refusal>| match more.map(drop) {
        Err(Refusal::Router(why)) => why,
        other => panic!("{other:?}"),
    };
    let one = as_other(connect).expect("the first process of the user");
    let two = as_other(connect).expect("the second one");
    let why = refused(as_other(connect));
    assert!(why.contains("2 processes of user 65534 are connected"), "{why}");
    let of_root = connect().expect("another user has room");
    let why = refused(connect());
    assert!(why.contains("3 processes are connected"), "{why}");
    two.disconnect().unwrap();
    let again = soon(|| as_other(connect).ok()).expect("a place of the user is free again");
    for router in [one, again, of_root] {
        router.disconnect().unwrap();
    }
    served.end();
}

/// The router sees the end of a process a little later.
fn soon<T>(attempt: impl Fn() -> Option<T>) -> Option<T> {
    (0..5_000).find_map(|_| {
        let result = attempt();
        if result.is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        result
    })
}
