use super::*;

fn group(last: u8) -> SavedGroup {
    SavedGroup {
        group: [239, 1, 1, last].into(),
        exclude: true,
        wanted: vec![[10, 0, 0, 1].into()],
        excluded: vec![[10, 0, 0, 2].into()],
    }
}

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mgmd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        path(&self.0.join("control"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn i80_groups_are_read_once_and_while_they_are_young() {
    let folder = Folder::new("young");
    let mut saved = Saved::at(Time(1_000));
    for name in ["eth0", "eth1", "eth2"] {
        saved.add(name, vec![group(1), group(2)]);
    }
    saved.add("eth3", Vec::new());
    saved.write(&folder.file()).unwrap();
    let (mut read, problem) = Saved::read(&folder.file());
    assert_eq!((&read, problem), (&saved, None));
    let config = LinkConfig::default();
    let limit = config.intervals().group_membership;
    let young = read.take("eth0", &config, Time(1_000 + limit - 1));
    assert_eq!(young, Some(vec![group(1), group(2)]));
    assert_eq!(read.take("eth0", &config, Time(1_000)), None, "only once");
    assert_eq!(read.take("eth1", &config, Time(1_000 + limit)), None, "too old");
    assert_eq!(read.take("eth2", &config, Time(999)), None, "from the future");
    assert_eq!(Saved::read(&folder.file()).0, saved, "a start that fails does not use it up");
    delete(&folder.file()).unwrap();
    assert_eq!(Saved::read(&folder.file()), (Saved::default(), None), "the file is gone");
    delete(&folder.file()).expect("there need not be a file");
}

#[test]
fn i80_a_broken_file_is_a_start_without_groups() {
    let folder = Folder::new("broken");
    let whole = serde_json::to_string(&Saved::at(Time(5))).unwrap();
    let newer = whole.replace("\"version\":1", "\"version\":2");
    for text in ["", "{", "[]", "{\"version\":1}", &newer, &whole[..whole.len() - 1]] {
        std::fs::write(folder.file(), text).unwrap();
        let (saved, problem) = Saved::read(&folder.file());
        assert_eq!(saved, Saved::default());
        assert!(problem.unwrap().contains("starting without saved groups"), "{text}");
    }
    let other = whole.replace(&boot(), "another start");
    std::fs::write(folder.file(), other).unwrap();
    assert_eq!(Saved::read(&folder.file()), (Saved::default(), None));
}

#[test]
fn m10_the_groups_are_in_the_state_directory() {
    let control = Path::new("/run/mgmd/control");
    let in_state = |state: &str| path_in(Some(state.into()), control);
    assert_eq!(path_in(None, control), Path::new("/run/mgmd/groups.json"));
    assert_eq!(in_state("/var/lib/mgmd"), Path::new("/var/lib/mgmd/groups.json"));
    assert_eq!(in_state(""), Path::new("/run/mgmd/groups.json"));
}
