//! The connection to mgmd, without a thread: calls wait for their answers, and callbacks are read when
//! the daemon reads its socket. docs/remote.md documents the protocol.

use crate::system::{self, Fd};
use mgm_mroute_calls::daemon::{Lost, Router};
use mgm_remote::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use mgm_remote::hello::{greeting, read_greeting, Hello, Welcome};
use mgm_remote::messages::{decode, Ack, Acks, Answer, Call, Callback, Reply, Request, OIFS_OFF};
use mgm_remote::wire::Wire;
use mgm_types::Code;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

/// How long mgmd may take to answer. A call may wait for the end of a killed process (9.7).
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The protocol id of all daemons that use this library: "mr", for multicast routing.
const PROTOCOL: u32 = 0x0000_6d72;

/// How many daemons of the same name can run side by side.
const INSTANCES: u32 = 256;

/// RPF_CALLBACK, CREATION_ALERT, PRUNE_ALERT, JOIN_ALERT and WRONG_IF_CALLBACK, in the order of
/// ROUTING_PROTOCOL_CONFIG. A daemon hears the reports of hosts itself, so it needs no LOCAL_JOIN.
///
/// If a daemon does not answer in time, its oifs are off (9.5).
const CALLBACKS: u16 = 0b1_1111 | OIFS_OFF;

/// A connection, open or closed.
#[derive(Debug, Default)]
pub(crate) struct Connection(Option<Open>);

#[derive(Debug)]
struct Open {
    calls: Stream,
    events: Stream,
    acks: Vec<Ack>,
    /// The epoll instance that waits for `events`.
    watched_by: Option<i32>,
}

impl Drop for Open {
    /// Closing alone would leave the stream in the epoll instance as long as a child of a fork has a
    /// copy of it, and the instance would be ready for ever.
    fn drop(&mut self) {
        if let Some(epoll) = self.watched_by {
            system::unwatch(epoll, &self.events.fd);
        }
    }
}

/// One of the two streams.
#[derive(Debug)]
struct Stream {
    fd: Fd,
    reader: FrameReader,
}

impl Stream {
    /// Connects, and says who this is. `patience`: how long this may take.
    fn open(path: &Path, hello: &Hello, patience: Duration) -> Result<(Stream, u64, u64), String> {
        let text = |errno| std::io::Error::from_raw_os_error(errno).to_string();
        let fd = system::unix_socket().map_err(text)?;
        system::set_patience(&fd, patience).map_err(text)?;
        system::connect_unix(&fd, path).map_err(text)?;
        let mut stream = Stream { fd, reader: FrameReader::new(LONGEST_TO_CLIENT) };
        stream.send(|to| to.extend_from_slice(&greeting(hello))).map_err(text)?;
        let welcome = stream.read(read_greeting::<Welcome>).map_err(text)?;
        match welcome.map_err(|bad| bad.to_string())? {
            (_, Welcome::Welcome { session, token, .. }) => {
                system::set_patience(&stream.fd, PATIENCE).map_err(text)?;
                Ok((stream, session, token))
            }
            (_, Welcome::Refused { why }) => Err(why),
        }
    }

    fn send(&self, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), i32> {
        let mut bytes = Vec::new();
        frame(&mut bytes, put);
        system::send_all(&self.fd, &bytes)
    }

    /// Waits for a message.
    fn read<R>(&mut self, with: impl FnOnce(&[u8]) -> R) -> Result<R, i32> {
        let mut piece = [0; 4096];
        loop {
            if let Some(message) = self.reader.take().map_err(|_| libc::EPROTO)? {
                return Ok(with(message));
            }
            match system::receive(&self.fd, &mut piece, true)? {
                0 => return Err(libc::ECONNRESET),
                count => self.reader.add(&piece[..count]),
            }
        }
    }
}

impl Connection {
    /// Connects to mgmd and registers the daemon. Returns the number of the client. An mgmd that
    /// hangs accepts connections, so it has to say something within `patience`.
    ///
    /// # Errors
    /// Why it is impossible, and what to do.
    pub fn open(path: &Path, patience: Duration) -> Result<(Connection, u64), String> {
        let failed = |why: String| {
            format!(
                "cannot connect to mgmd at {} ({why}): start mgmd, or set MGM_ROUTER to the key \
                 router.clients of its configuration, or add the daemon's user to the group of \
                 this socket",
                path.display()
            )
        };
        let name = own_name();
        let hello = Hello::Process { name: name.clone() };
        let (events, session, token) = Stream::open(path, &hello, patience).map_err(failed)?;
        let hello = Hello::Calls { session, token };
        let (calls, ..) = Stream::open(path, &hello, patience).map_err(failed)?;
        let mut connection =
            Connection(Some(Open { calls, events, acks: Vec::new(), watched_by: None }));
        let client = connection.register(&name)?;
        Ok((connection, client))
    }

