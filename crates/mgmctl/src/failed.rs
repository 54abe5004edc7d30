//! Why a command fails, and the exit status that says so.

use mgm_control::client::ClientError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// The router refused the request, or the output cannot be written.
const REFUSED: u8 = 1;
/// The arguments are invalid.
const INVALID: u8 = 2;
/// The router did not answer.
const NO_ANSWER: u8 = 3;

/// Why a command has failed.
#[derive(Debug)]
pub enum Failed {
    Router(ClientError),
    /// No process listens at a socket that may be the status socket of a library.
    NoLibrary(PathBuf),
    /// The arguments are invalid, which only the answer of the router shows.
    Arguments(String),
    Output(io::Error),
    /// The terminal cannot be used.
    Terminal(io::Error),
    /// The answer lacks a member that the text needs.
    Answer(serde_json::Error),
}

impl Failed {
    /// Whether the reader of the output, such as head, has closed it. That is no error.
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Failed::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Failed::Router(ClientError::Refused(_)) | Failed::Output(_) | Failed::Terminal(_) => {
                REFUSED
            }
            Failed::Arguments(_) => INVALID,
            Failed::Router(_) | Failed::NoLibrary(_) | Failed::Answer(_) => NO_ANSWER,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Router(error) => error.fmt(f),
            Failed::NoLibrary(path) => {
                let path = path.display();
                write!(f, "no router listens at {path}: start it with MGM_STATUS_SOCKET={path}")
            }
            Failed::Arguments(text) => f.write_str(text),
            Failed::Output(error) => write!(f, "cannot write the output: {error}"),
            Failed::Terminal(error) => write!(f, "cannot use the terminal: {error}"),
            Failed::Answer(error) => write!(
                f,
                "the answer of this version of the router cannot be shown: {error}: use --json"
            ),
        }
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Failed {
        Failed::Router(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Output(error)
    }
}
