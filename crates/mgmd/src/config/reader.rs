//! Reads the tables of a file, as `keys` describes them.

mod unknown;

use super::keys::{Default, Key, Kind, Range, Table};
use super::problem::FileText;
use super::values::{self, Parsed};
use mgm_igmp::config::{AccessList, Rule};
use mgm_types::{Flow, Prefix};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};
use toml::Spanned;

use super::Pattern;

/// The beginning of a message about a list; the description of an element follows.
const IN_LIST: &str = "a list in which each element is";

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Section<'r> {
    pub source: &'r FileText<'r>,
    pub table: &'static Table,
    values: &'r DeTable<'r>,
    /// Where it begins.
    pub at: usize,
}

/// The table from which a structure was read, and the
/// structure.
pub(super) type Read<'r, T> = (Section<'r>, T);

/// A value, with its table and its key.
#[derive(Clone, Copy)]
pub(super) struct Item<'r> {
    section: Section<'r>,
    key: &'static Key,
    value: &'r Spanned<DeValue<'r>>,
}

impl<'r> Section<'r> {
    /// The whole file.
    pub fn root(source: &'r FileText<'r>, table: &'static Table, values: &'r DeTable<'r>) -> Self {
        Section { source, table, values, at: 0 }.checked()
    }

    /// Reports keys that are unknown or missing.
    fn checked(self) -> Self {
        for key in self.values.keys() {
            if self.table.key(key.get_ref()).is_none() {
                let name = self.path(&self.source.shown(key.span()));
                let text = unknown::message(self.table, key.get_ref());
                self.source.unknown(key.span().start, &name, text);
            }
        }
        for key in self.table.keys {
            if key.default == Default::Required && !self.values.contains_key(key.name) {
                let allowed = key.kind.allowed();
                let text = match key.kind.is_list() {
                    true => format!("is missing: use {IN_LIST} {allowed}"),
                    false => format!("is missing: use {allowed}"),
                };
                self.source.missing(self.at, &self.path(key.name), text);
            }
        }
        self
    }

    /// The name of a key of this table, with the names of the tables
    /// around it.
    pub fn path(&self, name: &str) -> String {
        match self.table.path {
            "" => name.into(),
            path => format!("{path}.{name}"),
        }
    }

    /// Adds a problem with a key. Its place is the value of the
    /// key, or the table if the key is missing.
    pub fn problem(&self, name: &str, text: String) {
        let at = self.item(name).map_or(self.at, |item| item.at());
        self.source.problem(at, &self.path(name), text);
    }

    /// The value of a key, if it is there.
    pub fn item(&self, name: &str) -> Option<Item<'r>> {
        let key = self.table.key(name);
        debug_assert!(key.is_some(), "{name} is not described");
        let value = self.values.get(name)?;
        Some(Item { section: *self, key: key?, value })
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        let item = self.item(name)?;
        item.value.get_ref().as_bool().or_else(|| item.refuse(None))
    }

    /// A number within the bounds of its key. `T` must have room for them.
    pub fn number<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        let item = self.item(name)?;
        item.number().and_then(|number| T::try_from(number).ok())
    }

    /// A time in milliseconds.
    pub fn duration(&self, name: &str) -> Option<u32> {
        let item = self.item(name)?;
        item.duration().and_then(|time| time.try_into().ok())
    }

    /// One of the words of its key.
    pub fn word(&self, name: &str) -> Option<&'static str> {
        let item = self.item(name)?;
        let Kind::Word(words) = item.key.kind else { return None };
        item.parse(|text| {
            let word = words.iter().find(|word| **word == text);
            word.copied().ok_or_else(|| unknown::word(name, text))
        })
    }

    pub fn text(&self, name: &str) -> Option<String> {
        let item = self.item(name)?;
        let Kind::Text(most) = item.key.kind else { return None };
        item.parse(|text| {
            let valid = text.encode_utf16().count() <= most && !text.contains('\0');
            valid.then(|| text.into()).ok_or(None)
        })
    }

    pub fn path_of_file(&self, name: &str) -> Option<PathBuf> {
        let item = self.item(name)?;
        let Kind::Path(most) = item.key.kind else { return None };
        item.parse(|text| {
            let valid = text.starts_with('/') && text.len() <= most && !text.contains('\0');
            valid.then(|| text.into()).ok_or(None)
        })
    }

    pub fn name(&self, name: &str) -> Option<Pattern> {
        self.item(name)?.parse(|text| Pattern::new(text).ok_or(None))
    }

    /// The name or number of a user or a group.
    pub fn account(&self, name: &str) -> Option<String> {
        self.item(name)?.parse(|text| {
            let valid = (1..=64).contains(&text.len())
                && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == ':');
            valid.then(|| text.into()).ok_or(None)
        })
    }

    /// The mode of a file.
    pub fn mode(&self, name: &str) -> Option<u32> {
        self.item(name)?.parse(|text| {
            let is_octal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let mode = u32::from_str_radix(text, 8).ok().filter(|_| is_octal);
            mode.filter(|mode| (1..=0o777).contains(mode)).ok_or(None)
        })
    }

    pub fn names(&self, name: &str) -> Option<Vec<Pattern>> {
        self.list(name, |item| item.parse(|text| Pattern::new(text).ok_or(None)))
    }

    pub fn address(&self, name: &str) -> Option<Ipv4Addr> {
        self.item(name)?.parse(values::address)
    }

    pub fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
        self.list(name, |item| item.parse(values::address))
    }

    pub fn prefix(&self, name: &str) -> Option<Prefix> {
        let item = self.item(name)?;
        item.parse(|text| values::prefix(text, item.range()))
    }

    pub fn prefixes(&self, name: &str) -> Option<Vec<Prefix>> {
        self.list(name, |item| item.parse(|text| values::prefix(text, item.range())))
    }

    pub fn access_list(&self, name: &str) -> Option<AccessList> {
        self.list(name, |item| item.rule()).map(values::access_list)
    }

    pub fn memberships(&self, name: &str) -> Option<Vec<Flow>> {
        self.list(name, |item| item.parse(values::membership))
    }

    /// The values of a list, each read by `read`. Reports a value that the list contains
    /// twice.
    pub fn list<T: Debug>(
        &self,
        name: &str,
        read: impl Fn(Item<'r>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let item = self.item(name)?;
        let DeValue::Array(array) = item.value.get_ref() else {
            let found = item.shown();
            let text = match item.value.get_ref() {
                DeValue::String(_) => format!("{found} is not a list: use [{found}]"),
                _ => format!("{found} is not valid: use {IN_LIST} {}", item.key.kind.allowed()),
            };
            return item.refuse(Some(text));
        };
        if array.is_empty() && !matches!(item.key.default, Default::Value(_)) {
            let allowed = item.key.kind.allowed();
            return item.refuse(Some(format!("the list is empty: use {IN_LIST} {allowed}")));
        }
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for value in array.iter() {
            let element = Item { value, ..item };
            let Some(value) = read(element) else { continue };
            if !seen.insert(format!("{value:?}")) {
                let found = element.shown();
                element.refuse::<()>(Some(format!("{found} is in the list twice: remove one")));
            }
            values.push(value);
        }
        Some(values)
    }

    /// The table inside this one.
    pub fn inside(&self, name: &str) -> Option<Section<'r>> {
        let item = self.item(name)?;
        let Kind::Table(table) = item.key.kind else { return None };
        item.section(table)
    }

    /// The tables of a list inside this one.
    pub fn each(&self, name: &str) -> Vec<Section<'r>> {
        let Some(item) = self.item(name) else { return Vec::new() };
        let (Kind::Tables(table), DeValue::Array(array)) = (item.key.kind, item.value.get_ref())
        else {
            item.refuse::<()>(None);
            return Vec::new();
        };
        let elements = array.iter().map(|value| Item { value, ..item });
        elements.filter_map(|element| element.section(table)).collect()
    }
}

