//! Fills the buffers of callers (spec 6.3, 7.2).

use super::args::{dword, mask_of, read, required, write};
use super::backend::{self, Backend};
use super::rows::Form;
use super::types::*;
use crate::manager::MfeRow;
use crate::remote::messages::Room;
use crate::types::{Flow, Interface, Refusal, Result};
use std::ops::ControlFlow;
use std::ptr::null_mut;

/// A buffer of the caller, with the addresses of its size and of the number of entries.
/// Entries are appended one by one. Size and number are written only at the end.
pub struct Buffer {
    size_at: PDWORD,
    count_at: PDWORD,
    at: PBYTE,
    size: usize,
    used: usize,
    count: DWORD,
}

impl Buffer {
    /// Returns a buffer for a single entry.
    ///
    /// # Safety
    /// Each pointer is null, or valid during the lifetime of the result: `size_at` for a
    /// DWORD, `at` for as many bytes as that DWORD says. They need not be aligned.
    pub unsafe fn new(size_at: PDWORD, at: PBYTE) -> Result<Buffer> {
        required("pdwBufferSize", size_at)?;
        // SAFETY: not null, and the caller's promise.
        let size = unsafe { read(size_at) } as usize;
        if size > 0 {
            required("pbBuffer", at)?;
        }
        Ok(Buffer { size_at, count_at: null_mut(), at, size, used: 0, count: 0 })
    }

    /// Returns a buffer for as many entries as fit.
    ///
    /// # Safety
    /// As for [`Buffer::new`]; `count_at` is null, or valid for writing a DWORD.
    pub unsafe fn counting(size_at: PDWORD, at: PBYTE, count_at: PDWORD) -> Result<Buffer> {
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(size_at, at)? };
        required("pdwNumEntries", count_at)?;
        Ok(Buffer { count_at, ..buffer })
    }

    fn has_room(&self, bytes: usize) -> bool {
        bytes <= self.size - self.used
    }

    /// Appends the first `len` bytes of a value without padding.
    pub fn put<T: Copy>(&mut self, value: &T, len: usize) {
        assert!(
            len <= size_of::<T>() && self.has_room(len),
            "the end of the buffer was not checked"
        );
        // SAFETY: `len` bytes are in the value and, as just checked, left in the
        // buffer; the caller promised that the buffer is valid and outside of our memory.
        unsafe {
            (value as *const T).cast::<u8>().copy_to_nonoverlapping(self.at.add(self.used), len);
        }
        self.used += len;
    }

    /// Appends a value without padding.
    pub fn put_all<T: Copy>(&mut self, value: T) {
        assert!(self.has_room(size_of::<T>()), "the end of the buffer was not checked");
        // SAFETY: as above; no alignment is assumed.
        unsafe { write(self.at.add(self.used).cast(), value) };
        self.used += size_of::<T>();
    }

    /// Writes the number of bytes that an entry needs if the entry does not fit.
    fn too_small(&self, need: usize) -> Result<DWORD> {
        // SAFETY: `new` found it not null, and its caller promised a DWORD.
        unsafe { write(self.size_at, DWORD::try_from(need).unwrap_or(DWORD::MAX)) };
        self.tell_count();
        Err(Refusal::SmallBuffer(need))
    }

    /// Writes the number of entries.
    fn tell_count(&self) {
        if !self.count_at.is_null() {
            // SAFETY: not null, and `counting`'s caller promised a DWORD.
            unsafe { write(self.count_at, self.count) };
        }
    }

    /// Writes the results after a walk. `left` is the size of the first entry that did not
    /// fit.
    fn finish(&self, left: Option<usize>) -> Result<DWORD> {
        match left {
            Some(need) if self.count == 0 => self.too_small(need),
            Some(_) => {
                self.tell_count();
                Ok(ERROR_MORE_DATA)
            }
            None => {
                self.tell_count();
                Ok(ERROR_NO_MORE_ITEMS)
            }
        }
    }
}

/// Fills the buffer with one MFE (spec 6.5).
pub fn fill_one(buffer: &mut Buffer, flow: Flow, form: Form) -> Result<DWORD> {
    let has_counters = form.has_counters();
    match backend::any()? {
        Backend::Here(manager) => {
            manager.with_mfe(flow, has_counters, |row| put_one(buffer, row, form))?
        }
        Backend::There(router) => put_one(buffer, &router.mfe(flow, has_counters)?, form),
    }
}

fn put_one(buffer: &mut Buffer, row: &MfeRow, form: Form) -> Result<DWORD> {
    let need = form.size(row.oifs.len());
    if !buffer.has_room(need) {
        return buffer.too_small(need);
    }
    form.write(row, buffer);
    Ok(NO_ERROR)
}

