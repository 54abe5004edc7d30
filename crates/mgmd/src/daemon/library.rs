//! The functions of libmgm that the daemon needs. The program implements them with the crate
//! mgm-client. The tests implement them without the library.

use crate::config::{ClientRules, ClientSocket, LogLevel};
use crate::control::{ExplainReader, StatusReader};
use mgm_igmp::{Code, MgmCall, Ownership};
use mgm_types::{Flow, Scope};
use std::borrow::Cow;
use std::path::Path;

/// libmgm, with IGMP registered as a client. Its callbacks go to
/// [`Shared`](super::shared::Shared).
pub trait Library {
    /// Makes a call of the IGMP client.
    ///
    /// # Errors
    /// The code that the library returns, and the reason, which its log has, too.
    fn call(&self, call: MgmCall) -> Result<(), (Code, String)>;

    /// Whether a protocol owns an interface that IGMP has taken.
    fn ownership(&self, link: u32) -> Ownership;

    /// The protocol and the component of the client that owns an interface.
    fn owner(&self, link: u32) -> Option<(u32, u32)>;

    /// The version of the library.
    fn version(&self) -> String;

    /// The memberships that other clients have already, without their
    /// interfaces.
    fn groups(&self) -> Vec<Flow>;

    /// Calls a function with the flow and the incoming interface of each MFE.
    fn each_mfe(&self, take: &mut dyn FnMut(Flow, u32));

    /// Sets the TTL threshold of an interface; 1 is the default.
    ///
    /// # Errors
    /// The reason, in the library's words.
    fn set_ttl_threshold(&self, link: u32, threshold: u8) -> Result<(), String>;

    /// Limits how many flows may begin on an interface in a second, and at once; `None` ends that.
    ///
    /// # Errors
    /// The reason.
    fn set_flow_limit(&self, link: u32, flows: Option<u32>) -> Result<(), String>;

    /// Adds a boundary for a scope to an interface, or deletes it.
    ///
    /// # Errors
    /// The reason.
    fn set_boundary(&self, link: u32, scope: Scope, is_there: bool) -> Result<(), String>;

    /// Names a scope.
    ///
    /// # Errors
    /// The reason.
    fn set_scope_name(&self, scope: Scope, name: &str) -> Result<(), String>;

    /// Tells the memory forwarder that an interface has appeared or disappeared. The kernel
    /// forwarder knows the interfaces of the system, so the call has no effect there.
    fn set_interface(&self, link: u32, is_there: bool);

    /// Serves routing protocols in other processes at a socket, and no longer at the former one. If
    /// the path is the same, the processes stay connected.
    ///
    /// # Errors
    /// The reason.
    fn serve_clients(&self, path: &Path, socket: &ClientSocket) -> Result<(), String>;

    /// Decides what the processes of each user may do there from now on.
    fn restrict_clients(&self, rules: ClientRules);

    /// Sets the level of the library's log, which goes to the log of mgmd.
    fn set_log_level(&self, level: LogLevel);

    /// The status as JSON, with memberships and MFEs if `is_whole`.
    ///
    /// # Errors
    /// The reason.
    fn status(&self, is_whole: bool) -> Result<String, String>;

    /// Reads the whole status on any thread.
    fn status_reader(&self) -> StatusReader;

    /// Explains a flow on any thread.
    fn explain_reader(&self) -> ExplainReader;
}

/// A log line of the library, for an operator of mgmd. It names the keys of mgmd's file
/// instead of the library's environment variables, which mgmd ignores (M7).
#[must_use]
pub fn in_words_of_the_file(text: &str) -> Cow<'_, str> {
    const NAMES: [(&str, &str); 7] = [
        ("the callback of MgmHostSetClientFilter", "[[client]]"),
        ("MGM_TABLE=", "router.table = "),
        ("MGM_TABLE", "router.table"),
        ("MGM_MAX_FLOWS", "router.max-flows"),
        ("MGM_FORWARDER", "router.forwarder"),
        ("MgmHostSetFlowLimit", "new-flows of the interface"),
        ("mgmtop lists", "mgmctl flows lists"),
    ];
    if !text.contains("MGM_") && !text.contains("MgmHost") {
        return text.into();
    }
    NAMES.iter().fold(text.to_owned(), |text, (name, key)| text.replace(name, key)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m7_advice_names_the_keys_of_the_file() {
        for (text, expected) in [
            ("use MGM_TABLE=100, and", "use router.table = 100, and"),
            ("set MGM_TABLE to 0", "set router.table to 0"),
            ("raise MGM_MAX_FLOWS", "raise router.max-flows"),
            (
                "senders (mgmtop lists the flows), or raise the limit with MgmHostSetFlowLimit",
                "senders (mgmctl flows lists the flows), or raise the limit with new-flows of \
                 the interface",
            ),
            ("change the callback of MgmHostSetClientFilter, or", "change [[client]], or"),
            ("nothing to replace", "nothing to replace"),
        ] {
            assert_eq!(in_words_of_the_file(text), expected);
        }
    }
}
