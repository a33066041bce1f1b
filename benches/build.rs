//! Links `app` and `floor` without a libc: static, at a fixed address, entered at their own `_start`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for bin in ["app", "floor"] {
        // Of the rest, what is not loaded (notes, the build id) would only make the files larger.
        let flags = ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-s", "-Wl,--build-id=none,-z,norelro,-n"];
        for flag in flags {
            println!("cargo:rustc-link-arg-bin={bin}={flag}");
        }
    }
}
