"""Reads from the sources of the bindings which constants, kinds of enumerations and members of structures they have.

A language has a constant if its binding defines one with the same number, or names that of C, and declares a
public name for it. It has a member if the type that stands for the structure declares one."""

import ast
import re

from ffi_declarations import HEADER, Header
from language_sources import ROOT

LANGUAGES = ("C++", "Python", "Node.js", "Go", "Rust")
SOURCES = {
    "C++": "include/mgm*.hpp",
    "Python": "bindings/python/src/mgm/*.py",
    "Node.js": "bindings/node/lib/*.js",
    "Go": "bindings/go/*.[gc]*",
    "Rust": "bindings/rust/src/**/*.rs",
}
PROTOCOLS = "OTHER LOCAL NETMGMT RIP MSDP IGMP BGMP OSPF BGP".split()
# The enumerations: the prefix in C, and the names in the languages.
ENUMERATIONS = {
    "MGMHOST_FORWARDER_": ("forwarder", "Forwarder", "FORWARDERS", "Forwarder", "Forwarder"),
    "MGMHOST_LOG_": ("log_level", "LogLevel", "LEVELS", "LogLevel", "LogLevel"),
}
# The flags, and the public name in each language.
FLAGS = {
    "MGM_JOIN_STATE_FLAG": ("client::join", "client.join", "client.join", "client.Join", "Client::join"),
    "MGM_FORWARD_STATE_FLAG": ("MGM_FORWARD_STATE_FLAG", "forward_only", "forwardOnly", "client.Forward", "Client::forward"),
    "MGM_MFE_STATS_1": ("get_mfe_stats", "get_mfe_stats", "getMfeStats", "GetMfeStats", "get_mfe_stats"),
    "ANY_SOURCE": ("any_source", "any_source", "anySource", "GroupsWithSources", "groups_with_sources"),
    "ALL_SOURCES": ("client::groups", "client.groups", "client.groups", "client.Groups", "Client::groups"),
    "MGMHOST_ROUTE_LOCAL": ("MGMHOST_ROUTE_LOCAL", "local", "local", "Route.Local", "Route::local"),
    "MGMHOST_ROUTE_PREFERRED": ("MGMHOST_ROUTE_PREFERRED", "preferred", "preferred", "Route.Preferred", "Route::preferred"),
    "MGMHOST_CLIENTS_OWNER": ("client_service::owner", "owner", "owner", "ClientService.Owner", "ClientService::owner"),
    "MGMHOST_CLIENTS_GROUP": ("client_service::group", "group", "group", "ClientService.Group", "ClientService::group"),
    "MGMHOST_STATUS_NO_MEMBERSHIPS": ("MGMHOST_STATUS_NO_MEMBERSHIPS", "memberships", "memberships", "NoMemberships",
                                      "Detail::memberships"),
    "MGMHOST_STATUS_NO_MFES": ("MGMHOST_STATUS_NO_MFES", "mfes", "mfes", "NoMfes", "Detail::mfes"),
    "MGMHOST_METRICS_MFES": ("of_mfes", "mfes", "mfes", "mfes", "mfes"),
}
# The functions of C++ that take these flags of C as their parameter `flags`.
FLAGS_OF_C = {"MGM_FORWARD_STATE_FLAG": "join", "MGMHOST_ROUTE_LOCAL": "add_route", "MGMHOST_ROUTE_PREFERRED": "add_route",
              "MGMHOST_STATUS_NO_MEMBERSHIPS": "status", "MGMHOST_STATUS_NO_MFES": "status"}
