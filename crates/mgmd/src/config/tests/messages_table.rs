//! The messages, as a table.

/// Files, and their only error.
pub(super) const CASES: &[(&str, &str)] = &[
    (
        "[router]\ntable = \n",
        "a.toml:2:9: table: has no value: use KEY = VALUE",
    ),
    (
        "[router]\nlog-level = info\n",
        "a.toml:2:13: log-level: info is not valid: use double quotes for strings, as in \"info\"",
    ),
    (
        "[router]\ntable = 1\ntable = 2\n",
        "a.toml:3:1: table: is here for the second time: remove one of the two",
    ),
    (
        "[router]\n[router]\n",
        "a.toml:2:2: router: is here for the second time: remove one of the two",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp = { version = 3, version = 2 }\n",
        "a.toml:3:23: version: is here for the second time: remove one of the two",
    ),
    (
        "[[interface]\nname = \"eth0\"\n",
        "a.toml:1:13: unclosed array table, expected `]`: use TOML, KEY = VALUE or a table in brackets",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp = { query-interval = 125s }\n",
        "a.toml:3:27: igmp: 125s is not valid: use double quotes for strings, as in \"125s\"",
    ),
    (
        "[interface]\nname = \"eth0\"\n",
        "a.toml:1:1: interface: [interface] is not valid: use [[interface]] for each of them",
    ),
    (
        "[[router]]\n",
        "a.toml:1:1: router: [[router]] is not valid: use a table, [router]",
    ),
    (
        "router = 1\n",
        "a.toml:1:10: router: 1 is not valid: use a table, [router]",
    ),
    (
        "[[interfaces]]\n",
        "a.toml:1:3: interfaces: unknown key: did you mean [[interface]]?",
    ),
    (
        "[igmp]\nversion = 3\n",
        "a.toml:1:2: igmp: unknown key here: igmp belongs to [[interface]]",
    ),
    (
        "[[phyint]]\n",
        "a.toml:1:3: phyint: unknown key: use [[interface]]",
    ),
    (
        "interface = [\"eth0\"]\n",
        "a.toml:1:14: interface: \"eth0\" is not valid: use [[interface]] for each of them",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp = true\n",
        "a.toml:3:8: interface.igmp: true is not valid: use a table, igmp = { … } of an [[interface]]",
    ),
    (
        "[router]\nmaxflows = 1\n",
        "a.toml:2:1: router.maxflows: unknown key: did you mean max-flows?",
    ),
    (
        "[router]\nmax_flows = 1\n",
        "a.toml:2:1: router.max_flows: unknown key: did you mean max-flows?",
    ),
    (
        "[router]\nname = 1\n",
        "a.toml:2:1: router.name: unknown key here: name belongs to [[interface]]",
    ),
    (
        "[router]\nzzz = 1\n",
        "a.toml:2:1: router.zzz: unknown key: use forwarder, table, unicast-table, mfe-timeout, max-flows, max-igmp-entries, clients, clients-owner, clients-group, clients-mode, max-clients, max-clients-per-user, answer-timeout, daemons, daemons-address, control or log-level",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\naltnet = [\"10.0.0.0/8\"]\n",
        "a.toml:4:1: proxy.altnet: unknown key: use sources = [\"10.160.0.0/16\"] of a [[proxy]]",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nfast-leave = true\n",
        "a.toml:3:1: interface.fast-leave: unknown key: use leave = \"immediate\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.fast_leave = true\n",
        "a.toml:3:6: interface.igmp.fast_leave: unknown key: use leave = \"immediate\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.quickleave = true\n",
        "a.toml:3:6: interface.igmp.quickleave: unknown key: use leave = \"immediate\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nleave = \"tracked\"\n",
        "a.toml:3:1: interface.leave: unknown key here: leave belongs to igmp = { … } of an [[interface]]",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.versoin = 3\n",
        "a.toml:3:6: interface.igmp.versoin: unknown key: did you mean version?",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.threshold = 3\n",
        "a.toml:3:6: interface.igmp.threshold: unknown key: use ttl-threshold of an [[interface]]",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\n\"a key with blanks\" = 3\n",
        "a.toml:4:1: proxy.\"a key with blanks\": unknown key: use upstream, backup, downstream, groups, sources, forward-up or forward-always",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nboundaries = [{ scope = \"239.255.0.0/16\", name = \"a\", x = 1 }]\n",
        "a.toml:3:55: interface.boundaries.x: unknown key: use scope or name",
    ),
    (
        "[[interface]]\n",
        "a.toml:1:1: interface.name: is missing: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\n",
        "a.toml:1:1: proxy.downstream: is missing: use a list in which each element is the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[route]]\nfrom = \"eth0\"\ngroup = \"239.1.1.1\"\n",
        "a.toml:1:1: route.to: is missing: use a list in which each element is the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[module]]\nargs = \"a\"\n",
        "a.toml:1:1: module.path: is missing: use an absolute path of at most 4095 bytes in quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nboundaries = [{ scope = \"239.255.0.0/16\" }]\n",
        "a.toml:3:15: interface.boundaries.name: is missing: use a string of at most 255 characters",
    ),
    (
        "[router]\nforwarder = \"kernal\"\n",
        "a.toml:2:13: router.forwarder: \"kernal\" is not valid: use \"auto\", \"kernel\", \"ebpf\" or \"memory\" (did you mean \"kernel\"?)",
    ),
    (
        "[router]\nforwarder = \"ebpf\"\ntable = 5\n",
        "a.toml:3:9: router.table: only the kernel has tables: leave it out, or use forwarder = \"kernel\"",
    ),
    (
        "[router]\nforwarder = 1\n",
        "a.toml:2:13: router.forwarder: 1 is not valid: use \"auto\", \"kernel\", \"ebpf\" or \"memory\"",
    ),
    (
        "[router]\ntable = \"5\"\n",
        "a.toml:2:9: router.table: \"5\" is not valid: use a whole number from 0 to 999999999 without quotes",
    ),
    (
        "[router]\ntable = 1000000000\n",
        "a.toml:2:9: router.table: 1000000000 is not valid: use a whole number from 0 to 999999999",
    ),
    (
        "[router]\ntable = 1.5\n",
        "a.toml:2:9: router.table: 1.5 is not valid: use a whole number from 0 to 999999999",
    ),
    (
        "[router]\nmax-flows = 99999999999999999999\n",
        "a.toml:2:13: router.max-flows: 99999999999999999999 is not valid: use a whole number from 1 to 16777216",
    ),
    (
        "[router]\nlog-level = \"verbose\"\n",
        "a.toml:2:13: router.log-level: \"verbose\" is not valid: use \"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.version = 4\n",
        "a.toml:3:16: interface.igmp.version: 4 is not valid: use 1, 2 or 3",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.version = \"3\"\n",
        "a.toml:3:16: interface.igmp.version: \"3\" is not valid: use 1, 2 or 3 without quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.robustness = 0\n",
        "a.toml:3:19: interface.igmp.robustness: 0 is not valid: use a whole number from 1 to 255",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.leave = \"fast\"\n",
        "a.toml:3:14: interface.igmp.leave: \"fast\" is called \"immediate\" here: use \"query\", \"immediate\" or \"tracked\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.leave = \"imediate\"\n",
        "a.toml:3:14: interface.igmp.leave: \"imediate\" is not valid: use \"query\", \"immediate\" or \"tracked\" (did you mean \"immediate\"?)",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.passive = \"yes\"\n",
        "a.toml:3:16: interface.igmp.passive: \"yes\" is not valid: use true or false without quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.passive = 1\n",
        "a.toml:3:16: interface.igmp.passive: 1 is not valid: use true or false",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.ttl = 1\n",
        "a.toml:3:12: interface.igmp.ttl: 1 is not valid: use \"1\" or \"any\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nttl-threshold = 256\n",
        "a.toml:3:17: interface.ttl-threshold: 256 is not valid: use a whole number from 1 to 255",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = 125\n",
        "a.toml:3:23: interface.igmp.query-interval: 125 has no unit: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = 12.5\n",
        "a.toml:3:23: interface.igmp.query-interval: 12.5 has no unit: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"125\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"125\" has no unit: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"125 s\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"125 s\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"2d\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"2d\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"-1s\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"-1s\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"9h\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"9h\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.last-member-query-interval = \"99ms\"\n",
        "a.toml:3:35: interface.igmp.last-member-query-interval: \"99ms\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"3174s\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"99999999999999999999h\"\n",
        "a.toml:3:23: interface.igmp.query-interval: \"99999999999999999999h\" is not valid: use a string with a unit (ms, s, m or h) from \"100ms\" to \"31744s\"",
    ),
    (
        "[router]\nmfe-timeout = \"1500ms\"\n",
        "a.toml:2:15: router.mfe-timeout: \"1500ms\" is not a number of whole seconds: use a string with a unit (ms, s, m or h) from \"1s\" to \"24h\"",
    ),
    (
        "[[interface]]\nname = \"eth 0\"\n",
        "a.toml:2:8: interface.name: \"eth 0\" is not valid: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[interface]]\nname = \"a-name-of-16-byt\"\n",
        "a.toml:2:8: interface.name: \"a-name-of-16-byt\" is not valid: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[interface]]\nname = \"\"\n",
        "a.toml:2:8: interface.name: \"\" is not valid: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[interface]]\nname = [\"eth0\"]\n",
        "a.toml:2:8: interface.name: [\"eth0\"] is not valid: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[proxy]]\nupstream = [\"eth0\", \"eth1\"]\ndownstream = [\"eth2\"]\n",
        "a.toml:2:12: proxy.upstream: a proxy has one upstream: write a [[proxy]] for each, or name the others in backup",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\ndownstream = \"eth1\"\n",
        "a.toml:3:14: proxy.downstream: \"eth1\" is not a list: use [\"eth1\"]",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\ndownstream = []\n",
        "a.toml:3:14: proxy.downstream: the list is empty: use a list in which each element is the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\ndownstream = [\"eth1\", 2]\n",
        "a.toml:3:23: proxy.downstream: 2 is not valid: use the name of an interface or a pattern, such as \"eth0\" or \"lan*\"",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\ndownstream = [\"eth1\", \"eth1\"]\n",
        "a.toml:3:23: proxy.downstream: \"eth1\" is in the list twice: remove one",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.source = \"239.1.1.1\"\n",
        "a.toml:3:15: interface.igmp.source: \"239.1.1.1\" is not valid: use the IPv4 address of a host in quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.source = \"fe80::1\"\n",
        "a.toml:3:15: interface.igmp.source: \"fe80::1\" is an IPv6 address, but mgmd is IPv4 only: use the IPv4 address of a host in quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.source = \"10.1.1\"\n",
        "a.toml:3:15: interface.igmp.source: \"10.1.1\" is not valid: use the IPv4 address of a host in quotes",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.hosts = [\"10.1.2.3/16\"]\n",
        "a.toml:3:15: interface.igmp.hosts: \"10.1.2.3/16\" has bits beyond its length (did you mean \"10.1.0.0/16\"?): use a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.hosts = [\"10.1.0.0/33\"]\n",
        "a.toml:3:15: interface.igmp.hosts: \"10.1.0.0/33\" is not valid: use a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.hosts = [\"2001:db8::/32\"]\n",
        "a.toml:3:15: interface.igmp.hosts: \"2001:db8::/32\" is an IPv6 address, but mgmd is IPv4 only: use a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.hosts = [\"239.0.0.0/8\"]\n",
        "a.toml:3:15: interface.igmp.hosts: \"239.0.0.0/8\" is not valid: use a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.ssm-range = [\"10.0.0.0/8\"]\n",
        "a.toml:3:19: interface.igmp.ssm-range: \"10.0.0.0/8\" is not valid: use a prefix of groups inside 224.0.0.0/4, such as \"239.2.0.0/16\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.groups = [\"forbid 239.0.0.0/8\"]\n",
        "a.toml:3:16: interface.igmp.groups: \"forbid 239.0.0.0/8\" is not valid: use \"permit\", \"deny\" or nothing, and then a prefix of groups inside 224.0.0.0/4, such as \"239.2.0.0/16\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.groups = [\"deny 10.0.0.0/8\"]\n",
        "a.toml:3:16: interface.igmp.groups: \"deny 10.0.0.0/8\" is not valid: use \"permit\", \"deny\" or nothing, and then a prefix of groups inside 224.0.0.0/4, such as \"239.2.0.0/16\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.static = [\"10.1.1.1\"]\n",
        "a.toml:3:16: interface.igmp.static: \"10.1.1.1\" is not valid: use a group or a source and a group, such as \"239.1.1.1\" or \"10.1.1.1, 232.1.1.1\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.static = [\"224.0.0.5\"]\n",
        "a.toml:3:16: interface.igmp.static: \"224.0.0.5\" is in 224.0.0.0/24, which is never forwarded: use a group or a source and a group, such as \"239.1.1.1\" or \"10.1.1.1, 232.1.1.1\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.static = [\"239.1.1.1, 239.1.1.2\"]\n",
        "a.toml:3:16: interface.igmp.static: \"239.1.1.1, 239.1.1.2\" is not valid: use a group or a source and a group, such as \"239.1.1.1\" or \"10.1.1.1, 232.1.1.1\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.join = [\"ff3e::1\"]\n",
        "a.toml:3:14: interface.igmp.join: \"ff3e::1\" is an IPv6 address, but mgmd is IPv4 only: use a group or a source and a group, such as \"239.1.1.1\" or \"10.1.1.1, 232.1.1.1\"",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.join = [\"239.1.1.1\", \"(*, 239.1.1.1)\"]\n",
        "a.toml:3:27: interface.igmp.join: \"(*, 239.1.1.1)\" is in the list twice: remove one",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nsources = []\n",
        "a.toml:4:11: proxy.sources: the list is empty: use a list in which each element is a prefix of host addresses, such as \"10.1.0.0/16\" or \"10.1.2.3\"",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nforward-up = \"yes\"\n",
        "a.toml:4:14: proxy.forward-up: \"yes\" is not valid: use true, false or a list of prefixes of groups",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nforward-up = [\"10.0.0.0/8\"]\n",
        "a.toml:4:15: proxy.forward-up: \"10.0.0.0/8\" is not valid: use true, false or a list of prefixes of groups",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nboundaries = [\"224.0.0.0/8\"]\n",
        "a.toml:3:15: interface.boundaries: \"224.0.0.0/8\" is not valid: use a prefix of groups inside 239.0.0.0/8, such as \"239.255.0.0/16\", or { scope = \"239.255.0.0/16\", name = \"site\" }",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nboundaries = [7]\n",
        "a.toml:3:15: interface.boundaries: 7 is not valid: use a prefix of groups inside 239.0.0.0/8, such as \"239.255.0.0/16\", or { scope = \"239.255.0.0/16\", name = \"site\" }",
    ),
    (
        "[[route]]\nfrom = \"eth0\"\ngroup = \"224.0.0.0/25\"\nto = [\"eth1\"]\n",
        "a.toml:3:9: route.group: \"224.0.0.0/25\" is not valid: use a prefix of groups inside 224.0.0.0/4 and outside 224.0.0.0/24, such as \"239.2.0.0/16\"",
    ),
    (
        "[[route]]\nfrom = \"eth0\"\ngroup = \"239.1.1.1/24\"\nto = [\"eth1\"]\n",
        "a.toml:3:9: route.group: \"239.1.1.1/24\" has bits beyond its length (did you mean \"239.1.1.0/24\"?): use a prefix of groups inside 224.0.0.0/4 and outside 224.0.0.0/24, such as \"239.2.0.0/16\"",
    ),
    (
        "[router]\ncontrol = \"mgmd.sock\"\n",
        "a.toml:2:11: router.control: \"mgmd.sock\" is not valid: use an absolute path of at most 107 bytes in quotes",
    ),
    (
        "[router]\ncontrol = \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n",
        "a.toml:2:11: router.control: \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is not valid: use an absolute path of at most 107 bytes in quotes",
    ),
    (
        "[[module]]\npath = \"pim.so\"\n",
        "a.toml:2:8: module.path: \"pim.so\" is not valid: use an absolute path of at most 4095 bytes in quotes",
    ),
    (
        "[[module]]\npath = \"/pim.so\"\nargs = [\"-d\"]\n",
        "a.toml:3:8: module.args: [\"-d\"] is not valid: use a string of at most 65535 characters",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-response-interval = \"125s\"\n",
        "a.toml:3:32: interface.igmp.query-response-interval: query-response-interval (125s) must be less than query-interval (125s): change one of them",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nigmp.query-interval = \"5s\"\n",
        "a.toml:3:23: interface.igmp.query-interval: query-response-interval (10s) must be less than query-interval (5s): change one of them",
    ),
    (
        "[[interface]]\nname = \"eth0\"\n[[interface]]\nname = \"eth0\"\n",
        "a.toml:4:8: interface.name: interface eth0 is also in line 1: remove one",
    ),
    (
        "[[interface]]\nname = \"lan*\"\n[[interface]]\nname = \"lan*\"\n",
        "a.toml:4:8: interface.name: interface lan* is also in line 1: remove one",
    ),
    (
        "[[proxy]]\nupstream = \"eth0\"\ndownstream = [\"eth1\", \"eth0\"]\n",
        "a.toml:2:12: proxy.upstream: eth0 is a downstream too: an interface has one role, so remove one of them",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nbackup = [\"eth0\"]\n",
        "a.toml:4:10: proxy.backup: eth0 is a downstream too: an interface has one role, so remove one of them",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nbackup = [\"ppp0\"]\n",
        "a.toml:4:10: proxy.backup: ppp0 is the upstream itself: name another interface",
    ),
    (
        "[[proxy]]\nupstream = \"lan*\"\ndownstream = [\"l*\"]\n",
        "a.toml:2:12: proxy.upstream: lan* and the downstream l* can match the same interface: an interface has one role, so use narrower patterns, or names",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\n[[proxy]]\nupstream = \"eth0\"\ndownstream = [\"eth1\"]\n",
        "a.toml:5:12: proxy.upstream: eth0 is a downstream too: an interface has one role, so remove one of them",
    ),
    (
        "[[proxy]]\nupstream = \"ppp0\"\ndownstream = [\"eth0\"]\nsources = [\"10.0.0.0/8\"]\n[[proxy]]\nupstream = \"ppp1\"\ndownstream = [\"eth0\"]\nsources = [\"10.0.0.0/8\"]\n",
        "a.toml:8:11: proxy.sources: 10.0.0.0/8 is also in the [[proxy]] of line 1, for the same groups: name it once",
    ),
    (
        "[[route]]\nfrom = \"eth0\"\ngroup = \"239.1.1.1\"\nto = [\"eth1\"]\n[[route]]\nfrom = \"eth0\"\ngroup = \"239.1.1.1\"\nto = [\"eth1\"]\n",
        "a.toml:7:9: route.group: the route from eth0 for 0.0.0.0/0 and 239.1.1.1/32 is also in line 1: remove one",
    ),
    (
        "[[route]]\nfrom = \"eth0\"\ngroup = \"239.1.1.1\"\nto = [\"eth0\"]\n",
        "a.toml:4:6: route.to: the packets arrive on eth0: remove it here",
    ),
    (
        "[router]\nforwarder = \"memory\"\ntable = 5\n",
        "a.toml:3:9: router.table: only the kernel has tables: leave it out, or use forwarder = \"kernel\"",
    ),
    (
        "[router]\ndaemons-address = \"169.254.77.3\"\n",
        "a.toml:2:19: router.daemons-address: 169.254.77.3 is at an end of its network of 4 addresses: use the second or the third one, such as 169.254.77.1",
    ),
    (
        "[router]\nclients = \"/a\"\ncontrol = \"/a\"\n",
        "a.toml:3:11: router.control: clients and control are the same socket: use two different paths",
    ),
    (
        "[router]\nclients = \"/run/mgmd/control\"\n",
        "a.toml:2:11: router.clients: clients and control are the same socket: use two different paths",
    ),
    (
        "[[interface]]\nname = \"eth0\"\nboundaries = [{ scope = \"239.1.0.0/16\", name = \"a\" }]\n[[interface]]\nname = \"eth1\"\nboundaries = [{ scope = \"239.1.0.0/16\", name = \"b\" }]\n",
        "a.toml:6:14: interface.boundaries: 239.1.0.0/16 has two names, \"a\" and \"b\": use the same everywhere",
    ),
    (
        "[[module]]\npath = \"/a.so\"\n[[module]]\npath = \"/a.so\"\n",
        "a.toml:4:8: module.path: module /a.so is also in line 1: remove one",
    ),
];
