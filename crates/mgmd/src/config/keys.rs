//! A description of each key of the file, for the messages of the parser and for
//! mgmd.toml(5).

mod tables;

pub use tables::{BOUNDARY, CLIENT, IGMP, INTERFACE, MODULE, PROXY, ROOT, ROUTE, ROUTER};

/// A table of the file.
#[derive(Debug)]
pub struct Table {
    /// Its path: "interface.igmp"; empty for the whole file.
    pub path: &'static str,
    /// How it begins in a file: `[[interface]]`.
    pub header: &'static str,
    /// What it is for, in paragraphs.
    pub about: &'static str,
    /// What it may contain, in the order of the manual.
    pub keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Which values it may have.
    pub kind: Kind,
    /// Its default.
    pub default: Default,
    /// Whether a reload can change it.
    pub reload: bool,
    /// What it means.
    pub about: &'static str,
}

/// The default of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// There is none: the key must be there.
    Required,
    /// This value, in TOML.
    Value(&'static str),
    /// The default in words.
    Words(&'static str),
}

/// Which values a key may have.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// true or false.
    Bool,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// A whole number.
    Number(u64, u64),
    /// A time in milliseconds: the minimum, the maximum, and the unit of which it
    /// must be a multiple.
    Duration(u64, u64, u64),
    /// A string of at most this many characters.
    Text(usize),
    /// An absolute path of at most this many bytes.
    Path(usize),
    /// The mode of a file.
    Mode,
    /// The name or number of a user.
    User,
    /// The name or number of a group.
    Group,
    /// A list of protocol ids, with or without component ids.
    Ids,
    /// The name or pattern of an interface.
    Name,
    /// A list of these.
    Names,
    /// An address that a host can have.
    Address,
    /// A list of these.
    Addresses,
    /// A prefix.
    Prefix(Range),
    /// A list of these.
    Prefixes(Range),
    /// A list of prefixes that are permitted or denied.
    AccessList(Range),
    /// A list of (\*,g) and (s,g).
    Memberships,
    /// A list of scopes, with or without names.
    Boundaries,
    /// true, false or an access list of groups.
    ForwardUp,
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
}

/// Which addresses a prefix is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Hosts.
    Sources,
    /// Groups.
    Groups,
    /// Groups that routers forward.
    Forwarded,
    /// Groups of 239.0.0.0/8.
    Scopes,
}

impl Range {
    /// The prefixes, in words, with an example.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Range::Sources => "a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
            Range::Groups => "a prefix of groups inside 224.0.0.0/4, such as \"239.2.0.0/16\"",
            Range::Forwarded => {
                "a prefix of groups inside 224.0.0.0/4 and outside 224.0.0.0/24, such as \
                 \"239.2.0.0/16\""
            }
            Range::Scopes => "a prefix of groups inside 239.0.0.0/8, such as \"239.255.0.0/16\"",
        }
    }
}

impl Kind {
    /// The allowed values in words, which a message puts after "use". For a list: the values of
    /// one element.
    #[must_use]
    pub fn allowed(self) -> String {
        match self {
            Kind::Bool => "true or false".into(),
            Kind::Word(words) => one_of(words),
            // Three numbers only, so all of them are listed.
            Kind::Number(least, most) if most - least == 2 => {
                format!("{least}, {} or {most}", least + 1)
            }
            Kind::Number(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Duration(least, most, _) => format!(
                "a string with a unit (ms, s, m or h) from \"{}\" to \"{}\"",
                duration(least),
                duration(most)
            ),
            Kind::Text(most) => format!("a string of at most {most} characters"),
            Kind::Path(most) => format!("an absolute path of at most {most} bytes in quotes"),
            Kind::Mode => "an octal number from \"0001\" to \"0777\" in quotes".into(),
            Kind::User => "the name or the number of a user in quotes".into(),
            Kind::Group => "the name or the number of a group in quotes".into(),
            Kind::Ids => {
                "a protocol id, or a protocol id and a component id, such as \"200\" or \"200/1\""
                    .into()
            }
            Kind::Name | Kind::Names => {
                "the name of an interface or a pattern, such as \"eth0\" or \"lan*\"".into()
            }
            Kind::Address | Kind::Addresses => "the IPv4 address of a host in quotes".into(),
            Kind::Prefix(range) | Kind::Prefixes(range) => range.words().into(),
            Kind::AccessList(range) => {
                format!("\"permit\", \"deny\" or nothing, and then {}", range.words())
            }
            Kind::Memberships => "a group or a source and a group, such as \"239.1.1.1\" or \
                 \"10.1.1.1, 232.1.1.1\""
                .into(),
            Kind::Boundaries => {
                "a prefix of groups inside 239.0.0.0/8, such as \"239.255.0.0/16\", or \
                 { scope = \"239.255.0.0/16\", name = \"site\" }"
                    .into()
            }
            Kind::ForwardUp => "true, false or a list of prefixes of groups".into(),
            Kind::Table(table) => format!("a table, {}", table.header),
            Kind::Tables(table) => format!("{} for each of them", table.header),
        }
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Kind::Names
                | Kind::Ids
                | Kind::Addresses
                | Kind::Prefixes(_)
                | Kind::AccessList(_)
                | Kind::Memberships
                | Kind::Boundaries
        )
    }
}

/// "a", "b" or "c".
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A time in its largest whole unit.
#[must_use]
pub fn duration(milliseconds: u64) -> String {
    for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds != 0 && milliseconds % length == 0 {
            return format!("{}{unit}", milliseconds / length);
        }
    }
    format!("{milliseconds}ms")
}

impl Table {
    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// This table and those inside it, in the order of the manual.
    #[must_use]
    pub fn all(&'static self) -> Vec<&'static Table> {
        let inside = self.keys.iter().filter_map(|key| match key.kind {
            Kind::Table(table) | Kind::Tables(table) => Some(table),
            _ => None,
        });
        std::iter::once(self).chain(inside.flat_map(Table::all)).collect()
    }
}