# Constants and structures that the page does not compare, by the reason.
NOT_COMPARED = {
    "each language has its own truth values, and its own way to report success":
        "FALSE TRUE NO_ERROR ERROR_SUCCESS",
    "each binding names the errors in its own way":
        "ERROR_NOT_ENOUGH_MEMORY ERROR_INVALID_PARAMETER ERROR_ALREADY_EXISTS ERROR_CAN_NOT_COMPLETE ERROR_NOT_FOUND",
    "the bindings handle these codes themselves":
        "ERROR_INSUFFICIENT_BUFFER ERROR_MORE_DATA ERROR_NO_MORE_ITEMS",
    "other protocols are numbers in the bindings":
        "PROTO_IP_ICMP PROTO_IP_EGP PROTO_IP_GGP PROTO_IP_HELLO PROTO_IP_IS_IS PROTO_IP_ES_IS PROTO_IP_CISCO PROTO_IP_BBN "
        "PROTO_IP_VRRP PROTO_IP_BOOTP PROTO_IP_NT_AUTOSTATIC PROTO_IP_DNS_PROXY PROTO_IP_DHCP_ALLOCATOR PROTO_IP_NAT "
        "PROTO_IP_NT_STATIC PROTO_IP_NT_STATIC_NON_DOD PROTO_IP_DIFFSERV PROTO_IP_MGM PROTO_TYPE_UCAST PROTO_TYPE_MCAST "
        "PROTO_TYPE_MS0 PROTO_TYPE_MS1 PROTO_VENDOR_MS0 PROTO_VENDOR_MS1 PROTO_VENDOR_MS2",
    "lengths of arrays, and an alignment":
        "ANY_SIZE MAX_SCOPE_NAME_LEN ALIGN_SIZE RTM_MAX_ADDRESS_SIZE",
    "no binding passes the route to the RPF callback, only its interface, next hop and neighbour":
        "RTM_VIEW_ID_UCAST RTM_VIEW_ID_MCAST RTM_VIEW_MASK_NONE RTM_VIEW_MASK_ANY RTM_VIEW_MASK_UCAST RTM_VIEW_MASK_MCAST "
        "FILETIME RTM_NET_ADDRESS RTM_DEST_VIEW_INFO RTM_DEST_INFO",
    "`MGM_MFE_STATS_1` selects these counters, too":
        "MGM_MFE_STATS_0 MIB_IPMCAST_MFE_STATS",
    "another name of `MGM_FORWARD_STATE_FLAG`":
        "MGM_FORWARD_STATE",
    "part of the row `MgmHostVersion`":
        "MGMHOST_API_MAJOR MGMHOST_API_MINOR",
    "see the callbacks and the settings at the start":
        "ROUTING_PROTOCOL_CONFIG MGMHOST_CONFIG MGMHOST_START_OPEN_FORWARDER",
    "the members are parameters and results of functions":
        "MGMHOST_OIF MIB_IPMCAST_BOUNDARY MIB_IPMCAST_SCOPE",
    "see `MIB_IPMCAST_MFE.rgmioOutInfo`":
        "MIB_IPMCAST_OIF",
    "the library does not use them":
        "MIB_MFE_TABLE MIB_MFE_STATS_TABLE MIB_MFE_STATS_TABLE_EX MIB_IPMCAST_GLOBAL MIB_IPMCAST_IF_ENTRY "
        "MIB_IPMCAST_IF_TABLE MIB_IPMCAST_BOUNDARY_TABLE MIB_BOUNDARYROW MIB_MCAST_LIMIT_ROW",
}

