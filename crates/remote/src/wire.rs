//! The encoding of messages: numbers in little-endian order, lists with their length in front.
//!
//! The module does not use postcard or another crate for serde. postcard 1.2 needs a later Rust
//! than this project. With serde, a later minor version could not append a field to a message,
//! because a decoder rejects what it does not know. The types of the engine would need serde, too.
//!
//! Decoding reads only bytes of the message, and allocates at most in proportion to them.

use mgm_engine::{CreationOif, EnumKind, Header, Join};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};

/// A message that is not valid. Which field is wrong does not matter: the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message")]
pub struct Malformed;

/// The result of decoding.
pub type Decoded<T> = Result<T, Malformed>;

/// The part of a message that is not decoded yet.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads a message from its beginning.
    #[must_use]
    pub fn new(message: &'a [u8]) -> Reader<'a> {
        Reader(message)
    }

    /// The next bytes.
    ///
    /// # Errors
    /// `Malformed`, if there are fewer.
    pub fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    /// The next bytes, as many as the result has room for.
    pub(crate) fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    /// Whether everything is decoded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value that can be part of a message.
pub trait Wire: Sized {
    /// No value of this type needs fewer bytes. At least 1, so that a length limits a list.
    const LEAST: usize;

    /// Appends the value.
    fn put(&self, to: &mut Vec<u8>);

    /// Decodes a value.
    ///
    /// # Errors
    /// `Malformed`.
    fn get(from: &mut Reader<'_>) -> Decoded<Self>;
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            const LEAST: usize = size_of::<$number>();

            #[inline]
            fn put(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn get(from: &mut Reader<'_>) -> Decoded<Self> {
                Ok(<$number>::from_le_bytes(from.array()?))
            }
        }
    )*};
}
number!(u8, u16, u32, u64);

impl Wire for bool {
    const LEAST: usize = 1;

    fn put(&self, to: &mut Vec<u8>) {
        u8::from(*self).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        match u8::get(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Ipv4Addr {
    const LEAST: usize = 4;

    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.octets());
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        Ok(Ipv4Addr::from(from.array::<4>()?))
    }
}

impl<T: Wire> Wire for Option<T> {
    const LEAST: usize = 1;

    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        bool::get(from)?.then(|| T::get(from)).transpose()
    }
}

impl<T: Wire> Wire for Vec<T> {
    const LEAST: usize = 4;

    fn put(&self, to: &mut Vec<u8>) {
        put_length(self.len(), to);
        self.iter().for_each(|item| item.put(to));
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let count = u32::get(from)? as usize;
        // A length that the message cannot hold must not allocate memory.
        if count > from.0.len() / T::LEAST {
            return Err(Malformed);
        }
        (0..count).map(|_| T::get(from)).collect()
    }
}

/// Bytes with their length in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Wire for Bytes {
    const LEAST: usize = 4;

    fn put(&self, to: &mut Vec<u8>) {
        put_length(self.0.len(), to);
        to.extend_from_slice(&self.0);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let count = u32::get(from)? as usize;
        Ok(Bytes(from.bytes(count)?.to_vec()))
    }
}

impl Wire for String {
    const LEAST: usize = 4;

    fn put(&self, to: &mut Vec<u8>) {
        put_length(self.len(), to);
        to.extend_from_slice(self.as_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        String::from_utf8(Bytes::get(from)?.0).map_err(|_| Malformed)
    }
}

/// Every list in a message is bounded far below 2^32.
fn put_length(length: usize, to: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).put(to);
}

/// Implements [`Wire`] for a structure or an enum with named fields. The variants of an enum have
/// numbers, which never change.
macro_rules! message {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$about:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl Wire for $name {
            const LEAST: usize = 0 $(+ <$type>::LEAST)*;

            #[inline]
            fn put(&self, to: &mut Vec<u8>) {
                $(self.$field.put(to);)*
            }

            #[inline]
            fn get(from: &mut Reader<'_>) -> Decoded<Self> {
                Ok($name { $($field: Wire::get(from)?,)* })
            }
        }
    };
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$about:meta])* $variant:ident { $($field:ident: $type:ty),* } = $number:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $variant { $($field: $type),* },)*
        }

        impl Wire for $name {
            const LEAST: usize = 1;

            #[inline]
            fn put(&self, to: &mut Vec<u8>) {
                match self {
                    $($name::$variant { $($field),* } => {
                        to.push($number);
                        $($field.put(to);)*
                    })*
                }
            }

            #[inline]
            fn get(from: &mut Reader<'_>) -> Decoded<Self> {
                match u8::get(from)? {
                    $($number => Ok($name::$variant { $($field: Wire::get(from)?),* }),)*
                    _ => Err(Malformed),
                }
            }
        }
    };
}
pub(crate) use message;

// The types of the other crates that messages contain.

impl Wire for Flow {
    const LEAST: usize = 8;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        self.group().put(to);
        self.source().put(to);
    }

    #[inline]
    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let group = Ipv4Addr::get(from)?;
        Ok(Flow::new(Ipv4Addr::get(from)?, group))
    }
}

impl Wire for Interface {
    const LEAST: usize = 8;

    #[inline]
    fn put(&self, to: &mut Vec<u8>) {
        self.index.put(to);
        self.next_hop.put(to);
    }

    #[inline]
    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        Ok(Interface { index: u32::get(from)?, next_hop: Ipv4Addr::get(from)? })
    }
}

impl Wire for Join {
    const LEAST: usize = 1;

    fn put(&self, to: &mut Vec<u8>) {
        (*self == Join::Forward).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        Ok(if bool::get(from)? { Join::Forward } else { Join::State })
    }
}

impl Wire for EnumKind {
    const LEAST: usize = 1;

    fn put(&self, to: &mut Vec<u8>) {
        (*self == EnumKind::AllSources).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        Ok(if bool::get(from)? { EnumKind::AllSources } else { EnumKind::AnySource })
    }
}

/// What callbacks and MFEs say of a route: not its interface and its paths, which are the router's.
impl Wire for Route {
    const LEAST: usize = 10;

    fn put(&self, to: &mut Vec<u8>) {
        (self.origin != RouteOrigin::None).put(to);
        self.network.put(to);
        self.prefix_len.put(to);
        self.protocol.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let origin = if bool::get(from)? { RouteOrigin::Connected } else { RouteOrigin::None };
        let network = Ipv4Addr::get(from)?;
        let prefix_len = u8::get(from).ok().filter(|len| *len <= 32).ok_or(Malformed)?;
        Ok(Route {
            origin,
            if_index: 0,
            paths: None,
            network,
            prefix_len,
            protocol: u32::get(from)?,
        })
    }
}

impl Wire for Header {
    const LEAST: usize = 4;

    fn put(&self, to: &mut Vec<u8>) {
        put_length(self.len(), to);
        to.extend_from_slice(self);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        let count = u32::get(from)? as usize;
        Ok(Header::from(from.bytes(count)?))
    }
}

impl Wire for CreationOif {
    const LEAST: usize = 10;

    fn put(&self, to: &mut Vec<u8>) {
        self.interface.put(to);
        self.igmp.put(to);
        self.enabled.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Decoded<Self> {
        Ok(CreationOif {
            interface: Interface::get(from)?,
            igmp: bool::get(from)?,
            enabled: bool::get(from)?,
        })
    }
}