impl<'r> Item<'r> {
    pub fn at(&self) -> usize {
        self.value.span().start
    }

    pub fn value(&self) -> &'r DeValue<'r> {
        self.value.get_ref()
    }

    /// The text of the value in the file.
    pub fn shown(&self) -> String {
        self.section.source.shown(self.value.span())
    }

    /// The value as a table.
    pub fn section(&self, table: &'static Table) -> Option<Section<'r>> {
        let DeValue::Table(values) = self.value.get_ref() else { return self.refuse(None) };
        let at = self.at();
        Some(Section { source: self.section.source, table, values, at }.checked())
    }

    /// Reports that the value is invalid, with this text, or with the default text for its
    /// kind.
    pub fn refuse<T>(&self, text: Option<String>) -> Option<T> {
        let text = text.unwrap_or_else(|| {
            let quoted = matches!(
                (self.key.kind, self.value.get_ref()),
                (Kind::Number(..) | Kind::Bool, DeValue::String(_))
            );
            let quotes = if quoted { " without quotes" } else { "" };
            let hint = match (self.key.kind, self.value.get_ref()) {
                (Kind::Word(words), DeValue::String(text)) => unknown::hint(words, text),
                _ => String::new(),
            };
            let (found, allowed) = (self.shown(), self.key.kind.allowed());
            format!("{found} is not valid: use {allowed}{quotes}{hint}")
        });
        let path = self.section.path(self.key.name);
        self.section.source.problem(self.at(), &path, text);
        None
    }

    /// Reads a string.
    pub fn parse<T>(&self, read: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let DeValue::String(text) = self.value.get_ref() else { return self.refuse(None) };
        match read(text) {
            Ok(value) => Some(value),
            Err(None) => self.refuse(None),
            Err(Some(what)) => {
                let (found, allowed) = (self.shown(), self.key.kind.allowed());
                self.refuse(Some(format!("{found} {what}: use {allowed}")))
            }
        }
    }

    pub fn rule(&self) -> Option<Rule> {
        self.parse(|text| values::rule(text, self.range()))
    }

    fn number(&self) -> Option<u64> {
        let (Kind::Number(least, most), DeValue::Integer(integer)) =
            (self.key.kind, self.value.get_ref())
        else {
            return self.refuse(None);
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let valid = number.filter(|number| (least..=most).contains(number));
        valid.or_else(|| self.refuse(None))
    }

    fn duration(&self) -> Option<u64> {
        let Kind::Duration(least, most, step) = self.key.kind else { return None };
        if matches!(self.value.get_ref(), DeValue::Integer(_) | DeValue::Float(_)) {
            let (found, allowed) = (self.shown(), self.key.kind.allowed());
            return self.refuse(Some(format!("{found} has no unit: use {allowed}")));
        }
        self.parse(|text| {
            let time = values::duration(text)?;
            if time % step != 0 {
                return Err(Some("is not a number of whole seconds".into()));
            }
            if (least..=most).contains(&time) {
                Ok(time)
            } else {
                Err(None)
            }
        })
    }

    fn range(&self) -> Range {
        match self.key.kind {
            Kind::Prefix(range) | Kind::Prefixes(range) | Kind::AccessList(range) => range,
            _ => Range::Groups,
        }
    }
}
