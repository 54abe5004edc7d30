//! The scalar types of Windows, with the sizes they have there.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// Truth value: 0 is FALSE, anything else TRUE.
pub type BOOL = i32;
pub type PBOOL = *mut BOOL;
pub type CHAR = c_char;
pub type UCHAR = u8;
pub type PUCHAR = *mut UCHAR;
pub type BYTE = u8;
pub type PBYTE = *mut BYTE;
pub type USHORT = u16;
pub type PUSHORT = *mut USHORT;
pub type WORD = u16;
pub type INT = c_int;
pub type UINT = c_uint;
pub type PUINT = *mut UINT;
/// 32 bits, also where C's long has 64.
pub type LONG = i32;
/// 32 bits, also where C's unsigned long has 64.
pub type ULONG = u32;
pub type PULONG = *mut ULONG;
/// 32 bits, also where C's unsigned long has 64.
pub type DWORD = u32;
pub type PDWORD = *mut DWORD;
pub type LPDWORD = *mut DWORD;
pub type ULONGLONG = u64;
pub type PVOID = *mut c_void;
pub type LPVOID = *mut c_void;
/// A number that names something inside the library. It points to nothing.
pub type HANDLE = *mut c_void;
pub type PHANDLE = *mut HANDLE;

/// A moment: hundreds of nanoseconds since 1601, in two halves.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _FILETIME {
    pub dwLowDateTime: DWORD,
    pub dwHighDateTime: DWORD,
}
pub type FILETIME = _FILETIME;
pub type PFILETIME = *mut FILETIME;
