//! The answer of mgmd to a request that it refuses.

use serde::{Deserialize, Serialize};

/// The kinds of errors, for programs. Each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: the request is not valid HTTP, or has an invalid parameter or body.
    Invalid,
    /// 403: the request changes something, and only root and mgmd's own user may do that.
    Forbidden,
    /// 404: there is no such path.
    UnknownPath,
    /// 404: there is no such interface, or no such membership.
    NotFound,
    /// 405: the path has another method.
    WrongMethod,
    /// 408: the request was not complete in time.
    RequestTimeout,
    /// 409: mgmd refuses the change, for example because the configuration file is invalid.
    Refused,
    /// 411: the request has a body without Content-Length.
    LengthRequired,
    /// 413: the request is too long.
    TooLarge,
    /// 500: a fault in mgmd or in the system.
    Internal,
    /// 503: too many connections, or too many waiting requests or answers.
    Busy,
    /// 504: the router did not answer in time.
    Timeout,
    /// 505: another version of HTTP than 1.0 and 1.1.
    HttpVersion,
}

impl ErrorCode {
    /// The status code of HTTP.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            ErrorCode::Invalid => 400,
            ErrorCode::Forbidden => 403,
            ErrorCode::UnknownPath | ErrorCode::NotFound => 404,
            ErrorCode::WrongMethod => 405,
            ErrorCode::RequestTimeout => 408,
            ErrorCode::Refused => 409,
            ErrorCode::LengthRequired => 411,
            ErrorCode::TooLarge => 413,
            ErrorCode::Internal => 500,
            ErrorCode::Busy => 503,
            ErrorCode::Timeout => 504,
            ErrorCode::HttpVersion => 505,
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// The kind of the error, for programs.
    pub code: ErrorCode,
    /// One line for people: what is wrong, and what to do.
    pub message: String,
    /// Further lines: the paths that exist, or each problem of a configuration file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Failure {
    /// How many characters of a message are kept.
    const LONGEST: usize = 500;

    /// A failure without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        let mut message = message.into();
        // The message may contain a part of the request, which may have 64
        // KB.
        if let Some((end, _)) = message.char_indices().nth(Failure::LONGEST) {
            message.truncate(end);
            message.push('…');
        }
        Failure { code, message, details: Vec::new() }
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(self, details: Vec<String>) -> Failure {
        Failure { details, ..self }
    }

    /// An invalid request.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(ErrorCode::Invalid, message)
    }
}

/// The body of each answer whose HTTP status is 400 or above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorAnswer {
    /// Why the request is refused.
    pub error: Failure,
}
