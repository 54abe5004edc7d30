//! Why a call failed.

use std::fmt;

/// MGMHOST_API_MAJOR: the version of the library's API that this crate needs.
pub(crate) const API_MAJOR: u32 = 1;

/// The result of everything that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The error codes of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// ERROR_NOT_ENOUGH_MEMORY (8): out of memory, or too many interfaces.
    NotEnoughMemory,
    /// ERROR_INVALID_PARAMETER (87): an argument is invalid.
    InvalidParameter,
    /// ERROR_ALREADY_EXISTS (183): already owned, registered or running.
    AlreadyExists,
    /// ERROR_CAN_NOT_COMPLETE (1003): not possible now or here.
    CanNotComplete,
    /// ERROR_NOT_FOUND (1168): there is no such thing.
    NotFound,
    /// Another code.
    Other(u32),
}

impl From<u32> for Code {
    fn from(code: u32) -> Code {
        match code {
            8 => Code::NotEnoughMemory,
            87 => Code::InvalidParameter,
            183 => Code::AlreadyExists,
            1003 => Code::CanNotComplete,
            1168 => Code::NotFound,
            other => Code::Other(other),
        }
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> u32 {
        match code {
            Code::NotEnoughMemory => 8,
            Code::InvalidParameter => 87,
            Code::AlreadyExists => 183,
            Code::CanNotComplete => 1003,
            Code::NotFound => 1168,
            Code::Other(other) => other,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::NotEnoughMemory => "ERROR_NOT_ENOUGH_MEMORY",
            Code::InvalidParameter => "ERROR_INVALID_PARAMETER",
            Code::AlreadyExists => "ERROR_ALREADY_EXISTS",
            Code::CanNotComplete => "ERROR_CAN_NOT_COMPLETE",
            Code::NotFound => "ERROR_NOT_FOUND",
            Code::Other(other) => return write!(f, "error {other}"),
        })
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A function of the library returned an error code.
    Library {
        /// Name of the function.
        function: &'static str,
        /// The code it returned.
        code: Code,
        /// The library's own words about it, as in its log.
        reason: String,
    },
    /// As many clients are registered in this process as the crate supports:
    /// [`MAX_CLIENTS`](crate::MAX_CLIENTS).
    TooManyClients,
    /// The library that the loader has found has another major version of the API.
    Version {
        /// Major version of the library.
        major: u32,
        /// Minor version of the library.
        minor: u32,
    },
    /// A name or path contains a zero byte.
    InvalidText,
    /// The library returned a text that does not have the expected members.
    #[cfg(feature = "status")]
    Status {
        /// Name of the function.
        function: &'static str,
        /// What is wrong with the text, and where.
        reason: String,
    },
}

impl Error {
    /// Returns the code, if a function of the library returned one.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Library { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The error for a code that a function returned, and the library's last message on the thread
    /// of the call.
    pub(crate) fn of(function: &'static str, code: u32, message: Option<String>) -> Error {
        let code = Code::from(code);
        let reason = message
            .and_then(|text| reason(function, &text).map(str::to_owned))
            .unwrap_or_else(|| code.to_string());
        Error::Library { function, code, reason }
    }
}

/// The part of the library's last message behind the name of the function. `None` if the message
/// is about another call, as in a forked child.
fn reason<'a>(function: &str, message: &'a str) -> Option<&'a str> {
    message.strip_prefix(function)?.strip_prefix(": ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Library { function, code, reason } => {
                write!(f, "{function}: {reason} (code {})", u32::from(*code))
            }
            Error::TooManyClients => {
                write!(f, "more than {} clients in one process", crate::MAX_CLIENTS)
            }
            Error::Version { major, minor } => write!(
                f,
                "the library has API version {major}.{minor}, but this program needs version {}",
                API_MAJOR
            ),
            Error::InvalidText => f.write_str("the name or path contains a zero byte"),
            #[cfg(feature = "status")]
            Error::Status { function, reason } => write!(f, "{function}: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_there_and_back() {
        for code in [8, 87, 183, 1003, 1168, 5] {
            assert_eq!(u32::from(Code::from(code)), code);
        }
        assert_eq!(Code::from(183).to_string(), "ERROR_ALREADY_EXISTS");
    }

    #[test]
    fn the_reason_is_that_of_the_same_function() {
        assert_eq!(reason("MgmHostStop", "MgmHostStop: not now"), Some("not now"));
        assert_eq!(reason("MgmHostStop", "MgmHostStart: not now"), None);
        assert_eq!(reason("MgmHostSt", "MgmHostStop: not now"), None);
    }

    #[test]
    fn without_the_librarys_words_the_code_has_to_do() {
        let error = Error::of("MgmHostStop", 1003, None);
        assert_eq!(error.to_string(), "MgmHostStop: ERROR_CAN_NOT_COMPLETE (code 1003)");
        assert_eq!(error.code(), Some(Code::CanNotComplete));
    }
}
