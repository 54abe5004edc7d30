//! The lock of the control socket. Of several processes that start at the same time, each may find
//! that no process listens at the socket. Only the one that has the lock replaces the file (M18).

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How often another process may remove the file while this one takes the lock.
const TRIES: usize = 100;

/// The lock of a socket. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: Flock<File>,
}

/// The file of the lock: beside the socket.
pub(super) fn path_of(socket: &Path) -> PathBuf {
    let mut path = OsString::from(socket);
    path.push(".lock");
    path.into()
}

/// What became of an attempt to lock a file.
#[derive(Debug)]
enum Attempt {
    Locked(Lock),
    /// Another process has the lock.
    Refused,
    /// The former owner of the lock has removed the file since it was opened, so that a lock of
    /// this file would exclude nobody.
    Removed,
}

impl Lock {
    /// Takes the lock of a socket. `None` if another process has it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn take(socket: &Path) -> io::Result<Option<Lock>> {
        let path = path_of(socket);
        for _ in 0..TRIES {
            match Lock::attempt(&path, open(&path)?)? {
                Attempt::Locked(lock) => return Ok(Some(lock)),
                Attempt::Refused => return Ok(None),
                Attempt::Removed => {}
            }
        }
        Ok(None)
    }

    fn attempt(path: &Path, file: File) -> io::Result<Attempt> {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) if is_at(path, &file)? => {
                Ok(Attempt::Locked(Lock { path: path.into(), file }))
            }
            Ok(_) => Ok(Attempt::Removed),
            Err((_, Errno::EWOULDBLOCK)) => Ok(Attempt::Refused),
            Err((_, error)) => Err(error.into()),
        }
    }
}

/// Opens the file, which may be left from a process that was killed. No other user may lock it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits()).open(path)
}

/// Whether the path leads to this file.
fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let node = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(node(meta) == node(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While the lock is held, so that no other process holds it.
        if is_at(&self.path, &self.file).unwrap_or(false) {
            fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_socket(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("mgmd-lock-{name}-{}", std::process::id()))
    }

    #[test]
    fn m18_the_lock_of_a_file_that_its_owner_has_removed_excludes_nobody() {
        let socket = some_socket("removed");
        let path = path_of(&socket);
        let owner = Lock::take(&socket).expect("a file").expect("it is free");
        let opened = [(); 2].map(|()| open(&path).expect("the same file"));
        let [early, late] = opened;
        assert!(matches!(Lock::attempt(&path, early), Ok(Attempt::Refused)));
        drop(owner);
        assert!(matches!(Lock::attempt(&path, late), Ok(Attempt::Removed)));
        let _next = Lock::take(&socket).expect("a file").expect("it is free");
    }

    #[test]
    fn m18_a_lock_whose_file_was_replaced_leaves_the_other_file_alone() {
        let socket = some_socket("replaced");
        let former = Lock::take(&socket).expect("a file").expect("it is free");
        assert!(Lock::take(&socket).expect("a file").is_none(), "it is held");
        fs::remove_file(path_of(&socket)).expect("it is there");
        let other = Lock::take(&socket).expect("a file").expect("another file");
        drop(former);
        assert!(path_of(&socket).exists());
        drop(other);
        assert!(!path_of(&socket).exists());
    }
}
