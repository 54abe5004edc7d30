//! The functions of mgmhost.h for the level of the log, and for the last refusal on a thread.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::buffer::{fill_text, Buffer};
use super::entry::entry;
use super::host_config::log_level;
use super::last_message;
use super::types::*;
use crate::manager::Manager;
use crate::types::Refusal;

/// Sets the level of the log.
///
/// The level lasts until the next start of the library, which sets it again: from
/// MGMHOST_CONFIG, otherwise from MGM_LOG.
///
/// # Parameters
/// - `dwLogLevel`: the level, MGMHOST_LOG_*. MGMHOST_LOG_DEFAULT selects the value
///   of MGM_LOG, or warn if that is unset or invalid.
///
/// # Returns
/// - `NO_ERROR`: messages that are more detailed than this level are not
///   logged any more.
/// - `ERROR_INVALID_PARAMETER`: dwLogLevel is not one of MGMHOST_LOG_*.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library. A call that is running on another thread may still log at
/// the former level.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetLogLevel(dwLogLevel: DWORD) -> DWORD {
    entry("MgmHostSetLogLevel", || {
        let level = log_level(dwLogLevel).ok_or(Refusal::BadArgument("invalid dwLogLevel"))?;
        Manager::global().set_log_level(level);
        Ok(NO_ERROR)
    })
}

/// Returns the reason for the last refusal on the calling thread.
///
/// The text is that of the log message about the call: the name of the function,
/// a colon, and the reason. The library also keeps it if the message was not
/// logged, for example because of the level of the log. Calls that succeed do not
/// change it. So call this function directly after the call that has returned an
/// error code. ERROR_MORE_DATA and ERROR_NO_MORE_ITEMS are not errors.
///
/// # Parameters
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: size of the
///   text in bytes, with the terminating zero. Pass 0 to ask for the size; 1,024
///   bytes always suffice. A longer text is cut.
/// - `pbBuffer` (out): the text in UTF-8, with a terminating zero.
///
/// # Returns
/// - `NO_ERROR`: the text is in the buffer.
/// - `ERROR_NOT_FOUND`: no call of this thread has been refused.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small, and is not written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. Each thread has its own text. Calls made
/// inside a callback count for the thread that runs the callback. The call
/// causes no callbacks. It does not start the library. ERROR_NOT_FOUND and
/// ERROR_INSUFFICIENT_BUFFER from this function leave the text as it is.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetLastMessage(pdwBufferSize: PDWORD, pbBuffer: PBYTE) -> DWORD {
    entry("MgmHostGetLastMessage", || {
        // SAFETY: the caller says what is there.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        last_message::read(|text| match text {
            None => Ok(ERROR_NOT_FOUND),
            // Not a refusal, because that would replace the text.
            Some(text) => fill_text(&mut buffer, text).or(Ok(ERROR_INSUFFICIENT_BUFFER)),
        })
    })
}