/// Fills the buffer with the MFEs after `start`, as many as fit (spec 6.3).
pub fn fill_many(buffer: &mut Buffer, start: Option<Flow>, form: Form) -> Result<DWORD> {
    put_many(buffer, form, |rows| {
        match backend::any()? {
            Backend::Here(manager) => {
                manager.walk_mfes(start, form.has_counters(), |row| rows.put(row));
            }
            Backend::There(router) => {
                let (base, each) = form.sizes();
                let size = DWORD::try_from(rows.buffer.size).unwrap_or(DWORD::MAX);
                let room = Room { bytes: size, base: base as DWORD, each: each as DWORD };
                let next =
                    router.walk_mfes(start, form.has_counters(), room, |row| rows.put(row))?;
                rows.left = rows.left.or(next.map(|oifs| form.size(oifs)));
            }
        }
        Ok(())
    })
}

/// A buffer that takes MFEs until one does not fit.
struct Rows<'a> {
    buffer: &'a mut Buffer,
    form: Form,
    /// The size of the MFE that did not fit.
    left: Option<usize>,
}

impl Rows<'_> {
    #[inline]
    fn put(&mut self, row: &MfeRow) -> ControlFlow<()> {
        let need = self.form.size(row.oifs.len());
        if !self.buffer.has_room(need) {
            self.left = Some(need);
            return ControlFlow::Break(());
        }
        self.form.write(row, self.buffer);
        self.buffer.count += 1;
        ControlFlow::Continue(())
    }
}

fn put_many(
    buffer: &mut Buffer,
    form: Form,
    walk: impl FnOnce(&mut Rows<'_>) -> Result<()>,
) -> Result<DWORD> {
    let mut rows = Rows { buffer, form, left: None };
    walk(&mut rows)?;
    rows.buffer.finish(rows.left)
}

/// Fills the buffer with a text and a terminating zero if they fit. Writes the size of the
/// text in any case.
pub fn fill_text(buffer: &mut Buffer, text: &(impl AsRef<[u8]> + ?Sized)) -> Result<DWORD> {
    let text = text.as_ref();
    let need = text.len() + 1;
    if !buffer.has_room(need) {
        return buffer.too_small(need);
    }
    // SAFETY: so many bytes are in the text and, as just checked, in the buffer,
    // which the caller promised to be valid and outside of our memory.
    unsafe {
        text.as_ptr().copy_to_nonoverlapping(buffer.at, text.len());
        buffer.at.add(text.len()).write(0);
        write(buffer.size_at, DWORD::try_from(need).unwrap_or(DWORD::MAX));
    }
    Ok(NO_ERROR)
}

/// Fills the buffer with the next entries of a group enumeration (spec 7.2). `next` takes
/// the maximum number of entries and a visitor, and returns whether there are more entries.
pub fn fill_groups(
    buffer: &mut Buffer,
    next: impl FnOnce(usize, &mut dyn FnMut(Flow)) -> Result<bool>,
) -> Result<DWORD> {
    const EACH: usize = size_of::<SOURCE_GROUP_ENTRY>();
    let more = next(buffer.size / EACH, &mut |flow| {
        buffer.put_all(SOURCE_GROUP_ENTRY {
            dwSourceAddr: dword(flow.source()),
            dwSourceMask: mask_of(flow.source()),
            dwGroupAddr: dword(flow.group()),
            dwGroupMask: mask_of(flow.group()),
        });
        buffer.count += 1;
    })?;
    buffer.finish(more.then_some(EACH))
}

/// Writes the outgoing interfaces of a packet, all of them or none.
///
/// # Safety
/// `count_at` is valid for writing a DWORD, and `to` for writing `capacity` entries.
pub unsafe fn fill_oifs(
    oifs: &[Interface],
    count_at: PDWORD,
    capacity: DWORD,
    to: PMGMHOST_OIF,
) -> Result<DWORD> {
    // SAFETY: the caller's promise.
    unsafe { write(count_at, DWORD::try_from(oifs.len()).unwrap_or(DWORD::MAX)) };
    if oifs.len() > capacity as usize {
        return Err(Refusal::SmallBuffer(oifs.len() * size_of::<MGMHOST_OIF>()));
    }
    for (i, oif) in oifs.iter().enumerate() {
        let entry = MGMHOST_OIF { dwIfIndex: oif.index, dwIfNextHopAddr: dword(oif.next_hop) };
        // SAFETY: the caller's promise, and `i` is less than `capacity`.
        unsafe { write(to.add(i), entry) };
    }
    Ok(NO_ERROR)
}

#[cfg(test)]
mod tests;
