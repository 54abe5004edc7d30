//! The names and indexes of the system's interfaces.

use super::platform;
use crate::types::{Refusal, Result};
use std::ffi::CStr;

/// Returns the index of the interface with this name.
///
/// # Errors
/// `NoInterfaceNamed`, `NoInterfaceNames`.
pub fn interface_index(name: &CStr) -> Result<u32> {
    if !platform::HAS_NAMES {
        return Err(Refusal::NoInterfaceNames);
    }
    let unknown = || Refusal::NoInterfaceNamed(name.to_string_lossy().into_owned());
    platform::interface_index(name).ok_or_else(unknown)
}

/// Returns the name of the interface with this index.
///
/// # Errors
/// `NoInterfaceName`, `NoInterfaceNames`.
pub fn interface_name(index: u32) -> Result<Vec<u8>> {
    if !platform::HAS_NAMES {
        return Err(Refusal::NoInterfaceNames);
    }
    platform::interface_name(index).ok_or(Refusal::NoInterfaceName(index))
}
