//! Frames: how messages are separated in the stream of a connection. A frame is the length of its
//! message as 4 bytes, least significant first, and the message.

/// The bytes in front of a message.
pub const HEAD: usize = 4;

/// The longest message to the router: some 400 acknowledgements of 100 interfaces each. A client
/// process splits longer lists.
pub const LONGEST_TO_ROUTER: usize = 64 << 10;

/// The longest message to a client: an answer with MFEs, or a callback with the longest header.
pub const LONGEST_TO_CLIENT: usize = 2 << 20;

/// A frame is longer than the receiver accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("oversized message of {0} bytes")]
pub struct Oversized(pub usize);

/// Appends a frame with the message that `put` appends.
pub fn frame(to: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend_from_slice(&[0; HEAD]);
    put(to);
    let length = u32::try_from(to.len() - start - HEAD).unwrap_or(u32::MAX);
    to[start..start + HEAD].copy_from_slice(&length.to_le_bytes());
}

/// A buffer of a connection keeps at most so much memory while nothing waits in it.
pub const KEPT: usize = 160 << 10;

/// Bytes that have arrived, and the frames in them.
#[derive(Debug)]
pub struct FrameReader {
    /// Its length is the room that there is.
    bytes: Vec<u8>,
    /// Where the first frame begins that is not taken yet.
    start: usize,
    /// Where what has arrived ends.
    end: usize,
    longest: usize,
}

impl FrameReader {
    /// Accepts messages of up to `longest` bytes.
    #[must_use]
    pub fn new(longest: usize) -> FrameReader {
        FrameReader { bytes: Vec::new(), start: 0, end: 0, longest }
    }

    /// Adds bytes that have arrived.
    pub fn add(&mut self, more: &[u8]) {
        let room = self.room(more.len());
        room[..more.len()].copy_from_slice(more);
        self.added(more.len());
    }

    /// Room for at least so many bytes. What is written there counts after [`FrameReader::added`].
    pub fn room(&mut self, least: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < least {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.bytes.len() - self.end < least {
                self.bytes.resize(self.end + least, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were written to the room.
    pub fn added(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// The next complete message, if there is one.
    ///
    /// # Errors
    /// `Oversized`; nothing after it can be read.
    pub fn take(&mut self) -> Result<Option<&[u8]>, Oversized> {
        let rest = &self.bytes[self.start..self.end];
        let Some((head, rest)) = rest.split_first_chunk::<HEAD>() else {
            self.tidy();
            return Ok(None);
        };
        let length = u32::from_le_bytes(*head) as usize;
        if length > self.longest {
            return Err(Oversized(length));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let begin = self.start + HEAD;
        self.start = begin + length;
        Ok(Some(&self.bytes[begin..begin + length]))
    }

    /// Whether part of a message has arrived.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start < self.end
    }

    /// If everything was taken, begins at the beginning, and keeps little memory.
    fn tidy(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > self.longest.min(KEPT) {
                self.bytes = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame(&mut bytes, |to| to.extend_from_slice(message));
        bytes
    }

    #[test]
    fn t9_11_messages_come_out_however_the_stream_is_cut() {
        let messages: [&[u8]; 4] = [b"one", b"", b"three", &[7; 500]];
        let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        for step in [1, 2, 3, 5, 64, stream.len()] {
            let mut reader = FrameReader::new(500);
            let mut got = Vec::new();
            for piece in stream.chunks(step) {
                reader.add(piece);
                while let Some(message) = reader.take().unwrap() {
                    got.push(message.to_vec());
                }
            }
            assert_eq!(got, messages);
            assert!(!reader.is_partial() && reader.end == 0);
        }
    }

    #[test]
    fn t9_11_a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
        for (length, is_refused) in [(8, false), (9, true), (u32::MAX as usize, true)] {
            let mut reader = FrameReader::new(8);
            reader.add(&(length as u32).to_le_bytes());
            assert_eq!(reader.take(), if is_refused { Err(Oversized(length)) } else { Ok(None) });
        }
    }

    #[test]
    fn t9_11_half_a_message_is_kept_and_what_was_taken_is_not() {
        let mut reader = FrameReader::new(1 << 20);
        let long = vec![1; 400 << 10];
        reader.add(&framed(&long));
        reader.add(&framed(b"half")[..6]);
        assert_eq!(reader.take().unwrap().map(<[u8]>::len), Some(long.len()));
        assert_eq!(reader.take(), Ok(None));
        assert!(reader.is_partial());
        reader.add(b"lf");
        assert_eq!(reader.take(), Ok(Some(&b"half"[..])));
        assert_eq!(reader.take(), Ok(None));
        assert!(reader.bytes.capacity() <= KEPT, "the memory of the long one is freed");
    }

    #[test]
    fn t9_11_a_stream_without_a_pause_uses_no_more_memory() {
        let mut reader = FrameReader::new(1 << 20);
        let stream = framed(&[7; 96]).repeat(1000);
        for piece in stream.chunks(1111) {
            reader.room(2000)[..piece.len()].copy_from_slice(piece);
            reader.added(piece.len());
            while let Some(message) = reader.take().unwrap() {
                assert_eq!(message, [7; 96]);
            }
        }
        assert!(!reader.is_partial() && reader.bytes.len() <= 2100, "{}", reader.bytes.len());
    }
}
