//! Whether the dynamic linker would load a library into a program.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The path of a program, as a shell finds it.
pub fn find(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, String> {
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    let folders = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    let mut places = folders.unwrap_or_default().into_iter().map(|folder| folder.join(name));
    let is_program = |place: &PathBuf| {
        fs::metadata(place).is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0)
    };
    places
        .find(is_program)
        .ok_or_else(|| format!("{}: not found: it is in no folder of PATH", name.to_string_lossy()))
}

/// Refuses a program that would run without the library, and so would fail later with a message that
/// does not say why, or would take the kernel's multicast routing from mgmd.
pub fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    let of = fs::metadata(path).map_err(unreadable)?;
    // SAFETY: these calls have no conditions.
    let (user, group) = unsafe { (libc::getuid(), libc::getgid()) };
    let ignored = |why: &str, advice: &str| {
        format!("{}: {why}, so the dynamic linker ignores LD_PRELOAD: {advice}", path.display())
    };
    let as_its_user = "run a copy without this bit, as the user that it needs";
    if of.mode() & libc::S_ISUID != 0 && of.uid() != user {
        return Err(ignored("it is set-user-ID", as_its_user));
    }
    if of.mode() & libc::S_ISGID != 0 && of.gid() != group {
        return Err(ignored("it is set-group-ID", as_its_user));
    }
    if user != 0 && has_capabilities(path) {
        let advice = "run it as root, or give these capabilities to its service \
                      (AmbientCapabilities=) and run a copy without them";
        return Err(ignored("its file has capabilities", advice));
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(1 << 20).read_to_end(&mut head))
        .map_err(unreadable)?;
    match kind(&head) {
        Kind::Dynamic | Kind::Script => Ok(()),
        Kind::Static => Err(ignored(
            "it is statically linked",
            "use a dynamically linked build, such as that of the distribution",
        )),
        Kind::Foreign => Err(format!(
            "{}: it is no program of this kind of processor: libmgm-mroute.so cannot be loaded \
             into it",
            path.display()
        )),
    }
}

fn has_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let name = c"security.capability".as_ptr();
    // SAFETY: both strings are terminated, and nothing is written.
    unsafe { libc::getxattr(path.as_ptr(), name, std::ptr::null_mut(), 0) > 0 }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Dynamic,
    Static,
    /// The interpreter of the script is dynamic, on all systems.
    Script,
    /// Something else.
    Foreign,
}

/// The number of this kind of processor in the headers of programs (e_machine).
const MACHINE: Option<u16> = if cfg!(target_arch = "x86_64") {
    Some(62)
} else if cfg!(target_arch = "aarch64") {
    Some(183)
} else if cfg!(target_arch = "riscv64") {
    Some(243)
} else {
    None
};

/// What a file is, by its first bytes. Only a dynamic program names a dynamic linker (PT_INTERP).
fn kind(head: &[u8]) -> Kind {
    const PT_INTERP: u32 = 3;
    const CLASS_64: u8 = 2;
    if head.starts_with(b"#!") {
        return Kind::Script;
    }
    let own_order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if !head.starts_with(b"\x7fELF") || head.get(4..6) != Some(&[CLASS_64, own_order]) {
        return Kind::Foreign;
    }
    let u16_at = |at: usize| Some(u16::from_ne_bytes(head.get(at..at + 2)?.try_into().ok()?));
    if MACHINE.is_some_and(|own| u16_at(18) != Some(own)) {
        return Kind::Foreign;
    }
    let u64_at = |at: usize| Some(u64::from_ne_bytes(head.get(at..at + 8)?.try_into().ok()?));
    let (Some(start), Some(size), Some(count)) = (u64_at(32), u16_at(54), u16_at(56)) else {
        return Kind::Foreign;
    };
    let types = (0..u64::from(count)).filter_map(|number| {
        let at = usize::try_from(start.checked_add(number * u64::from(size))?).ok()?;
        Some(u32::from_ne_bytes(head.get(at..at.checked_add(4)?)?.try_into().ok()?))
    });
    match types.into_iter().any(|kind| kind == PT_INTERP) {
        true => Kind::Dynamic,
        false => Kind::Static,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_program_is_read_from_its_headers() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(kind(&own), Kind::Dynamic);
        let mut without = own.clone();
        let start = u64::from_ne_bytes(own[32..40].try_into().unwrap()) as usize;
        let (size, count) = (own[54] as usize, own[56] as usize);
        for number in 0..count {
            let at = start + number * size;
            if without[at] == 3 {
                without[at] = 4;
            }
        }
        assert_eq!(kind(&without), Kind::Static);
        let mut small = own.clone();
        small[4] = 1;
        assert_eq!(kind(&small), Kind::Foreign, "32 bits");
        if MACHINE.is_some() {
            let mut other = own.clone();
            other[18] ^= 1;
            assert_eq!(kind(&other), Kind::Foreign, "of another processor");
        }
        assert_eq!(kind(b"#!/bin/sh\n"), Kind::Script);
        for cut in [0, 3, 4, 16, 40, 57] {
            assert_ne!(kind(&own[..cut]), Kind::Dynamic, "{cut} bytes");
        }
    }

    #[test]
    fn a_program_is_found_as_by_a_shell() {
        let path = Some(OsStr::new("/no/such:/usr/bin:/bin"));
        assert!(find(OsStr::new("sh"), path).unwrap().ends_with("bin/sh"));
        assert_eq!(find(OsStr::new("./sh"), path).unwrap(), Path::new("./sh"));
        assert!(find(OsStr::new("no-such-daemon"), path).unwrap_err().contains("PATH"));
        assert!(find(OsStr::new("sh"), None).is_err());
    }

    #[test]
    fn a_program_into_which_nothing_is_loaded_is_refused() {
        let folder = std::env::temp_dir().join(format!("mgm-run-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let program = folder.join("program");
        fs::copy("/bin/sh", &program).unwrap();
        assert_eq!(check(&program), Ok(()));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
        // Set-user-ID to oneself changes nothing.
        assert_eq!(check(&program), Ok(()));
        // SAFETY: it has no conditions.
        if unsafe { libc::getuid() } == 0 {
            std::os::unix::fs::chown(&program, Some(12345), None).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
            assert!(check(&program).unwrap_err().contains("set-user-ID"));
        }
        let text = folder.join("text");
        fs::write(&text, "text").unwrap();
        assert!(check(&text).unwrap_err().contains("no program"));
        fs::remove_dir_all(&folder).unwrap();
        assert!(check(&program).is_err());
    }
}
