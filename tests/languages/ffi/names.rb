# Prints the size of each structure and the name of each function of mgm.ffi.h, as examples/ffi/mgm.rb
# sees them.
require_relative "../../../examples/ffi/mgm"
Mgm.read(ARGV[0], "libmgm.so.1")
text = File.read(ARGV[0])
text.scan(/^typedef struct \w+ (\w+);$/) { |name,| puts "#{name} #{Mgm.const_get(name).size}" }
text.scan(/^    (\w+) = (\d+)/) { |name, value| raise name if Mgm.const_get(name) != value.to_i }
text.scan(/^typedef \w+ \(\*(\w+)\)/) { |name,| Mgm::CALLBACKS.fetch(name) }
text.scan(/^DWORD (\w+)\(/) do |name,|
  raise name unless Mgm.respond_to?(name)

  puts name
end
