//! The last refusal of each thread, as text (D77).

use crate::types::Refusal;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::mem::ManuallyDrop;

/// The longest text in bytes.
const LONGEST: usize = 1023;

/// A text of limited length, which needs no memory from the heap.
struct Text {
    len: usize,
    bytes: [u8; LONGEST],
}

impl Write for Text {
    /// Cuts the text between two characters where it is too long.
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let mut fits = more.len().min(LONGEST - self.len);
        while !more.is_char_boundary(fits) {
            fits -= 1;
        }
        self.bytes[self.len..self.len + fits].copy_from_slice(&more.as_bytes()[..fits]);
        self.len += fits;
        if fits == more.len() {
            Ok(())
        } else {
            Err(fmt::Error) // ends the formatting
        }
    }
}

struct LastRefusal {
    text: Text,
    /// A refusal that is part of ordinary use becomes a text only when a caller asks for it,
    /// because there may be many of them. It owns no memory.
    pending: ManuallyDrop<Option<(&'static str, Refusal)>>,
}

// Without a destructor, because a thread that is ending can still call the library (see
// manager::context).
thread_local! {
    static LAST: RefCell<LastRefusal> = const {
        RefCell::new(LastRefusal {
            text: Text { len: 0, bytes: [0; LONGEST] },
            pending: ManuallyDrop::new(None),
        })
    };
}

impl LastRefusal {
    fn format(&mut self, name: &str, refusal: &Refusal) {
        self.text.len = 0;
        // An error only means that the text was cut.
        let _ = write!(self.text, "{name}: {refusal}");
    }
}

/// Remembers why a call of this thread was refused.
pub fn keep(name: &'static str, refusal: Refusal) {
    LAST.with(|last| {
        let mut last = last.borrow_mut();
        // Only variants without memory of their own may wait: nothing frees them.
        if matches!(refusal, Refusal::SmallBuffer(_) | Refusal::NoMfe(_) | Refusal::NoProtocol(_)) {
            last.pending = ManuallyDrop::new(Some((name, refusal)));
        } else {
            last.pending = ManuallyDrop::new(None);
            last.format(name, &refusal);
        }
    });
}

/// Passes on the text about this thread's last refused call; `None` if none was refused.
pub fn read<R>(with: impl FnOnce(Option<&[u8]>) -> R) -> R {
    LAST.with(|last| {
        let mut last = last.borrow_mut();
        if let Some((name, refusal)) = last.pending.take() {
            last.format(name, &refusal);
        }
        with(Some(&last.text.bytes[..last.text.len]).filter(|text| !text.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Flow, Ipv4Addr};

    fn text() -> Option<String> {
        read(|text| text.map(|text| String::from_utf8(text.to_vec()).expect("it is UTF-8")))
    }

    #[test]
    fn d77_the_last_refusal_of_the_thread_is_kept_as_the_log_line_says_it() {
        assert_eq!(text(), None);
        keep("MgmA", Refusal::ZeroInterface);
        assert_eq!(text().unwrap(), format!("MgmA: {}", Refusal::ZeroInterface));
        std::thread::spawn(|| assert_eq!(text(), None)).join().unwrap();
        let flow = Flow::any_source(Ipv4Addr::new(239, 1, 1, 1));
        keep("MgmB", Refusal::NoMfe(flow));
        for _ in 0..2 {
            assert_eq!(text().unwrap(), format!("MgmB: no MFE for {flow}"));
        }
        keep("MgmC", Refusal::Stopping);
        assert_eq!(text().unwrap(), "MgmC: the library is being stopped");
    }

    #[test]
    fn d77_a_long_text_is_cut_between_two_characters() {
        keep("MgmA", Refusal::BadSetting("ä".repeat(LONGEST)));
        let cut = text().unwrap();
        assert!(cut.len() >= LONGEST - 1 && cut.len() <= LONGEST, "{}", cut.len());
        assert!(cut.ends_with('ä'));
    }
}
