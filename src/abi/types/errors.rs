//! The codes that the functions return (spec 0.8).

use super::DWORD;
use crate::types::Code;

/// Done.
pub const NO_ERROR: DWORD = 0;
/// Done; the other name.
pub const ERROR_SUCCESS: DWORD = 0;
/// The system has no memory left.
pub const ERROR_NOT_ENOUGH_MEMORY: DWORD = 8;
/// An argument that makes no sense: the log says which.
pub const ERROR_INVALID_PARAMETER: DWORD = 87;
/// The buffer cannot hold even one entry; the size that it needs is told.
pub const ERROR_INSUFFICIENT_BUFFER: DWORD = 122;
/// Somebody has it, or is it, already.
pub const ERROR_ALREADY_EXISTS: DWORD = 183;
/// The buffer is full and there is more.
pub const ERROR_MORE_DATA: DWORD = 234;
/// These were the last entries.
pub const ERROR_NO_MORE_ITEMS: DWORD = 259;
/// Not now, not here: the log says why.
pub const ERROR_CAN_NOT_COMPLETE: DWORD = 1003;
/// There is no such thing.
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
