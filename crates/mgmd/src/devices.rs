//! The interfaces that mgmd makes for unmodified daemons (M58, M54).

use mgm_net::tap::Tap;
use mgmd::config::Router;
use mgmd::daemon::{REGISTER, REST};
use std::io::{Error, ErrorKind};
use std::sync::Arc;

/// The network of mgm0 has two addresses for interfaces.
const REST_PREFIX: u8 = 30;

/// The interfaces, which exist as long as this value.
pub struct Devices {
    _rest: Tap,
    /// mgmreg.
    pub register: Arc<Tap>,
}

impl Devices {
    /// Makes them, if the configuration asks for it.
    ///
    /// # Errors
    /// Why that is impossible, and what to do.
    pub fn open(router: &Router) -> Result<Option<Devices>, String> {
        if !router.daemons {
            return Ok(None);
        }
        let rest = Tap::open(REST, router.daemons_address, REST_PREFIX);
        let rest = rest.map_err(|error| failure(REST, &error))?;
        let register = Tap::without_address(REGISTER);
        let register = Arc::new(register.map_err(|error| failure(REGISTER, &error))?);
        Ok(Some(Devices { _rest: rest, register }))
    }
}

fn failure(name: &str, error: &Error) -> String {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::NotFound => {
            "it needs CAP_NET_ADMIN and /dev/net/tun (with systemd: daemons.conf)"
        }
        _ if error.raw_os_error() == Some(libc::EBUSY) => {
            "another mgmd, or another program, has made it already: stop that one"
        }
        _ => "see router.daemons and router.daemons-address in the configuration",
    };
    format!("cannot make the interface {name} for router.daemons: {error}: {advice}")
}