# The structures that functions return or callbacks get: what stands for them, and for each member that says
# something. The statistics repeat members of the MFE.
STRUCTURES = {
    "MIB_IPMCAST_MFE": ("mfe", {
        "dwGroup": "group", "dwSource": "source", "dwUpStrmNgbr": "upstream", "dwInIfIndex": "incoming",
        "dwInIfProtocol": "protocol", "dwRouteProtocol": "route_protocol", "dwRouteNetwork": "route", "dwRouteMask": "route",
        "ulUpTime": "up_time", "ulExpiryTime": "expires_in", "ulTimeOut": "timeout", "ulNumOutIf": "outgoing",
        "rgmioOutInfo": "outgoing"}),
    "MIB_IPMCAST_MFE_STATS_EX": ("mfe_stats", {
        "ulInPkts": "packets", "ulInOctets": "octets", "ulPktsDifferentIf": "wrong_interface", "ulNegativeMfe": "negative",
        "ulTotalOutPackets": "sent", "rgmiosOutStats": "outgoing"}),
    "MIB_IPMCAST_OIF_STATS": ("outgoing_stats", {
        "dwOutIfIndex": "interface", "dwNextHopAddr": "interface", "ulTtlTooLow": "ttl_too_low", "ulFragNeeded": "too_large",
        "ulOutPackets": "packets", "ulOutDiscards": "discards"}),
    "MGM_IF_ENTRY": ("outgoing", {
        "dwIfIndex": "interface", "dwIfNextHopAddr": "interface", "bIGMP": "igmp", "bIsEnabled": "enabled"}),
    "SOURCE_GROUP_ENTRY": ("flow", {"dwSourceAddr": "source", "dwGroupAddr": "group"}),
    "MGMHOST_VERSION": ("version", {
        "dwApiMajor": "api", "dwApiMinor": "api", "dwBuildMajor": "build", "dwBuildMinor": "build", "dwBuildPatch": "build",
        "pszBuild": "text"}),
    "MGMHOST_CLIENTS": ("client_service", {
        "dwMode": "mode", "dwOwner": "owner", "dwGroup": "group", "dwMaxProcesses": "max_processes", "dwAnswerMs": "answer_ms",
        "dwMaxUserProcesses": "max_user_processes"}),
    "MGMHOST_CLIENT_REQUEST": ("client_request", {
        "dwProcess": "process", "dwUser": "user", "dwProtocolId": "protocol", "dwComponentId": "component",
        "dwIfIndex": "interface", "dwIfNextHopAddr": "interface"}),
}
# The masks of sources and groups say nothing, and the flags have rows of their own.
SAY_NOTHING = {"dwSize", "dwFlags", "dwSourceMask", "dwGroupMask"}
# Members with another name, or whose type has one.
NAMES = {
    ("Go", "mfe.source"): "Flow", ("Go", "mfe.group"): "Flow", ("Go", "mfe.expires_in"): "Expires",
    ("Go", "outgoing_stats.ttl_too_low"): "TTLTooLow", ("Go", "outgoing_stats.discards"): "Discarded",
    ("Go", "outgoing.igmp"): "IGMP", ("Go", "version.api"): "API",
    ("C++", "client_service.answer_ms"): "answer", ("C++", "mfe.source"): "flow", ("C++", "mfe.group"): "flow",
    ("C++", "mfe.outgoing"): "out", ("C++", "mfe_stats.outgoing"): "out",
}


