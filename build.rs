//! Makes `onset_start` (src/sys/start.rs) the entry point of the binary, so that the first instruction that runs
//! is ours and no signal is lost to libc's own start-up.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)] // a build script talks to cargo on stdout

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if matches!(arch.as_str(), "x86_64" | "aarch64") {
        // Two words that a compiler and a linker both understand: a cross build may have the linker alone.
        println!("cargo:rustc-link-arg-bins=-e");
        println!("cargo:rustc-link-arg-bins=onset_start");
    }
}
