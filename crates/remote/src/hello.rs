//! The first message on each connection, and its answer: they agree on a version.
//!
//! Both begin with the same eight bytes in every version of the protocol: a mark, and the major and
//! minor version of the sender. So an endpoint can report both versions to the user, whatever
//! version the other endpoint speaks.

use crate::wire::{message, Decoded, Malformed, Reader, Wire};

/// "mgmr", in front of the versions.
const MARK: [u8; 4] = *b"mgmr";

/// A version of the protocol. Endpoints with different major versions do not talk to each other.
/// With the same major version they speak the lower minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes if an older endpoint would misunderstand a message.
    pub major: u16,
    /// Grows with each addition.
    pub minor: u16,
}

/// The version of this library.
pub const VERSION: Version = Version { major: 1, minor: 2 };

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

message! {
    /// What a client process says first.
    pub enum Hello {
        /// This is the event connection of a client process that is new to the router.
        Process { name: String } = 0,
        /// This is a call connection of the process that was welcomed with this session and token.
        Calls { session: u64, token: u64 } = 1,
    }
}

message! {
    /// What the router answers.
    pub enum Welcome {
        /// The process, or the connection, is accepted. The token belongs to call connections, and
        /// no other user can guess it. `answer_ms` is how long the router waits for an answer.
        Welcome { session: u64, token: u64, answer_ms: u32 } = 0,
        /// It is refused, for this reason.
        Refused { why: String } = 1,
    }
}

/// Why a greeting is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGreeting {
    /// The other side does not speak this protocol.
    #[error("the other side does not speak the protocol of mgm")]
    Foreign,
    /// It speaks another major version.
    #[error("it speaks version {0} of the protocol, and this library version {VERSION}: use the same release of mgm on both sides")]
    Version(Version),
    /// It speaks this version, but the message is not valid.
    #[error("malformed greeting")]
    Malformed,
}

/// Encodes a greeting of this version.
#[must_use]
pub fn greeting(body: &impl Wire) -> Vec<u8> {
    let mut bytes = MARK.to_vec();
    VERSION.major.put(&mut bytes);
    VERSION.minor.put(&mut bytes);
    body.put(&mut bytes);
    bytes
}

/// Decodes a greeting. Returns the version that both sides speak.
///
/// # Errors
/// See [`BadGreeting`].
pub fn read_greeting<T: Wire>(bytes: &[u8]) -> Result<(Version, T), BadGreeting> {
    let mut reader = Reader::new(bytes);
    let mark = reader.bytes(MARK.len());
    if mark.ok() != Some(&MARK) {
        return Err(BadGreeting::Foreign);
    }
    let version = read_version(&mut reader).map_err(|Malformed| BadGreeting::Foreign)?;
    if version.major != VERSION.major {
        return Err(BadGreeting::Version(version));
    }
    let body = T::get(&mut reader).map_err(|Malformed| BadGreeting::Malformed)?;
    Ok((version.min(VERSION), body))
}

fn read_version(reader: &mut Reader<'_>) -> Decoded<Version> {
    Ok(Version { major: u16::get(reader)?, minor: u16::get(reader)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: Version, body: &impl Wire) -> Vec<u8> {
        let mut bytes = greeting(body);
        bytes[4..6].copy_from_slice(&version.major.to_le_bytes());
        bytes[6..8].copy_from_slice(&version.minor.to_le_bytes());
        bytes
    }

    fn hello() -> Hello {
        Hello::Process { name: "pimd".into() }
    }

    #[test]
    fn t9_11_the_first_message_has_the_version_in_the_same_place_for_ever() {
        let bytes = greeting(&Hello::Calls { session: 2, token: 3 });
        assert_eq!(bytes[..9], [b'm', b'g', b'm', b'r', 1, 0, 2, 0, 1]);
        assert_eq!(bytes.len(), 9 + 16);
    }

    #[test]
    fn t9_11_the_lower_minor_version_is_spoken() {
        for (theirs, spoken) in [(0, 0), (1, 1), (2, 2), (u16::MAX, 2)] {
            let bytes = of(Version { minor: theirs, ..VERSION }, &hello());
            let expected = Version { minor: spoken, ..VERSION };
            assert_eq!(read_greeting(&bytes), Ok((expected, hello())));
        }
        let mut later = greeting(&hello());
        later.extend_from_slice(b"a field of a later minor version");
        assert_eq!(read_greeting(&later), Ok((VERSION, hello())));
    }

    #[test]
    fn t9_11_another_major_version_is_refused_with_a_line_that_names_both() {
        let theirs = Version { major: 2, minor: 7 };
        let refusal = read_greeting::<Hello>(&of(theirs, &hello())).unwrap_err();
        assert_eq!(refusal, BadGreeting::Version(theirs));
        let line = refusal.to_string();
        assert!(line.contains("2.7") && line.contains(&VERSION.to_string()), "{line}");
    }

    #[test]
    fn t9_11_other_programs_and_cut_greetings_are_refused() {
        let whole = greeting(&hello());
        for cut in 0..whole.len() {
            assert!(read_greeting::<Hello>(&whole[..cut]).is_err(), "{cut} bytes");
        }
        for foreign in [&b"GET / HTTP/1.1\r\n"[..], b"", b"mgm", &[0; 64]] {
            assert_eq!(read_greeting::<Hello>(foreign), Err(BadGreeting::Foreign));
        }
    }
}