class Binding:
    """The sources of a binding."""

    def __init__(self, language):
        self.language = language
        paths = [path for path in sorted(ROOT.glob(SOURCES[language]))
                 if not re.search(r"_test\.go|_types\.go|types\.rs|tests\.rs|status\.py", path.name)]
        self.text = "\n".join(path.read_text() for path in paths)
        if language in ("C++", "Go"):
            # What only a comment names is not there.
            self.text = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", self.text, flags=re.S)
        self.public = (ROOT / "bindings/node/index.d.ts").read_text() if language == "Node.js" else self.text

    def constants(self):
        """The numbers of the constants that the binding defines itself."""
        found = {}
        name = r"_?[A-Z][A-Z0-9_]+"
        for each, value in re.findall(rf"\b({name})(?:: u32)? = (\d+)\b", self.text):
            found[each.lstrip("_")] = int(value)
        for names, values in re.findall(rf"^\s*(?:const )?\[?((?:{name}, )+{name})\]? = \[?((?:\d+, )+\d+)\]?", self.text, re.M):
            found.update(zip((each.lstrip("_") for each in names.split(", ")), map(int, values.split(", "))))
        return found

    def names_c(self, constant):
        return re.search(rf"\b{constant}\b", self.text) is not None

    def has_flag(self, constant, number, public):
        if self.language == "C++" and constant in FLAGS_OF_C:
            return re.search(rf"\b{FLAGS_OF_C[constant]}\([^()]*\bDWORD flags\b", self.text) is not None
        word = re.escape(re.split(r"::|\.", public)[-1])
        if not re.search(rf"\b{word}\b", self.public):
            return False
        if self.language in ("C++", "Go"):
            return self.names_c(constant)
        stem = constant.removesuffix("_FLAG")
        return any(value == number and (own == stem or "_" in own and stem.endswith(f"_{own}"))
                   for own, value in self.constants().items())

    def kinds(self, enumeration):
        """The public names of the kinds of an enumeration, by their numbers, or by their names in C."""
        if self.language == "C++":
            body = re.search(rf"enum class {enumeration} .*?\{{(.*?)\}};", self.text, re.S)
            return {c_name: f"{enumeration}::{own}" for own, c_name in re.findall(r"(\w+) = (\w+)", body[1])} if body else {}
        if self.language == "Go":
            found = re.findall(rf"^\t(\w+) +{enumeration} += C\.(\w+)$", self.text, re.M)
            return {c_name: own for own, c_name in found}
        if self.language == "Python":
            return {value: f"{enumeration}.{own}" for own, value in self.python_kinds(enumeration)}
        if self.language == "Node.js":
            body = re.search(rf"const {enumeration} = \{{(.*?)\}}", self.text)
            found = re.findall(r"(\w+): (\d+)", body[1]) if body else []
            return {int(value): f"'{own}'" for own, value in found if f"'{own}'" in self.public}
        body = re.search(rf"pub enum {enumeration} \{{(.*?)\n\}}", self.text, re.S)
        found = re.findall(r"^    (\w+) = (\d+),", body[1], re.M) if body else []
        return {int(value): f"{enumeration}::{own}" for own, value in found}

    def python_kinds(self, enumeration):
        body = re.search(rf"class {enumeration}\(IntEnum\):.*?\n    ([A-Z, ]+) = ([^\n]*)\n", self.text, re.S)
        if not body:
            return []
        values = range(int(body[2][6:-1])) if body[2].startswith("range(") else ast.literal_eval(body[2])
        return zip(body[1].split(", "), values, strict=True)

    def protocol(self, name, number):
        if self.language == "C++":
            return f"PROTO_IP_{name}"
        own = {"Go": f"Proto{name if name in ('RIP', 'MSDP', 'IGMP', 'BGMP', 'OSPF', 'BGP') else name.title()}",
               "Rust": f"protocol::{name}"}.get(self.language, f"PROTO_IP_{name}")
        if self.language == "Go":
            return own if re.search(rf"\b{own} +Protocol += C\.PROTO_IP_{name}$", self.text, re.M) else None
        is_public = re.search(rf"\b{own.removeprefix('protocol::')}\b", self.public)
        return own if is_public and self.constants().get(own.removeprefix("protocol::")) == number else None

    def member(self, structure, kind, name):
        """The public name of a member; None if there is none."""
        own = NAMES.get((self.language, f"{kind}.{name}"))
        title = "".join(part.title() for part in kind.split("_"))
        if self.language == "C++":
            return self.cpp_member(structure, kind, own, name)
        if self.language == "Python" and kind == "client_service":
            return f"serve_clients({name})" if re.search(rf"def serve_clients\([^)]*\b{name}: ", self.text) else None
        begin, declared, spell = {
            "Python": (rf"^class {title}:\n(.*?)(?=^\S|\Z)", r"^    {}: ", name),
            "Node.js": (rf"^ *(?:export )?interface {title} \{{\n(.*?)^ *\}}", r"^ +(?:readonly )?{}\??: ",
                        re.sub(r"_(\w)", lambda match: match[1].upper(), name)),
            "Go": (rf"^type {title} struct \{{\n(.*?)^\}}", r"^\t(?:\w+, )*{}[ ,]", "".join(part.title() for part in name.split("_"))),
            "Rust": (rf"^pub struct {title} \{{\n(.*?)^\}}", r"^    pub {}: ", name),
        }[self.language]
        own = own or spell
        body = re.search(begin, self.public + "\n", re.S | re.M)
        is_there = body and re.search(declared.format(own), body[1], re.M)
        return f"{title}{'::' if self.language == 'Rust' else '.'}{own}" if is_there else None

    def cpp_member(self, structure, kind, own, name):
        body = re.search(rf"^struct {kind} \{{\n(.*?)^\}};", self.text, re.S | re.M)
        if body and re.search(rf"^    [^(\n]*\b{own or name}(\(\) const|[^(\n]*;)", body[1], re.M):
            return f"{kind}::{own or name}"
        if own:
            return None
        # The structure of C itself, in a type of the binding, or in the parameters or the result of a function.
        if body:
            own = re.search(rf"^    {structure} (\w+);", body[1], re.M)
            return f"{kind}::{own[1]}" if own else None
        is_there = re.search(rf"\b{structure}\b", self.text)
        return structure if is_there else None


