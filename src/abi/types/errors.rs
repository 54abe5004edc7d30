//! The error codes that the functions return (spec 0.8).

use super::DWORD;
use crate::types::Code;

/// Success.
pub const NO_ERROR: DWORD = 0;
/// Success; another name for NO_ERROR.
pub const ERROR_SUCCESS: DWORD = 0;
/// The system has no memory left, or there are too many interfaces.
pub const ERROR_NOT_ENOUGH_MEMORY: DWORD = 8;
/// An argument or an environment variable is invalid; the log says which one.
pub const ERROR_INVALID_PARAMETER: DWORD = 87;
/// The buffer is too small; the call returns the size that is needed.
pub const ERROR_INSUFFICIENT_BUFFER: DWORD = 122;
/// The client or the owner already exists, or the library is already running.
pub const ERROR_ALREADY_EXISTS: DWORD = 183;
/// Success: the buffer is full, and there are more entries.
pub const ERROR_MORE_DATA: DWORD = 234;
/// Success: there are no more entries after these.
pub const ERROR_NO_MORE_ITEMS: DWORD = 259;
/// The call is not possible now or here; the log says why.
pub const ERROR_CAN_NOT_COMPLETE: DWORD = 1003;
/// The object does not exist.
pub const ERROR_NOT_FOUND: DWORD = 1168;

const _: () = {
    assert!(ERROR_NOT_ENOUGH_MEMORY == Code::NotEnoughMemory as DWORD);
    assert!(ERROR_INVALID_PARAMETER == Code::InvalidParameter as DWORD);
    assert!(ERROR_INSUFFICIENT_BUFFER == Code::InsufficientBuffer as DWORD);
    assert!(ERROR_ALREADY_EXISTS == Code::AlreadyExists as DWORD);
    assert!(ERROR_MORE_DATA == Code::MoreData as DWORD);
    assert!(ERROR_NO_MORE_ITEMS == Code::NoMoreItems as DWORD);
    assert!(ERROR_CAN_NOT_COMPLETE == Code::CanNotComplete as DWORD);
    assert!(ERROR_NOT_FOUND == Code::NotFound as DWORD);
};
