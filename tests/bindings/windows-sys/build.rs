//! Links with librtm.so, the library under the original DLL's name.

fn main() {
    println!("cargo:rustc-link-lib=dylib=rtm");
    println!("cargo:rerun-if-env-changed=MGM_RTM_DIR");
    if let Ok(dir) = std::env::var("MGM_RTM_DIR") {
        println!("cargo:rustc-link-search=native={dir}");
    }
}
