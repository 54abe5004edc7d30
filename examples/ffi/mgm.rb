# Makes a module of mgm.ffi.h for Ruby with Fiddle: a method for each function, a constant for each
# number, and a class for each structure.
require "fiddle/import"

module Mgm
  extend Fiddle::Importer

  CALLBACKS = {} # the types of callbacks: what Fiddle::Closure takes

  # Fiddle takes one declaration at a time, and knows no typedef by itself.
  def self.read(header, library)
    dlload library
    text = File.read(header).gsub(%r{/\*.*?\*/}m, "")
    text.scan(/^    (\w+) = (\d+),?$/) { |name, value| const_set(name, value.to_i) }
    text.scan(/^typedef enum \w+ \{.*?\} (\w+);$/m) { |name,| typealias(name, "unsigned int") }
    structures = {}
    text.scan(/^(?:struct (\w+) \{\n(.*?)\n\};|typedef (?!enum)(.*?);|(DWORD Mgm.*?);)$/m) do |tag, members, type, function|
      if tag
        structures[tag] = structure(members, structures)
      elsif type
        define(type, structures)
      else
        extern function
      end
    end
  end

  def self.structure(members, structures)
    struct(members.split(";").map do |member|
      type, _, rest = member.strip.delete_prefix("struct ").rpartition(" ")
      structures.key?(type) ? { rest => structures[type] } : member.strip.sub("SCOPE_NAME_BUFFER snNameBuffer", "WCHAR snNameBuffer[256]")
    end)
  end

  def self.define(type, structures)
    case type
    when /\A(.*) \(\*(\w+)\)\((.*)\)\z/
      result, name, parameters = $1, $2, $3
      CALLBACKS[name] = [parse_ctype(result, type_alias), parameters == "void" ? [] : parameters.split(", ").map { |each| parse_ctype(each, type_alias) }]
      typealias(name, "void *")
    when /\Astruct (\w+) (\w+)\z/
      structures[$2] = structures[$1]
      const_set($2, structures[$1])
    when /\A(\w+) (\w+)\z/
      structures[$2] = structures[$1] if structures.key?($1)
      typealias($2, $1)
    when /\A(\w+(?: \w+)*) (\w+)\z/
      typealias($2, $1)
    when /\A.* \*(\w+)\z/
      typealias($1, "void *")
    end
  end

  # A callback of one of the types. It must stay referred to while the library may call it.
  def self.callback(type, &block)
    Fiddle::Closure::BlockCaller.new(*CALLBACKS.fetch(type), &block)
  end
end
