//! A pool of connections, each of which one thread uses at a time.

use super::sync::{Condvar, Mutex};
use std::io::{self, ErrorKind};

/// What a pool consists of.
pub trait Pooled {
    /// With this handle, another thread can end the connection while a thread waits for an answer
    /// on it.
    type Handle;

    /// The handle of this connection.
    fn handle(&self) -> Self::Handle;

    /// Ends a connection.
    fn end(handle: &Self::Handle);
}

/// At most `MOST` connections. Further threads take turns.
pub struct Pool<T: Pooled, const MOST: usize> {
    state: Mutex<State<T>>,
    freed: Condvar,
}

struct State<T: Pooled> {
    idle: Vec<T>,
    /// All of them, so that the threads that wait for answers can be woken.
    all: Vec<T::Handle>,
    /// How many there are, or are being opened.
    count: usize,
    is_over: bool,
}

impl<T: Pooled, const MOST: usize> Default for Pool<T, MOST> {
    fn default() -> Self {
        let state = State { idle: Vec::new(), all: Vec::new(), count: 0, is_over: false };
        Pool { state: Mutex::new(state), freed: Condvar::new() }
    }
}

impl<T: Pooled, const MOST: usize> Pool<T, MOST> {
    /// An idle connection, or a new one that `open` makes. If it cannot make a further one, the
    /// thread waits for one of the others.
    ///
    /// # Errors
    /// Those of `open`, if there is no connection, and no other thread opens one; `NotConnected`
    /// after the end.
    pub fn take(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        loop {
            if state.is_over {
                return Err(ErrorKind::NotConnected.into());
            }
            if let Some(one) = state.idle.pop() {
                return Ok(one);
            }
            if state.count == MOST {
                self.freed.wait(&mut state);
                continue;
            }
            state.count += 1;
            drop(state);
            let opened = open();
            state = self.state.lock();
            match opened {
                Ok(one) if !state.is_over => {
                    state.all.push(one.handle());
                    return Ok(one);
                }
                Ok(_) => state.count -= 1,
                Err(error) => {
                    state.count -= 1;
                    if state.count == 0 && !state.is_over {
                        drop(state);
                        self.freed.notify_one();
                        return Err(error);
                    }
                    // Another thread may have given one back meanwhile.
                    if state.idle.is_empty() && !state.is_over {
                        self.freed.wait(&mut state);
                    }
                }
            }
        }
    }

    /// Gives back a connection after a call.
    pub fn give_back(&self, one: T) {
        self.state.lock().idle.push(one);
        self.freed.notify_one();
    }

    /// Ends all of them.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.idle.clear();
        for handle in state.all.drain(..) {
            T::end(&handle);
        }
        drop(state);
        self.freed.notify_all();
    }
}
