# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mgmctl_global_optspecs
    string join \n socket= json h/help V/version
end

function __fish_mgmctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mgmctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mgmctl_using_subcommand
    set -l cmd (__fish_mgmctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mgmctl -n "__fish_mgmctl_needs_command" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_needs_command" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -s V -l version -d 'Print version'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "status" -d 'Show the router as a whole'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "interfaces" -d 'Show the interfaces'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "igmp" -d 'Show IGMP on the interfaces; with INTERFACE, all times and counters'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "groups" -d 'Show the groups that hosts want'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "flows" -d 'Show the flows that are forwarded, with their counters'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "clients" -d 'Show IGMP and the routing protocols, their processes, and how fast they answer'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "top" -d 'Show the flows on the whole terminal, the busiest first, until you press q'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "explain" -d 'Show all about one flow, and why its packets do not go out'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "proxies" -d 'Show the upstreams of the IGMP proxy'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "routes" -d 'Show the static routes'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "join" -d 'Add a static membership until the next start of mgmd'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "leave" -d 'Remove a membership that join has added'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "reload" -d 'Make mgmd read its configuration file again'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "log" -d 'Change the level of mgmd\'s log until its next start or reload'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "doctor" -d 'Look for the reasons why streams do not flow'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c mgmctl -n "__fish_mgmctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand status" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand status" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand interfaces" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand interfaces" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand interfaces" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand igmp" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand igmp" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand igmp" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand groups" -l group -d 'Show only this group' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand groups" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand groups" -l hosts -d 'Show the hosts of each group, where mgmd tracks them'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand groups" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand groups" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -l source -d 'Show only this source' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -l interval -d 'The time between two tables of --watch, 0.1 to 3600' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -l watch -d 'Repeat the table, with the rates of the flows'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand flows" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand clients" -l interval -d 'The time between two tables of --watch, 0.1 to 3600' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand clients" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand clients" -l watch -d 'Repeat the table'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand clients" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand clients" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand top" -l interval -d 'The time between two tables, 0.1 to 3600' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand top" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand top" -l once -d 'Print one table; its rates are measured over one interval'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand top" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand top" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -l from -d 'Where its packets arrive; without it, where mgmd sees them' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -l to -d 'Say why packets do not leave by this interface' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -l listen -d 'How long mgmd looks for packets of the flow, 0s to 4s' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand explain" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand proxies" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand proxies" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand proxies" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand routes" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand routes" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand routes" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand join" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand join" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand join" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand leave" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand leave" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand leave" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand reload" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand reload" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand reload" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand log" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand log" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand log" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand doctor" -l listen -d 'How long to look at packets: 500ms, 5s, 2m; 130s finds missing queriers' -r
complete -c mgmctl -n "__fish_mgmctl_using_subcommand doctor" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand doctor" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand completions" -l socket -d 'The socket of the router' -r -F
complete -c mgmctl -n "__fish_mgmctl_using_subcommand completions" -l json -d 'Print the answer of mgmd as JSON, one page on each line'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "status" -d 'Show the router as a whole'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "interfaces" -d 'Show the interfaces'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "igmp" -d 'Show IGMP on the interfaces; with INTERFACE, all times and counters'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "groups" -d 'Show the groups that hosts want'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "flows" -d 'Show the flows that are forwarded, with their counters'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "clients" -d 'Show IGMP and the routing protocols, their processes, and how fast they answer'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "top" -d 'Show the flows on the whole terminal, the busiest first, until you press q'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "explain" -d 'Show all about one flow, and why its packets do not go out'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "proxies" -d 'Show the upstreams of the IGMP proxy'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "routes" -d 'Show the static routes'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "join" -d 'Add a static membership until the next start of mgmd'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "leave" -d 'Remove a membership that join has added'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "reload" -d 'Make mgmd read its configuration file again'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "log" -d 'Change the level of mgmd\'s log until its next start or reload'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "doctor" -d 'Look for the reasons why streams do not flow'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "completions" -d 'Print the completions of a shell'
complete -c mgmctl -n "__fish_mgmctl_using_subcommand help; and not __fish_seen_subcommand_from status interfaces igmp groups flows clients top explain proxies routes join leave reload log doctor completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
