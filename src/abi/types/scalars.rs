//! The scalar types of Windows, with the same sizes.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// Boolean: 0 is FALSE, any other value is TRUE.
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
/// 32 bits, also where the C type long has 64.
pub type LONG = i32;
/// 32 bits, also where the C type unsigned long has 64.
pub type ULONG = u32;
pub type PULONG = *mut ULONG;
/// 32 bits, also where the C type unsigned long has 64.
pub type DWORD = u32;
pub type PDWORD = *mut DWORD;
pub type LPDWORD = *mut DWORD;
pub type ULONGLONG = u64;
pub type PVOID = *mut c_void;
pub type LPVOID = *mut c_void;
/// A number that identifies an object inside the library. It is not an address.
pub type HANDLE = *mut c_void;
pub type PHANDLE = *mut HANDLE;

/// A time in units of 100 ns since 1 January 1601, as two 32-bit halves.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _FILETIME {
    pub dwLowDateTime: DWORD,
    pub dwHighDateTime: DWORD,
}
pub type FILETIME = _FILETIME;
pub type PFILETIME = *mut FILETIME;
