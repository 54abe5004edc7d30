//! The compiled programs: `bpf/mgm.bpf.o`, an ELF file. No I/O here.

use super::sys::MapSpec;
use std::ffi::CStr;

/// What `make bpf` compiled.
pub(super) const OBJECT: &[u8] = include_bytes!("../../bpf/mgm.bpf.o");

/// The instruction that loads a 64-bit number; its second half follows.
const LOAD_64: u8 = 0x18;
/// What makes such a number the address of the map with that descriptor.
const PSEUDO_MAP_FD: u64 = 1;

/// Why an object cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadObject(pub &'static str);

type Parsed<T> = Result<T, BadObject>;

/// The programs and maps of an object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    sections: Vec<Section<'a>>,
    symbols: Vec<Symbol<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Section<'a> {
    name: &'a str,
    kind: u32,
    data: &'a [u8],
    /// The section that a table of relocations is for.
    info: usize,
}

#[derive(Clone, Copy, Debug)]
struct Symbol<'a> {
    name: &'a str,
    section: usize,
    value: usize,
}

/// A program before its maps are filled in.
#[derive(Debug)]
pub(super) struct RawProgram<'a> {
    pub instructions: Vec<u64>,
    /// Which instruction names which map.
    pub maps: Vec<(usize, &'a str)>,
}

impl RawProgram<'_> {
    /// Fills in the descriptor of each map.
    pub(super) fn linked(&self, fd: impl Fn(&str) -> Option<i32>) -> Parsed<Vec<u64>> {
        let mut instructions = self.instructions.clone();
        for (at, map) in &self.maps {
            let fd = fd(map).ok_or(BadObject("a program uses an unknown map"))?;
            let first = instructions.get_mut(*at).ok_or(BadObject("a relocation is outside"))?;
            if *first as u8 != LOAD_64 {
                return Err(BadObject("a relocation is not for a map"));
            }
            // The source register is the high half of the second byte, the number the high word.
            *first = (*first & 0x0fff) | PSEUDO_MAP_FD << 12 | u64::from(fd as u32) << 32;
        }
        Ok(instructions)
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Parsed<[u8; N]> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or(BadObject("the file is cut off"))
}

