//! The names of interfaces.

use crate::{ffi, Error, Interface, Result};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

impl Interface {
    /// Looks an interface of the system up by its name, in the network namespace of the calling
    /// thread.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::Code::NotFound): the system has no interface of this name.
    /// [`Error::InvalidText`]: the name contains a zero byte.
    pub fn by_name(name: &str) -> Result<Interface> {
        let name = CString::new(name).map_err(|_| Error::InvalidText)?;
        ffi::interface_index(&name).map(Interface::new)
    }

    /// Returns the name that the system has for the index.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::Code::NotFound): the system has no interface with this index.
    pub fn name(self) -> Result<OsString> {
        ffi::interface_name(self.index).map(OsString::from_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_zero_byte_is_refused_here() {
        assert_eq!(Interface::by_name("lo\0"), Err(Error::InvalidText));
    }
}
