//! Lets the status page tell what it was built for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets it");
    println!("cargo:rustc-env=MGM_TARGET={target}");
}
