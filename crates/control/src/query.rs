//! The part of a path after the question mark.

use crate::error::Failure;
use std::borrow::Cow;
use std::str::FromStr;

/// The parameters of a request. The code that reads them takes each one
/// out.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    path: &'a str,
    given: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    known: Vec<&'static str>,
}

impl<'a> Query<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Query<'a> {
        let given = form_urlencoded::parse(text.as_bytes()).collect();
        Query { path, given, known: Vec::new() }
    }

    /// The path of the request, for messages.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Takes the value of a parameter, if it is given. `allowed` describes the
    /// allowed values, for the message.
    pub fn take<T: FromStr>(
        &mut self,
        name: &'static str,
        allowed: &str,
    ) -> Result<Option<T>, Failure> {
        self.known.push(name);
        let Some(at) = self.given.iter().position(|(known, _)| known == name) else {
            return Ok(None);
        };
        let (_, value) = self.given.remove(at);
        let value = value.parse().map_err(|_| {
            Failure::invalid(format!("{}: invalid {name}={value:?}: use {allowed}", self.path))
        })?;
        Ok(Some(value))
    }

    /// Checks that no parameters are left, which would be unknown or given twice.
    pub fn finish(self) -> Result<(), Failure> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let path = self.path;
        Err(Failure::invalid(if self.known.contains(&name.as_ref()) {
            format!("{path}: parameter {name} is given twice")
        } else if self.known.is_empty() {
            format!("{path}: unknown parameter {name:?}: this path has none")
        } else {
            format!("{path}: unknown parameter {name:?}: use {}", self.known.join(", "))
        }))
    }
}

/// Writes the parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    pub fn add(&mut self, name: &'static str, value: Option<impl ToString>) -> &mut Parameters {
        self.0.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// The path with these parameters.
    pub fn after(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.into();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0);
        format!("{path}?{}", query.finish())
    }
}
