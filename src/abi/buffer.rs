//! The caller's buffers, and the rules by which they are filled (spec 6.3, 7.2).

use super::args::{dword, mask_of, read, required, write};
use super::rows::Form;
use super::types::*;
use crate::manager::{Manager, MfeRow};
use crate::types::{Flow, Interface, Refusal, Result};
use std::ops::ControlFlow;
use std::ptr::null_mut;

/// A buffer of the caller's, its size, and where the number of entries goes.
/// Entries are appended; what the caller is told beside them, only at the end.
pub struct Buffer {
    size_at: PDWORD,
    count_at: PDWORD,
    at: PBYTE,
    size: usize,
    used: usize,
    count: DWORD,
}

impl Buffer {
    /// For a single entry.
    ///
    /// # Safety
    /// The pointers are null, or a DWORD is at the first and as many bytes at
    /// the second, for as long as the result lives. Alignment does not matter.
    pub unsafe fn new(size_at: PDWORD, at: PBYTE) -> Result<Buffer> {
        required("pdwBufferSize", size_at)?;
        // SAFETY: not null, and the caller's promise.
        let size = unsafe { read(size_at) } as usize;
        if size > 0 {
            required("pbBuffer", at)?;
        }
        Ok(Buffer { size_at, count_at: null_mut(), at, size, used: 0, count: 0 })
    }

    /// For as many entries as fit.
    ///
    /// # Safety
    /// As [`Buffer::new`], and the third pointer is null or a DWORD's.
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
        assert!(len <= size_of::<T>() && self.has_room(len), "a buffer's end was overlooked");
        // SAFETY: `len` bytes are in the value and, as just checked, left in the
        // buffer, whose owner promised that it is there and not ours.
        unsafe {
            (value as *const T).cast::<u8>().copy_to_nonoverlapping(self.at.add(self.used), len);
        }
        self.used += len;
    }

    /// Appends a value without padding.
    pub fn put_all<T: Copy>(&mut self, value: T) {
        assert!(self.has_room(size_of::<T>()), "a buffer's end was overlooked");
        // SAFETY: as above; no alignment is assumed.
        unsafe { write(self.at.add(self.used).cast(), value) };
        self.used += size_of::<T>();
    }

    /// Tells how many bytes are needed: the entry does not fit.
    fn too_small(&self, need: usize) -> Result<DWORD> {
        // SAFETY: `new` found it not null, and its caller promised a DWORD.
        unsafe { write(self.size_at, DWORD::try_from(need).unwrap_or(DWORD::MAX)) };
        self.tell_count();
        Err(Refusal::SmallBuffer(need))
    }

    /// Tells how many entries there are.
    fn tell_count(&self) {
        if !self.count_at.is_null() {
            // SAFETY: not null, and `counting`'s caller promised a DWORD.
            unsafe { write(self.count_at, self.count) };
        }
    }

    /// Tells what there is to tell after a walk: `left` is the size of the entry
    /// that did not fit any more.
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

/// One MFE (spec 6.5).
pub fn fill_one(buffer: &mut Buffer, flow: Flow, form: Form) -> Result<DWORD> {
    Manager::global().with_mfe(flow, form.has_counters(), |row| put_one(buffer, row, form))?
}

fn put_one(buffer: &mut Buffer, row: &MfeRow, form: Form) -> Result<DWORD> {
    let need = form.size(row.oifs.len());
    if !buffer.has_room(need) {
        return buffer.too_small(need);
    }
    form.write(row, buffer);
    Ok(NO_ERROR)
}

/// The MFEs after `start`, as many as fit (spec 6.3).
pub fn fill_many(buffer: &mut Buffer, start: Option<Flow>, form: Form) -> Result<DWORD> {
    put_many(buffer, form, |rows| {
        Manager::global().walk_mfes(start, form.has_counters(), |row| rows.put(row));
        Ok(())
    })
}

/// A buffer that takes MFEs until one does not fit.
struct Rows<'a> {
    buffer: &'a mut Buffer,
    form: Form,
    /// The size of that one.
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

/// A text with a zero behind it, whole or not at all. Either way the caller is
/// told how many bytes it takes.
pub fn fill_text(buffer: &mut Buffer, text: &str) -> Result<DWORD> {
    let need = text.len() + 1;
    if !buffer.has_room(need) {
        return buffer.too_small(need);
    }
    // SAFETY: so many bytes are in the text and, as just checked, in the buffer,
    // whose owner promised that it is there and not ours.
    unsafe {
        text.as_ptr().copy_to_nonoverlapping(buffer.at, text.len());
        buffer.at.add(text.len()).write(0);
        write(buffer.size_at, DWORD::try_from(need).unwrap_or(DWORD::MAX));
    }
    Ok(NO_ERROR)
}

/// The next entries of a group enumeration (spec 7.2). `next` takes how many at
/// most and a visitor, and tells whether there are more.
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

/// The interfaces that a packet goes out on, all or none.
///
/// # Safety
/// A DWORD can be written to `count_at`, and `capacity` entries to `to`.
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
#[path = "buffer_tests.rs"]
mod tests;
