//! Makes mgm.ffi.h of the other headers, for languages that read C declarations without a C
//! compiler: cffi, LuaJIT and Fiddle have no preprocessor. build.rs includes this file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEAD: &str = r#"/*
 * mgm.ffi.h - mgm.h and mgmhost.h for languages that read C declarations themselves, such
 * as Python with cffi, LuaJIT, and Ruby with Fiddle. C programs include mgm.h instead.
 *
 * Generated from src/abi: edit the files there, then run "make headers".
 *
 * This file needs no preprocessor: it has no directives, and its only comments are those
 * at the top of each part. Each declaration is on one line, except that structures and
 * enumerations have a line for each member. The constants are enumerators. Macros that
 * are expressions are left out. mgm.h and mgmhost.h document all names.
 */
"#;

/// The integer types without <stdint.h>. All systems that mgm supports have these sizes.
const PLAIN: [(&str, &str); 6] = [
    ("int32_t", "int"),
    ("uint8_t", "unsigned char"),
    ("uint16_t", "unsigned short"),
    ("uint32_t", "unsigned int"),
    ("uint64_t", "unsigned long long"),
    ("char16_t", "unsigned short"),
];

/// Returns the header. `headers` are the names and texts of the others, each of which may
/// use the names of those before it.
pub fn header(headers: &[(&str, String)]) -> String {
    let parts: Vec<Part> = headers.iter().map(|(_, text)| Part::of(text)).collect();
    let constants: BTreeMap<&str, u64> = parts
        .iter()
        .flat_map(|part| &part.constants)
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    let mut out = HEAD.to_owned();
    for ((name, _), part) in headers.iter().zip(&parts) {
        write!(out, "\n/* {name} */\n\nenum {{\n").expect("writing to a String cannot fail");
        // cffi and C11 take enumerators that an int can hold.
        let fits = |(_, n): &&(String, u64)| i32::try_from(*n).is_ok();
        let lines: Vec<String> = part
            .constants
            .iter()
            .filter(fits)
            .map(|(name, n)| format!("    {name} = {n}"))
            .collect();
        out.push_str(&lines.join(",\n"));
        out.push_str("\n};\n\n");
        for declaration in &part.declarations {
            out.push_str(&laid_out(&plain_types(&sized(declaration, &constants))));
        }
    }
    out
}

/// What a header declares.
struct Part {
    constants: Vec<(String, u64)>,
    declarations: Vec<String>,
}

impl Part {
    fn of(text: &str) -> Part {
        let text = without_comments(text).replace("\\\n", " ");
        let (mut code, mut constants, mut skipped) = (String::new(), Vec::new(), Vec::new());
        for line in text.lines().map(str::trim) {
            let Some(directive) = line.strip_prefix('#') else {
                if !skipped.contains(&true) {
                    writeln!(code, "{line}").expect("writing to a String cannot fail");
                }
                continue;
            };
            if directive.starts_with("if") {
                // What only C++ compilers or compilers for Windows see.
                let other = directive == "ifdef __cplusplus" || directive.contains("_WIN32");
                skipped.push(other);
            } else if directive == "else" {
                let last = skipped.last_mut().expect("#else follows #if");
                *last = !*last;
            } else if directive == "endif" {
                skipped.pop().expect("#endif follows #if");
            } else if !skipped.contains(&true) {
                constants.extend(constant(directive));
            }
        }
        Part { constants, declarations: declarations(&code) }
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out + rest
}

/// Returns the name and the value of "define NAME 12", and nothing for other directives.
fn constant(directive: &str) -> Option<(String, u64)> {
    let (name, value) = directive.strip_prefix("define ")?.trim().split_once(' ')?;
    let value = value.trim();
    let number = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => value.parse(),
    };
    Some((name.to_owned(), number.ok()?))
}

/// Splits code into declarations, each with single spaces. Drops inline functions.
fn declarations(code: &str) -> Vec<String> {
    let (mut out, mut current, mut depth) = (Vec::new(), String::new(), 0);
    for word in code.replace('{', " { ").replace('}', " } ").replace(';', "; ").split_whitespace() {
        current.push_str(if current.is_empty() { "" } else { " " });
        current.push_str(word);
        depth += i32::from(word == "{") - i32::from(word == "}");
        let inline = current.starts_with("static inline");
        if depth == 0 && (word.ends_with(';') || inline && word == "}") {
            if !inline {
                out.push(current.replace(" ;", ";"));
            }
            current.clear();
        }
    }
    assert!(current.is_empty(), "a header ends inside a declaration: {current}");
    out
}

/// Replaces the constants that are sizes of arrays by numbers.
fn sized(declaration: &str, constants: &BTreeMap<&str, u64>) -> String {
    let mut out = String::new();
    let mut rest = declaration;
    while let Some((before, after)) = rest.split_once('[') {
        let (size, after) = after.split_once(']').expect("an array has a size");
        let size = constants.get(size).map_or(size.to_owned(), u64::to_string);
        write!(out, "{before}[{size}]").expect("writing to a String cannot fail");
        rest = after;
    }
    out + rest
}

fn plain_types(declaration: &str) -> String {
    let mut out = declaration.to_owned();
    for (fixed, plain) in PLAIN {
        out = out.replace(&format!(" {fixed} "), &format!(" {plain} "));
    }
    out
}

/// Gives each member of a structure or enumeration a line.
fn laid_out(declaration: &str) -> String {
    let Some((head, rest)) = declaration.split_once(" { ") else {
        return format!("{declaration}\n");
    };
    let (members, tail) = rest.rsplit_once('}').expect("declarations are whole");
    let end = if head.contains("enum") { ',' } else { ';' };
    let members: Vec<&str> =
        members.split(end).map(str::trim).filter(|member| !member.is_empty()).collect();
    let close = if end == ';' { ";" } else { "" };
    let separator = if end == ';' { ";\n    " } else { ",\n    " };
    format!("{head} {{\n    {}{close}\n}}{tail}\n", members.join(separator))
}