fn u16_at(bytes: &[u8], at: usize) -> Parsed<usize> {
    Ok(usize::from(u16::from_le_bytes(number(bytes, at)?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Parsed<u32> {
    Ok(u32::from_le_bytes(number(bytes, at)?))
}

fn u64_at(bytes: &[u8], at: usize) -> Parsed<u64> {
    Ok(u64::from_le_bytes(number(bytes, at)?))
}

fn size_at(bytes: &[u8], at: usize) -> Parsed<usize> {
    usize::try_from(u64_at(bytes, at)?).map_err(|_| BadObject("a size is too large"))
}

fn text_at(strings: &[u8], at: u32) -> Parsed<&str> {
    let text = strings.get(at as usize..).and_then(|rest| CStr::from_bytes_until_nul(rest).ok());
    text.and_then(|text| text.to_str().ok()).ok_or(BadObject("a name has no end"))
}

const SYMBOLS: u32 = 2; // SHT_SYMTAB
const NO_DATA: u32 = 8; // SHT_NOBITS
const RELOCATIONS: u32 = 9; // SHT_REL

impl<'a> Object<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Parsed<Object<'a>> {
        // ELF, 64 bits, little endian; a relocatable file for BPF.
        if bytes.get(..6) != Some(b"\x7fELF\x02\x01") || u16_at(bytes, 18)? != 247 {
            return Err(BadObject("not an object for BPF"));
        }
        let (table, count) = (size_at(bytes, 40)?, u16_at(bytes, 60)?);
        let head = |index: usize| -> Parsed<&'a [u8]> {
            let start = table.checked_add(index * 64).ok_or(BadObject("a size is too large"))?;
            let head = bytes.get(start..).and_then(|rest| rest.get(..64));
            head.ok_or(BadObject("the file is cut off"))
        };
        let data = |head: &[u8]| -> Parsed<&'a [u8]> {
            if u32_at(head, 4)? == NO_DATA {
                return Ok(&[]);
            }
            let (offset, size) = (size_at(head, 24)?, size_at(head, 32)?);
            let data = bytes.get(offset..).and_then(|rest| rest.get(..size));
            data.ok_or(BadObject("the file is cut off"))
        };
        let strings = data(head(u16_at(bytes, 62)?)?)?;
        let mut object = Object { sections: Vec::new(), symbols: Vec::new() };
        for index in 0..count {
            let head = head(index)?;
            object.sections.push(Section {
                name: text_at(strings, u32_at(head, 0)?)?,
                kind: u32_at(head, 4)?,
                data: data(head)?,
                info: u32_at(head, 44)? as usize,
            });
        }
        let table = object.sections.iter().find(|section| section.kind == SYMBOLS);
        let table = table.ok_or(BadObject("there are no symbols"))?.data;
        for symbol in table.chunks_exact(24) {
            object.symbols.push(Symbol {
                name: text_at(strings, u32_at(symbol, 0)?)?,
                section: u16_at(symbol, 6)?,
                value: size_at(symbol, 8)?,
            });
        }
        Ok(object)
    }

    fn section(&self, name: &str) -> Parsed<usize> {
        let found = self.sections.iter().position(|section| section.name == name);
        found.ok_or(BadObject("a section is missing"))
    }

    /// The licence, for the kernel.
    pub(super) fn licence(&self) -> Parsed<&'a CStr> {
        let data = self.sections[self.section("license")?].data;
        CStr::from_bytes_until_nul(data).map_err(|_| BadObject("the licence has no end"))
    }

    /// What a map is to be created from.
    pub(super) fn map(&self, name: &str) -> Parsed<MapSpec> {
        let section = self.section("maps")?;
        let symbol = self.symbols.iter().find(|it| it.section == section && it.name == name);
        let at = symbol.ok_or(BadObject("a map is missing"))?.value;
        let data = self.sections[section].data.get(at..).unwrap_or_default();
        Ok(MapSpec {
            kind: u32_at(data, 0)?,
            key_size: u32_at(data, 4)?,
            value_size: u32_at(data, 8)?,
            max_entries: u32_at(data, 12)?,
            flags: u32_at(data, 16)?,
        })
    }

    /// The program of this name.
    pub(super) fn program(&self, name: &'a str) -> Parsed<RawProgram<'a>> {
        let section = self
            .sections
            .iter()
            .position(|section| section.name.strip_prefix("tc/") == Some(name))
            .ok_or(BadObject("a program is missing"))?;
        let code = self.sections[section].data;
        let instructions =
            code.chunks_exact(8).map(|bytes| u64_at(bytes, 0)).collect::<Parsed<_>>()?;
        let mut maps = Vec::new();
        let tables = self.sections.iter().filter(|it| it.kind == RELOCATIONS && it.info == section);
        for entry in tables.flat_map(|table| table.data.chunks_exact(16)) {
            let symbol = (u64_at(entry, 8)? >> 32) as usize;
            let symbol = self.symbols.get(symbol).ok_or(BadObject("a symbol is missing"))?;
            maps.push((size_at(entry, 0)? / 8, symbol.name));
        }
        Ok(RawProgram { instructions, maps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_of_this_library_has_what_load_needs() {
        let object = Object::parse(OBJECT).unwrap();
        assert_eq!(object.licence().unwrap().to_bytes(), b"MIT");
        for name in
            ["mgm_l2", "mgm_l3", "mgm_own", "mgm_own_l3", "mgm_resend", "mgm_copies", "mgm_loop"]
        {
            let program = object.program(name).unwrap();
            assert!(program.instructions.len() > 4, "{name}");
            let linked = program.linked(|_| Some(0x1234)).unwrap();
            for (at, _) in &program.maps {
                assert_eq!(linked[*at] >> 32, 0x1234, "{name}: instruction {at}");
                assert_eq!(linked[*at] >> 12 & 0xf, PSEUDO_MAP_FD);
            }
        }
        assert_eq!(object.program("mgm_copies").unwrap().maps.len(), 4);
        assert!(object.program("mgm_nothing").is_err());
        assert!(object.map("nothing").is_err());
        assert_eq!(object.map("ring").unwrap().max_entries, 16 << 20);
    }

    #[test]
    fn an_unknown_map_is_an_error() {
        let object = Object::parse(OBJECT).unwrap();
        let program = object.program("mgm_l2").unwrap();
        assert!(program.linked(|name| (name != "ring").then_some(1)).is_err());
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_refused_without_a_panic() {
        let whole = |bytes: &[u8]| -> Parsed<usize> {
            let object = Object::parse(bytes)?;
            object.licence()?;
            object.map("ring")?;
            let program = object.program("mgm_copies")?;
            Ok(program.linked(|_| Some(1))?.len())
        };
        let length = whole(OBJECT).unwrap();
        for cut in (0..OBJECT.len()).step_by(97) {
            assert!(whole(&OBJECT[..cut]).is_err(), "{cut} bytes");
        }
        let mut seed = 1u32;
        for _ in 0..20_000 {
            let mut bytes = OBJECT.to_vec();
            for _ in 0..4 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // The header, or the tables at the end.
                let at = (seed >> 8) as usize % 8192;
                let at = if at < 64 { at } else { bytes.len() - at };
                bytes[at] = seed as u8;
            }
            // Anything but a panic.
            let _ = whole(&bytes).map(|other| other.min(length));
        }
    }
}