    /// The component is the name of the program and a number, so that a daemon that is started again
    /// is the same client as before.
    fn register(&mut self, name: &str) -> Result<u64, String> {
        let hash = name
            .bytes()
            .fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        for instance in 0..INSTANCES {
            let component = hash & !(INSTANCES - 1) | instance;
            let (protocol, callbacks) = (PROTOCOL, CALLBACKS);
            // Without grace: the interfaces of a daemon that was killed are free at once (D130).
            let request = Request::Register { protocol, component, callbacks, grace: 0 };
            match self.call(request) {
                Ok(Reply::Registered { client }) => return Ok(client),
                Ok(Reply::Refused { refusal }) if refusal.code == Code::AlreadyExists as u32 => {}
                Ok(Reply::Refused { refusal }) => return Err(refusal.text),
                Ok(_) => return Err("mgmd has sent an unexpected answer".into()),
                Err(Lost) => return Err("mgmd has ended the connection".into()),
            }
        }
        Err(format!("{INSTANCES} daemons of this name are registered: stop some of them"))
    }

    /// The descriptor that is ready when mgmd has said something.
    pub fn events(&self) -> Option<&Fd> {
        self.0.as_ref().map(|open| &open.events.fd)
    }

    /// An epoll instance is ready as soon as mgmd has said something, until the connection ends.
    ///
    /// # Errors
    /// The errno.
    pub fn watch(&mut self, epoll: i32) -> Result<(), i32> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        system::watch(epoll, &open.events.fd)?;
        open.watched_by = Some(epoll);
        Ok(())
    }

    /// The epoll instance and the connection are those of the parent, who goes on using both.
    pub fn leave_watched(&mut self) {
        if let Some(open) = &mut self.0 {
            open.watched_by = None;
        }
    }

    /// Reads what has arrived.
    pub fn read_events(&mut self) -> VecDeque<Callback> {
        let mut callbacks = VecDeque::new();
        let Some(open) = &mut self.0 else { return callbacks };
        let events = &mut open.events;
        let mut piece = [0; 16 << 10];
        loop {
            match system::receive(&events.fd, &mut piece, false) {
                Ok(0) => break,
                Ok(count) => events.reader.add(&piece[..count]),
                Err(libc::EAGAIN) => {
                    let is_valid = take_all(&mut events.reader, &mut callbacks);
                    if !is_valid {
                        break;
                    }
                    return callbacks;
                }
                Err(_) => break,
            }
        }
        self.0 = None;
        callbacks.clear();
        callbacks
    }

    /// Sends the acknowledgements that wait.
    pub fn flush(&mut self) {
        let Some(open) = &mut self.0 else { return };
        if open.acks.is_empty() {
            return;
        }
        let list = std::mem::take(&mut open.acks);
        if open.events.send(|to| Acks { list }.put(to)).is_err() {
            self.0 = None;
        }
    }
}

/// Takes the callbacks out of the bytes that have arrived; false if one is malformed.
fn take_all(reader: &mut FrameReader, callbacks: &mut VecDeque<Callback>) -> bool {
    loop {
        match reader.take() {
            Ok(Some(message)) => match decode::<Callback>(message) {
                Ok(callback) => callbacks.push_back(callback),
                Err(_) => return false,
            },
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

impl Router for Connection {
    fn call(&mut self, request: Request) -> Result<Reply, Lost> {
        self.flush();
        let Some(open) = &mut self.0 else { return Err(Lost) };
        let calls = &mut open.calls;
        // With the cause 0, all callbacks arrive on the event connection.
        let call = Call { cause: 0, inside: 0, request };
        let sent = calls.send(|to| call.put(to));
        match sent.and_then(|()| calls.read(decode::<Answer>)) {
            Ok(Ok(answer)) => Ok(answer.reply),
            _ => {
                self.0 = None;
                Err(Lost)
            }
        }
    }

    fn acknowledge(&mut self, ack: Ack) {
        if let Some(open) = &mut self.0 {
            open.acks.push(ack);
        }
    }

    fn name(&self, index: u32) -> String {
        system::name_of(index).unwrap_or_else(|| format!("the former interface {index}"))
    }
}

/// The name of the daemon's program.
fn own_name() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_name);
    name.map(|name| name.to_string_lossy().chars().take(32).collect()).unwrap_or_default()
}
