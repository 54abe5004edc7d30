//! The state of the library, and explanations, as types. They need the feature `status`, which adds serde.
//!
//! A later library may add members, which these types leave out. [`host::status`] and [`host::explain`] return the
//! text itself.

use crate::host::{self, Detail};
use crate::{Error, Flow, Interface, Result};
use serde::de::DeserializeOwned;

mod types;

pub use types::*;

/// Returns the state of the library. What the detail leaves out is `None`.
///
/// # Errors
/// As for [`host::status`]. [`Error::Status`]: the library is older or newer than this crate can read.
pub fn read(detail: Detail) -> Result<Status> {
    parsed("MgmHostGetStatus", &host::status(detail)?)
}

/// Explains one flow: why its packets are forwarded, or why not. The parameters are those of [`host::explain`].
///
/// # Errors
/// As for [`host::explain`]. [`Error::Status`]: the library is older or newer than this crate can read.
pub fn explain(flow: Flow, arrival: Option<Interface>) -> Result<Explanation> {
    parsed("MgmHostExplain", &host::explain(flow, arrival)?)
}

fn parsed<T: DeserializeOwned>(function: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Status { function, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACE: &str =
        r#"{"index": 3, "next_hop": null, "name": "eth1", "owner": null, "boundary": null}"#;

    #[test]
    fn members_that_are_null_or_new_are_read() {
        let with_more = INTERFACE.replacen('{', r#"{"later": [1], "#, 1);
        for text in [INTERFACE, &with_more] {
            let read: ExplanationArrival = parsed("MgmHostExplain", text).unwrap();
            assert_eq!((read.index, read.next_hop, read.name.as_deref()), (3, None, Some("eth1")));
        }
    }

    #[test]
    fn a_text_without_a_member_is_an_error() {
        let text = INTERFACE.replace("\"index\": 3, ", "");
        let error = parsed::<ExplanationArrival>("MgmHostExplain", &text).unwrap_err();
        assert!(error.to_string().starts_with("MgmHostExplain: missing field `index`"), "{error}");
    }
}
