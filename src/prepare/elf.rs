//! As much of an ELF file as explains why it does not start (elf(5)): for which machine it is, which loader it wants.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The longest name of a loader: a path (`PATH_MAX`).
const LONGEST_LOADER: u64 = 4096;
/// More program headers than any linker writes.
const MOST_HEADERS: u16 = 256;
const PT_INTERP: u32 = 3;

/// The header of a file that starts as ELF files do.
pub struct Elf {
    header: [u8; 64],
}

impl Elf {
    /// The header, if this is the start of an ELF file: a whole one, for some machine.
    pub fn parse(start: &[u8]) -> Option<Self> {
        let header = *start.first_chunk()?;
        let elf = Elf { header };
        (header.starts_with(b"\x7fELF") && elf.header[18..20] != [0, 0]).then_some(elf)
    }

    /// Which machine it is for, as `uname -m` would say.
    pub fn machine(&self) -> String {
        // include/uapi/linux/elf-em.h; the byte order is where a file says which it has.
        let bytes = [self.header[18], self.header[19]];
        let little = self.header[5] != 2;
        let number = if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
        let name = match number {
            3 => "i386",
            8 => "mips",
            20 => "ppc",
            21 if little => "ppc64le",
            21 => "ppc64",
            22 => "s390x",
            40 => "arm",
            62 => "x86_64",
            183 => "aarch64",
            243 => "riscv64",
            258 => "loongarch64",
            other => return format!("machine {other}"),
        };
        name.to_owned()
    }

    /// The dynamic loader the file asks for; `None` for a static or a broken one.
    pub fn loader(&self, file: &File) -> Option<Vec<u8>> {
        let wide = self.header[4] == 2;
        let (table, size, count) = if wide {
            (self.u64_at(32)?, self.u16_at(54)?, self.u16_at(56)?)
        } else {
            (u64::from(self.u32_at(28)?), self.u16_at(42)?, self.u16_at(44)?)
        };
        for index in 0..count.min(MOST_HEADERS) {
            let mut entry = [0; 56];
            let entry = if wide { &mut entry[..] } else { &mut entry[..32] };
            file.read_exact_at(entry, table.checked_add(u64::from(index) * u64::from(size))?).ok()?;
            let entry = Fields(entry);
            if entry.u32_at(0)? != PT_INTERP {
                continue;
            }
            let (offset, length) = if wide {
                (entry.u64_at(8)?, entry.u64_at(32)?)
            } else {
                (u64::from(entry.u32_at(4)?), u64::from(entry.u32_at(16)?))
            };
            let mut loader = vec![0; usize::try_from(length.min(LONGEST_LOADER)).ok()?];
            file.read_exact_at(&mut loader, offset).ok()?;
            let end = loader.iter().position(|&byte| byte == 0).unwrap_or(loader.len());
            loader.truncate(end);
            return Some(loader);
        }
        None
    }

    fn u16_at(&self, offset: usize) -> Option<u16> {
        self.header.get(offset..offset + 2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32_at(&self, offset: usize) -> Option<u32> {
        Fields(&self.header).u32_at(offset)
    }

    fn u64_at(&self, offset: usize) -> Option<u64> {
        Fields(&self.header).u64_at(offset)
    }
}

/// Little-endian fields of a record.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u32_at(&self, offset: usize) -> Option<u32> {
        self.0.get(offset..offset + 4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64_at(&self, offset: usize) -> Option<u64> {
        self.0.get(offset..offset + 8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_names_machine_and_loader() {
        let file = File::open("/proc/self/exe").unwrap();
        let mut start = [0; 64];
        file.read_exact_at(&mut start, 0).unwrap();
        let elf = Elf::parse(&start).unwrap();
        assert_eq!(elf.machine(), std::env::consts::ARCH);
        if cfg!(target_env = "gnu") {
            let loader = String::from_utf8(elf.loader(&file).unwrap()).unwrap();
            assert!(loader.contains("/ld-linux"), "{loader}");
        }
    }

    #[test]
    fn a_broken_file_has_no_loader() {
        let file = File::open("/proc/self/exe").unwrap();
        let elf = |rest| [b"\x7fELF", &[rest; 60][..]].concat();
        assert_eq!(Elf::parse(&elf(0xff)).unwrap().loader(&file), None);
        for other in [&elf(0), &elf(1)[..63], b"#!/bin/sh"] {
            assert!(Elf::parse(other).is_none());
        }
    }
}
