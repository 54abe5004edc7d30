//! What the daemon needs of libmgm. The program implements it with the crate mgm-client; the
//! tests have one of their own, and so need no library.

use crate::config::LogLevel;
use mgm_igmp::{Code, MgmCall, Ownership};
use mgm_types::{Flow, Scope};

/// libmgm, with IGMP registered as a client. Its callbacks go to
/// [`Shared`](super::shared::Shared).
pub trait Library {
    /// Makes a call of the IGMP client.
    ///
    /// # Errors
    /// The code that the library returns. Its log has the reason.
    fn call(&self, call: MgmCall) -> Result<(), Code>;

    /// Who has an interface that IGMP has taken.
    fn ownership(&self, link: u32) -> Ownership;

    /// What other clients want already, without interfaces.
    fn groups(&self) -> Vec<Flow>;

    /// Sets the TTL threshold of an interface; 1 is the default.
    ///
    /// # Errors
    /// The reason, in the library's words. So do the following.
    fn set_ttl_threshold(&self, link: u32, threshold: u8) -> Result<(), String>;

    /// Makes an interface a boundary of a scope, or ends that.
    ///
    /// # Errors
    /// The reason.
    fn set_boundary(&self, link: u32, scope: Scope, is_there: bool) -> Result<(), String>;

    /// Names a scope.
    ///
    /// # Errors
    /// The reason.
    fn set_scope_name(&self, scope: Scope, name: &str) -> Result<(), String>;

    /// Tells a forwarder that does not see the interfaces of the system that one has come or
    /// gone. The kernel's needs no such call.
    fn set_interface(&self, link: u32, is_there: bool);

    /// Sets the level of the library's log, which goes to the log of mgmd.
    fn set_log_level(&self, level: LogLevel);

    /// The status as JSON, with memberships and MFEs if `is_whole`.
    ///
    /// # Errors
    /// The reason.
    fn status(&self, is_whole: bool) -> Result<String, String>;
}
