//! Memory that is shared with programs in the kernel: the elements of arrays, and the ring.

use super::sys::Map;
use crate::fork;
use std::io;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr::{null_mut, NonNull};
use std::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering};

/// Types whose every field is an atomic number, so that the kernel may change them at any time.
///
/// # Safety
/// All bits are valid, and all fields are atomic.
pub(super) unsafe trait Shared {}

/// Pages that are shared with the kernel. A forked child does not have them.
#[derive(Debug)]
struct Pages {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory may be used by any thread; the code that makes references to it says why they
// are valid.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    fn map(map: &Map, offset: usize, length: usize, protection: libc::c_int) -> io::Result<Pages> {
        // SAFETY: new pages, at an address that the kernel chooses.
        let start = unsafe {
            libc::mmap(
                null_mut(),
                length,
                protection,
                libc::MAP_SHARED,
                map.raw_fd(),
                offset as libc::off_t,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start: NonNull<u8> = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        // Otherwise a forked child would keep the map.
        // SAFETY: exactly the pages mapped above.
        if unsafe { libc::madvise(start.as_ptr().cast(), length, libc::MADV_DONTFORK) } != 0 {
            log::debug!("MADV_DONTFORK: {}", io::Error::last_os_error());
        }
        Ok(Pages { start, length })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // In a child something else may be there.
        if !fork::is_child() {
            // SAFETY: exactly the pages mapped, to which no reference is left.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
        }
    }
}

fn page_size() -> usize {
    // SAFETY: a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The elements of an array map, in memory.
#[derive(Debug)]
pub(super) struct Array<T> {
    pages: Pages,
    count: usize,
    elements: PhantomData<T>,
}

impl<T: Shared> Array<T> {
    /// Maps an array that was created with BPF_F_MMAPABLE. It lives on without the descriptor.
    pub(super) fn of(map: &Map) -> io::Result<Array<T>> {
        let count = map.spec.max_entries as usize;
        assert_eq!(size_of::<T>(), map.spec.value_size as usize);
        let length = (count * size_of::<T>()).next_multiple_of(page_size());
        let pages = Pages::map(map, 0, length, libc::PROT_READ | libc::PROT_WRITE)?;
        Ok(Array { pages, count, elements: PhantomData })
    }

    /// An element.
    ///
    /// # Panics
    /// If there are not so many.
    pub(super) fn get(&self, index: usize) -> &T {
        assert!(index < self.count);
        // SAFETY: in the pages, aligned like them, and valid whatever the bits (`Shared`).
        unsafe { &*self.pages.start.as_ptr().cast::<T>().add(index) }
    }
}

/// A ring buffer: the kernel writes records, one thread at a time reads them.
#[derive(Debug)]
pub(super) struct Ring {
    /// The page with the position up to which user space has read.
    consumer: Pages,
    /// A page with the position up to which the kernel has written, then the data, twice, so that a
    /// record never wraps round.
    producer: Pages,
    size: usize,
    page: usize,
}

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const RECORD_HEADER: usize = 8;

impl Ring {
    pub(super) fn of(map: &Map) -> io::Result<Ring> {
        let (size, page) = (map.spec.max_entries as usize, page_size());
        let consumer = Pages::map(map, 0, page, libc::PROT_READ | libc::PROT_WRITE)?;
        let producer = Pages::map(map, page, page + 2 * size, libc::PROT_READ)?;
        Ok(Ring { consumer, producer, size, page })
    }

    fn position(pages: &Pages) -> &AtomicU64 {
        // SAFETY: the first 8 bytes of a page, which are this position.
        unsafe { &*pages.start.as_ptr().cast::<AtomicU64>() }
    }

    /// Whether there are no records, finished or not. If so, the kernel wakes a poll at the next one.
    pub(super) fn is_empty(&self) -> bool {
        let written = || Ring::position(&self.producer).load(Ordering::Acquire);
        let at = Ring::position(&self.consumer).load(Ordering::Relaxed);
        if at != written() {
            return false;
        }
        // The kernel wakes a poll only if it sees that all records before the new one were read. So
        // it must see the position that `read` has stored before this thread looks for that record.
        fence(Ordering::SeqCst);
        at == written()
    }

    /// The position up to which the kernel has written records.
    pub(super) fn written(&self) -> u64 {
        Ring::position(&self.producer).load(Ordering::Acquire)
    }

    /// Whether all records before this position were read.
    pub(super) fn has_read(&self, position: u64) -> bool {
        Ring::position(&self.consumer).load(Ordering::Relaxed) >= position
    }

    /// Reads at most `most` records, until `take` returns false. Returns whether any may be left.
    pub(super) fn read(&mut self, most: usize, mut take: impl FnMut(&[u8]) -> bool) -> bool {
        for _ in 0..most {
            if self.is_empty() {
                return false;
            }
            let consumer = Ring::position(&self.consumer);
            let at = consumer.load(Ordering::Relaxed);
            let offset = self.page + (at as usize & (self.size - 1));
            // SAFETY: behind the first page begin the data; a record's header is aligned to 8.
            let header = unsafe { self.producer.start.as_ptr().add(offset) };
            // SAFETY: as above.
            let length = unsafe { &*header.cast::<AtomicU32>() }.load(Ordering::Acquire);
            if length & BUSY != 0 {
                return true; // the program has not finished it
            }
            let whole = (length & !DISCARDED) as usize;
            if whole > self.size {
                return false; // not what a kernel writes
            }
            let mut goes_on = true;
            if length & DISCARDED == 0 {
                // SAFETY: the kernel does not write to the record before `consumer` passes it, and
                // the data are there twice.
                goes_on =
                    take(unsafe { std::slice::from_raw_parts(header.add(RECORD_HEADER), whole) });
            }
            let next = at + (whole + RECORD_HEADER).next_multiple_of(8) as u64;
            consumer.store(next, Ordering::Release);
            if !goes_on {
                break;
            }
        }
        true
    }
}
