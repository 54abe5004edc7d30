-- Prints the size of each structure and the name of each function of mgm.ffi.h, as LuaJIT sees them.
local ffi = require("ffi")
local text = assert(io.open(arg[1])):read("*a")
ffi.cdef(text)
local mgm = ffi.load("libmgm.so.1")
for name in text:gmatch("\ntypedef struct [%w_]+ ([%w_]+);") do print(name .. " " .. ffi.sizeof(name)) end
for name, value in text:gmatch("\n    ([%w_]+) = (%d+)") do assert(mgm[name] == tonumber(value), name) end
for name in text:gmatch("\nDWORD (Mgm%w+)%(") do
  assert(mgm[name] ~= nil)
  print(name)
end
