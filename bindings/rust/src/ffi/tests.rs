//! The declarations against the headers, by a C compiler.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Has the C compiler check a text behind the headers; its messages if it refuses.
fn compile(name: &str, text: &str) -> std::result::Result<(), String> {
    let source = Path::new(env!("OUT_DIR")).join(name);
    std::fs::write(&source, format!("#include <mgmhost.h>\n#include <stddef.h>\n{text}")).unwrap();
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(cc);
    command.args(["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]);
    let done = command.arg(format!("-I{ROOT}/include")).arg(source).output().unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

#[test]
fn the_layouts_are_those_of_the_headers() {
    let mut text = String::new();
    for (name, size, fields) in LAYOUTS {
        writeln!(text, "_Static_assert(sizeof({name}) == {size}, \"{name}\");").unwrap();
        for (field, at) in *fields {
            writeln!(
                text,
                "_Static_assert(offsetof({name}, {field}) == {at}, \"{name}.{field}\");"
            )
            .unwrap();
        }
    }
    compile("layouts.c", &text).unwrap_or_else(|said| panic!("{said}"));
    assert!(LAYOUTS.len() >= 8);
}

#[test]
fn the_sizes_that_are_read_by_offset_are_those_of_the_headers() {
    compile(
        "offsets.c",
        "#define AT(type, field, at) _Static_assert(offsetof(type, field) == at, #type \".\" #field)\n\
         AT(MIB_IPMCAST_MFE, rgmioOutInfo, 60);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, dwSource, 4);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, dwInIfIndex, 16);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulNumOutIf, 44);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulInPkts, 48);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulInOctets, 52);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulPktsDifferentIf, 56);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulNegativeMfe, 68);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, ulTotalOutPackets, 80);\n\
         AT(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats, 84);\n\
         AT(MIB_IPMCAST_OIF_STATS, ulTtlTooLow, 12);\n\
         AT(MIB_IPMCAST_OIF_STATS, ulOutPackets, 20);\n\
         AT(SOURCE_GROUP_ENTRY, dwGroupAddr, 8);\n\
         _Static_assert(sizeof(MIB_IPMCAST_OIF) == 16 && sizeof(MIB_IPMCAST_OIF_STATS) == 28, \"\");\n\
         _Static_assert(sizeof(SOURCE_GROUP_ENTRY) == 16, \"\");\n",
    )
    .unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn the_constants_are_those_of_the_headers() {
    let constants = [
        ("MGMHOST_API_MAJOR", API_MAJOR),
        ("ERROR_INSUFFICIENT_BUFFER", ERROR_INSUFFICIENT_BUFFER),
        ("ERROR_MORE_DATA", ERROR_MORE_DATA),
        ("ERROR_NO_MORE_ITEMS", ERROR_NO_MORE_ITEMS),
        ("ERROR_CAN_NOT_COMPLETE", ERROR_CAN_NOT_COMPLETE),
        ("MGM_MFE_STATS_1", MGM_MFE_STATS_1),
        ("MGM_JOIN_STATE_FLAG", 1),
        ("MGM_FORWARD_STATE_FLAG", 2),
        ("ANY_SOURCE", ANY_SOURCE),
        ("ALL_SOURCES", ALL_SOURCES),
        ("MGMHOST_FORWARDER_AUTO", crate::host::Forwarder::Auto as u32),
        ("MGMHOST_FORWARDER_KERNEL", crate::host::Forwarder::Kernel as u32),
        ("MGMHOST_FORWARDER_MEMORY", crate::host::Forwarder::Memory as u32),
        ("MGMHOST_FORWARDER_EBPF", crate::host::Forwarder::Ebpf as u32),
        ("MGMHOST_LOG_OFF", crate::host::LogLevel::Off as u32),
        ("MGMHOST_LOG_TRACE", crate::host::LogLevel::Trace as u32),
        ("MGMHOST_START_OPEN_FORWARDER", 1),
        ("MGMHOST_ROUTE_LOCAL", 1),
        ("MGMHOST_ROUTE_PREFERRED", 2),
        ("MGMHOST_STATUS_NO_MEMBERSHIPS", 1),
        ("MGMHOST_STATUS_NO_MFES", 2),
        ("MGMHOST_METRICS_MFES", 1),
        ("MGMHOST_CLIENTS_OWNER", CLIENTS_OWNER),
        ("MGMHOST_CLIENTS_GROUP", CLIENTS_GROUP),
        ("PROTO_IP_OTHER", crate::protocol::OTHER),
        ("PROTO_IP_NETMGMT", crate::protocol::NETMGMT),
        ("PROTO_IP_RIP", crate::protocol::RIP),
        ("PROTO_IP_MSDP", crate::protocol::MSDP),
        ("PROTO_IP_IGMP", crate::protocol::IGMP),
        ("PROTO_IP_BGMP", crate::protocol::BGMP),
        ("PROTO_IP_OSPF", crate::protocol::OSPF),
        ("PROTO_IP_BGP", crate::protocol::BGP),
    ];
    let text = constants.iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "_Static_assert({name} == {value}, \"{name}\");").unwrap();
        text
    });
    compile("constants.c", &text).unwrap_or_else(|said| panic!("{said}"));
}

/// A type of declarations.rs, as the headers have it.
fn c_type(rust: &str) -> String {
    let name = |name: &str| match name {
        "D" => "DWORD".to_owned(),
        "Bool" => "BOOL".into(),
        "u8" => "BYTE".into(),
        "u16" => "WCHAR".into(),
        "c_char" => "char".into(),
        "RawHandle" => "HANDLE".into(),
        "c_void" => "void".into(),
        "Option<LogCallback>" => "MGMHOST_LOG_CALLBACK".into(),
        "Option<ClientFilter>" => "MGMHOST_CLIENT_FILTER".into(),
        "Option<RouterLost>" => "MGMHOST_ROUTER_LOST".into(),
        "Config" => "ROUTING_PROTOCOL_CONFIG".into(),
        "MfeHead" => "MIB_IPMCAST_MFE".into(),
        "HostVersion" => "MGMHOST_VERSION".into(),
        "HostConfig" => "MGMHOST_CONFIG".into(),
        "HostClients" => "MGMHOST_CLIENTS".into(),
        "Oif" => "MGMHOST_OIF".into(),
        "Boundary" => "MIB_IPMCAST_BOUNDARY".into(),
        "Scope" => "MIB_IPMCAST_SCOPE".into(),
        "IfEntry" => "MGM_IF_ENTRY".into(),
        other => panic!("no type in C for {other}"),
    };
    match (rust.strip_prefix("*mut "), rust.strip_prefix("*const ")) {
        (Some(to), _) => format!("{} *", name(to)),
        (_, Some(to)) => format!("const {} *", name(to)),
        _ => name(rust),
    }
}

/// Each function in declarations.rs: the name, and the types of the parameters.
fn declarations() -> Vec<(String, Vec<String>)> {
    let text = include_str!("declarations.rs");
    let block = text.split("extern \"C\" {\n").nth(1).unwrap().split("\n}\n").next().unwrap();
    block
        .split("fn ")
        .skip(1)
        .map(|declaration| {
            let (name, rest) = declaration.split_once('(').unwrap();
            let (parameters, _) = rest.split_once(") -> D;").unwrap();
            let types = parameters.split(',').map(str::trim).filter(|one| !one.is_empty());
            let types = types.map(|one| one.split_once(": ").unwrap().1.to_owned());
            (name.to_owned(), types.collect())
        })
        .collect()
}

/// C refuses a second declaration that is not compatible with the header's. MGM_ENUM_TYPES is
/// the only parameter whose type is another, of the same size.
#[test]
fn the_functions_are_those_of_the_headers() {
    let mut text = String::new();
    for (name, types) in declarations() {
        let mut types: Vec<String> = types.iter().map(|one| c_type(one)).collect();
        if name == "MgmGroupEnumerationStart" {
            types[1] = "MGM_ENUM_TYPES".into();
        }
        let types = if types.is_empty() { "void".into() } else { types.join(", ") };
        writeln!(text, "DWORD {name}({types});").unwrap();
    }
    text += "_Static_assert(sizeof(MGM_ENUM_TYPES) == sizeof(DWORD), \"\");\n";
    compile("functions.c", &text).unwrap_or_else(|said| panic!("{said}"));
    let wrong = text.replace("DWORD MgmHostStop(void);", "DWORD MgmHostStop(DWORD);");
    assert!(compile("wrong.c", &wrong).is_err(), "the compiler finds a difference");
}

#[test]
fn all_functions_of_the_library_are_declared() {
    let exports = std::fs::read_to_string(format!("{ROOT}/src/abi/exports.txt")).unwrap();
    let exported: BTreeSet<String> = exports
        .lines()
        .filter(|line| line.starts_with("Mgm"))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let declared: BTreeSet<String> = declarations().into_iter().map(|(name, _)| name).collect();
    assert_eq!(declared, exported);
}

/// The callbacks have no second declaration in C to compare with: a function of the same type is
/// assigned to each field.
#[test]
fn the_callbacks_are_those_of_the_headers() {
    let callbacks = [
        ("pfnRpfCallback", "Rpf"),
        ("pfnCreationAlertCallback", "CreationAlert"),
        ("pfnPruneAlertCallback", "PruneAlert"),
        ("pfnJoinAlertCallback", "JoinAlert"),
        ("pfnWrongIfCallback", "WrongIf"),
        ("pfnLocalJoinCallback", "Local"),
        ("pfnLocalLeaveCallback", "Local"),
        ("pfnDisableIgmpCallback", "Igmp"),
        ("pfnEnableIgmpCallback", "Igmp"),
    ];
    let source = include_str!("declarations.rs");
    let mut text = String::from("void check(ROUTING_PROTOCOL_CONFIG *c)\n{\n");
    for (field, name) in callbacks {
        let declared = source.split(&format!("type {name} =")).nth(1).unwrap();
        let (_, rest) = declared.split_once("fn(").unwrap();
        let (parameters, _) = rest.split_once(')').unwrap();
        // The library may write to what is const here: the bindings do not.
        let types = parameters.split(", ").map(|one| c_type(&one.replace("*const ", "*mut ")));
        let types: Vec<String> = types.collect();
        writeln!(text, "    {{ DWORD (*f)({}) = c->{field}; (void)f; }}", types.join(", "))
            .unwrap();
    }
    text.push_str("}\n");
    compile("callbacks.c", &text).unwrap_or_else(|said| panic!("{said}"));
}
