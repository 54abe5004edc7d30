module github.com/mgm-rs/mgm/bindings/go

go 1.19
