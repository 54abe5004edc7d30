//! Buffers of all sizes, one byte off alignment, with a guard behind them.

use super::*;
use crate::abi::rows::tests::row;
use crate::types::Ipv4Addr;

const GUARD: u8 = 0xA5;

/// The result of a call, and what it has written.
struct Left {
    result: Result<DWORD>,
    size: DWORD,
    count: DWORD,
    bytes: Vec<u8>,
}

/// Makes a call with a buffer of this size. The size and the count are unaligned too.
fn with(size: DWORD, call: impl FnOnce(&mut Buffer) -> Result<DWORD>) -> Left {
    let mut memory = vec![GUARD; 1 + size as usize + 16];
    let (mut size_cell, mut count_cell) = ([0u8; 5], [0x77u8; 5]);
    size_cell[1..].copy_from_slice(&size.to_ne_bytes());
    // SAFETY: all three are there, one byte off alignment.
    let mut buffer = unsafe {
        let at = if size == 0 { null_mut() } else { memory.as_mut_ptr().add(1) };
        let (size_at, count_at) = (size_cell.as_mut_ptr(), count_cell.as_mut_ptr());
        Buffer::counting(size_at.add(1).cast(), at, count_at.add(1).cast()).unwrap()
    };
    let result = call(&mut buffer);
    let (bytes, behind) = memory[1..].split_at(size as usize);
    assert!(behind.iter().all(|b| *b == GUARD), "written behind the buffer");
    let number = |cell: &[u8; 5]| DWORD::from_ne_bytes(cell[1..].try_into().unwrap());
    Left { result, size: number(&size_cell), count: number(&count_cell), bytes: bytes.to_vec() }
}

/// Three MFEs with 2, 0 and 1 oifs: 92, 60 and 76 bytes.
fn three(rows: &mut Rows<'_>) -> Result<()> {
    for oifs in [2, 0, 1] {
        if rows.put(&row(oifs)).is_break() {
            break;
        }
    }
    Ok(())
}

#[test]
fn t6_3_as_many_as_fit() {
    let expected = |size| match size {
        0..92 => (Err(Refusal::SmallBuffer(92)), 92, 0),
        92..152 => (Ok(ERROR_MORE_DATA), size, 1),
        152..228 => (Ok(ERROR_MORE_DATA), size, 2),
        _ => (Ok(ERROR_NO_MORE_ITEMS), size, 3),
    };
    for size in 0..=240 {
        let left = with(size, |buffer| put_many(buffer, Form::Mfe, three));
        assert_eq!((left.result, left.size, left.count), expected(size), "size {size}");
    }
}

#[test]
fn t6_2_entries_stand_back_to_back() {
    let left = with(228, |buffer| put_many(buffer, Form::Mfe, three));
    let at = |offset: usize| DWORD::from_ne_bytes(left.bytes[offset..][..4].try_into().unwrap());
    for (entry, oifs) in [(0, 2), (92, 0), (152, 1)] {
        assert_eq!(at(entry).to_ne_bytes(), [239, 1, 1, 1]);
        assert_eq!(at(entry + 48), oifs);
    }
    assert_eq!((at(60), at(76), at(152 + 60)), (1, 2, 1), "the oifs");
}

#[test]
fn t6_3_nothing_there() {
    for size in [0, 1, 100] {
        let left = with(size, |buffer| put_many(buffer, Form::StatsEx, |_| Ok(())));
        assert_eq!((left.result, left.size, left.count), (Ok(ERROR_NO_MORE_ITEMS), size, 0));
    }
}

#[test]
fn a_failure_writes_nothing() {
    let left = with(100, |buffer| put_many(buffer, Form::Mfe, |_| Err(Refusal::Stopping)));
    assert_eq!((left.result, left.size), (Err(Refusal::Stopping), 100));
    assert_eq!((left.count, left.bytes), (0x7777_7777, vec![GUARD; 100]));
}