def kinds_and_flags():
    """Rows of constants, and those of which this file knows nothing."""
    numbers = {name: int(value) for name, value in Header(HEADER.read_text()).numbers}
    bindings = {language: Binding(language) for language in LANGUAGES}
    rows = []
    for prefix, names in ENUMERATIONS.items():
        own = {language: bindings[language].kinds(name) for language, name in zip(LANGUAGES, names)}
        for constant, number in numbers.items():
            if constant.startswith(prefix):
                row = {language: own[language].get(constant, own[language].get(number)) for language in LANGUAGES}
                rows.append((constant, row))
    for constant, names in FLAGS.items():
        rows.append((constant, {language: name if bindings[language].has_flag(constant, numbers[constant], name) else None
                                for language, name in zip(LANGUAGES, names)}))
    for name in PROTOCOLS:
        constant = f"PROTO_IP_{name}"
        rows.append((constant, {language: bindings[language].protocol(name, numbers[constant]) for language in LANGUAGES}))
    wrong = unknown("constant", numbers, {constant for constant, _ in rows})
    return [("Kinds, flags and protocols", name, listed(row)) for name, row in rows], wrong


def unknown(kind, names, compared):
    """Says of which names of the headers this file knows nothing."""
    known = compared | {name for some in NOT_COMPARED.values() for name in some.split()}
    return [f"the {kind} {name} is not in scripts/language_values.py" for name in names if name not in known]


def obsolete():
    """Says what NOT_COMPARED lists for nothing."""
    header = Header(HEADER.read_text())
    names = {name for name, _ in header.numbers + header.structures} - set(FLAGS) - set(STRUCTURES)
    return [f"{name} in NOT_COMPARED of scripts/language_values.py is compared, or is not there"
            for some in NOT_COMPARED.values() for name in some.split() if name not in names]


def members():
    """Rows of members, and those of which this file knows nothing."""
    bindings = {language: Binding(language) for language in LANGUAGES}
    header = Header(HEADER.read_text())
    rows, wrong = [], unknown("structure", [name for name, _ in header.structures], set(STRUCTURES)) + obsolete()
    for structure, fields in header.structures:
        if structure not in STRUCTURES:
            continue
        kind, known = STRUCTURES[structure]
        shared = set(STRUCTURES["MIB_IPMCAST_MFE"][1]) if structure == "MIB_IPMCAST_MFE_STATS_EX" else set()
        for _, field, _ in fields:
            if field in known:
                row = {language: bindings[language].member(structure, kind, known[field]) for language in LANGUAGES}
                rows.append(("Members of structures", f"{structure}.{field}", listed(row)))
            elif field not in SAY_NOTHING | shared | constant_members(structure):
                wrong.append(f"the member {structure}.{field} is not in scripts/language_values.py")
    return rows, wrong


def constant_members(structure):
    """The members that always have the same value, as the comments of the headers say."""
    text = "".join((ROOT / f"include/{name}").read_text() for name in ("mgmtypes.h", "mgm.h", "mgmhost.h"))
    body = re.search(rf"^struct _{structure} \{{\n(.*?)^\}};", text, re.S | re.M)[1]
    return set(re.findall(r"/\*\*\s+(?:\* )?(?:Always 0|255\.255\.255\.255)[^/]*\*/\s+\w+ (\w+)", body))


def listed(row):
    return {language: [name] if name else [] for language, name in row.items()}
