//! Files that cannot be read, or are large.

use crate::config::Config;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A folder for one test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mgmd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join("mgmd.toml");
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The only error of a file, without its name.
fn error(path: &Path) -> String {
    let problems = Config::load(path).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string().replace(&path.display().to_string(), "FILE")
}

#[test]
fn a_file_that_is_not_there() {
    let folder = Folder::new("missing");
    assert_eq!(
        error(&folder.0.join("none.toml")),
        "FILE: cannot be read: No such file or directory (os error 2): name a file that mgmd may \
         read with --config"
    );
}

#[test]
fn a_directory() {
    let folder = Folder::new("directory");
    assert_eq!(error(&folder.0), "FILE: is a directory: name a file with --config");
}

#[test]
fn a_file_that_is_no_text() {
    let folder = Folder::new("binary");
    let path = folder.file(b"[router]\ntable = \xff\n");
    assert_eq!(error(&path), "FILE: line 2 is not UTF-8: use a text file in UTF-8");
}

#[test]
fn a_file_without_end() {
    assert_eq!(
        error(Path::new("/dev/zero")),
        "FILE: is larger than 4 MiB: no configuration needs that"
    );
}

#[test]
fn an_empty_file_is_the_defaults() {
    let folder = Folder::new("empty");
    assert_eq!(Config::load(&folder.file("")), Ok(Config::default()));
}

#[test]
fn a_valid_file_of_1_mb() {
    let mut text = String::new();
    let mut count = 0;
    while text.len() < 1_000_000 {
        write!(text, "[[interface]]\nname = \"eth{count}\"\nigmp = {{ leave = \"tracked\" }}\n")
            .unwrap();
        count += 1;
    }
    let folder = Folder::new("large");
    let config = Config::load(&folder.file(&text)).unwrap();
    assert_eq!(config.interfaces.len(), count);
    assert!(config.link(&format!("eth{}", count - 1)).is_some());
}

#[test]
fn a_wrong_file_of_1_mb() {
    let folder = Folder::new("large-wrong");
    for line in [
        "querry = 1\n",
        "[[interface]]\nnaem = \"eth0\"\n",
        "= 1 # there is no key here\n",
        "[[",
        "\"",
        "a.b.",
    ] {
        let text = line.repeat(1_000_000 / line.len());
        let problems = Config::load(&folder.file(&text)).unwrap_err();
        assert!((1..=101).contains(&problems.len()), "{line:?}");
    }
}