#[test]
fn t6_5_one() {
    for (form, need) in [(Form::Mfe, 92), (Form::Stats, 120), (Form::StatsEx, 140)] {
        for size in [0, need - 1, need, need + 1] {
            let left = with(size, |buffer| put_one(buffer, &row(2), form));
            if size < need {
                let refusal = Err(Refusal::SmallBuffer(need as usize));
                assert_eq!((left.result, left.size), (refusal, need));
                assert!(left.bytes.iter().all(|b| *b == GUARD));
            } else {
                assert_eq!((left.result, left.size), (Ok(NO_ERROR), size));
            }
        }
    }
}

#[test]
fn t7_2_groups() {
    let (s, g) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(239, 1, 1, 1));
    let all = [Flow::WILDCARD, Flow::any_source(g), Flow::new(s, g)];
    let next = |capacity: usize, visit: &mut dyn FnMut(Flow)| {
        all.iter().take(capacity).for_each(|flow| visit(*flow));
        Ok(capacity < all.len())
    };
    for size in 0..=64 {
        let left = with(size, |buffer| fill_groups(buffer, next));
        let expected = match size {
            0..16 => (Err(Refusal::SmallBuffer(16)), 16, 0),
            16..48 => (Ok(ERROR_MORE_DATA), size, size / 16),
            _ => (Ok(ERROR_NO_MORE_ITEMS), size, 3),
        };
        assert_eq!((left.result, left.size, left.count), expected, "size {size}");
    }
    let left = with(48, |buffer| fill_groups(buffer, next));
    assert_eq!(left.bytes[..16], [0; 16]);
    assert_eq!(left.bytes[16..32], [0, 0, 0, 0, 0, 0, 0, 0, 239, 1, 1, 1, 255, 255, 255, 255]);
    assert_eq!(left.bytes[32..40], [10, 0, 0, 1, 255, 255, 255, 255]);
}

#[test]
fn null_pointers() {
    let (mut zero, mut some) = (0, 8);
    let mut count = 7;
    // SAFETY: null, or a DWORD.
    unsafe {
        let mut buffer = |size, at| Buffer::counting(size, at, &mut count).map(|_| ()).err();
        assert_eq!(buffer(null_mut(), null_mut()), Some(Refusal::Null("pdwBufferSize")));
        assert_eq!(Buffer::new(&mut some, null_mut()).err(), Some(Refusal::Null("pbBuffer")));
        assert!(Buffer::new(&mut zero, null_mut()).is_ok());
        let none = Buffer::counting(&mut zero, null_mut(), null_mut()).err();
        assert_eq!(none, Some(Refusal::Null("pdwNumEntries")));
    }
}

#[test]
fn outgoing_interfaces_all_or_none() {
    let oifs = [Interface::link(1), Interface { index: 2, next_hop: Ipv4Addr::new(10, 0, 0, 9) }];
    let blank = MGMHOST_OIF { dwIfIndex: 9, dwIfNextHopAddr: 9 };
    for capacity in 0..4 {
        let mut out = [blank; 3];
        let mut count = capacity;
        // SAFETY: three entries are there, and no more are said to be.
        let result = unsafe { fill_oifs(&oifs, &mut count, capacity, out.as_mut_ptr()) };
        assert_eq!(count, 2);
        if capacity < 2 {
            assert_eq!((result, out), (Err(Refusal::SmallBuffer(16)), [blank; 3]));
        } else {
            assert_eq!(result, Ok(NO_ERROR));
            assert_eq!(
                (out[1].dwIfIndex, out[1].dwIfNextHopAddr.to_ne_bytes()),
                (2, [10, 0, 0, 9])
            );
        }
    }
}

#[test]
fn a_text_goes_in_whole_or_not_at_all() {
    for size in 0..8 {
        let left = with(size, |buffer| fill_text(buffer, "MGM"));
        assert_eq!(left.size, 4, "the size is written in any case");
        if size < 4 {
            assert_eq!(left.result, Err(Refusal::SmallBuffer(4)));
            assert!(left.bytes.iter().all(|b| *b == GUARD));
        } else {
            assert_eq!(left.result, Ok(NO_ERROR));
            assert!(left.bytes.starts_with(b"MGM\0"));
            assert!(left.bytes[4..].iter().all(|b| *b == GUARD));
        }
    }
}
