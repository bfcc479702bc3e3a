//! What a binary says of itself, whatever machine it is for.

use std::path::Path;

use anyhow::{Context as _, ensure};
use object::{
    Architecture, Endianness, Object as _,
    elf::PT_INTERP,
    read::elf::{ElfFile64, ProgramHeader as _},
};
use oci_spec::image::Arch;

/// Where cargo-auditable keeps the list of crates:
/// <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.
const CRATES: &str = ".dep-v0";

/// Holds a binary to what an image of one file needs: it is for the image's architecture, it is static, for there is no
/// loader beside it, and it says itself which crates it is made of, for there is no package manager either.
pub(crate) fn check(binary: &Path, architecture: &Arch) -> anyhow::Result<()> {
    let content = std::fs::read(binary).with_context(|| format!("could not read {}", binary.display()))?;
    check_content(&content, architecture).with_context(|| binary.display().to_string())
}

fn check_content(content: &[u8], architecture: &Arch) -> anyhow::Result<()> {
    let elf = ElfFile64::<Endianness>::parse(content)?;
    let found = match elf.architecture() {
        Architecture::X86_64 => Arch::Amd64,
        Architecture::Aarch64 => Arch::ARM64,
        other => anyhow::bail!("it is for {other:?}"),
    };
    ensure!(found == *architecture, "it is for {found}, not for {architecture}");
    let asks_for_a_loader =
        elf.elf_program_headers().iter().any(|header| header.p_type(elf.endian()) == PT_INTERP);
    ensure!(!asks_for_a_loader, "it is not static: an image holds nothing else, and it would not start");
    ensure!(elf.section_by_name(CRATES).is_some(), "it does not say which crates it is made of");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file with one program header of this type, and a section of this name, which holds the names of sections:
    /// <https://refspecs.linuxfoundation.org/elf/elf.pdf>.
    fn elf(machine: u8, program_header: u8, section: &str) -> Vec<u8> {
        let names = [b"\0", section.as_bytes(), b"\0"].concat();
        let sections = 64 + 56 + names.len().next_multiple_of(8);
        let mut content = vec![0; sections + 2 * 64];
        content[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
        content[120..120 + names.len()].copy_from_slice(&names);
        let size = |length: usize| u8::try_from(length).unwrap();
        let head =
            [(16, 2), (18, machine), (20, 1), (32, 64), (40, size(sections)), (52, 64), (54, 56), (56, 1)];
        let table = [(58, 64), (60, 2), (62, 1), (64, program_header)];
        let section =
            [(0, 1), (4, 3), (24, 120), (32, size(names.len()))].map(|(at, byte)| (sections + 64 + at, byte));
        for (place, byte) in head.into_iter().chain(table).chain(section) {
            content[place] = byte;
        }
        content
    }

    #[test]
    fn only_a_static_binary_for_the_architecture_that_names_its_crates_will_do() {
        let said = |content: &[u8], architecture| {
            check_content(content, &architecture).err().map(|error| error.to_string())
        };
        let (x86_64, aarch64, load, interpreter) = (62, 183, 1, 3);
        assert_eq!(said(&elf(x86_64, load, CRATES), Arch::Amd64), None);
        assert_eq!(said(&elf(aarch64, load, CRATES), Arch::ARM64), None);
        let for_another = said(&elf(x86_64, load, CRATES), Arch::ARM64);
        assert_eq!(for_another.as_deref(), Some("it is for amd64, not for arm64"));
        assert!(
            said(&elf(aarch64, interpreter, CRATES), Arch::ARM64).unwrap().starts_with("it is not static")
        );
        let silent = said(&elf(x86_64, load, ".comment"), Arch::Amd64);
        assert_eq!(silent.as_deref(), Some("it does not say which crates it is made of"));
        assert!(said(b"#!/bin/sh", Arch::Amd64).is_some());
    }

    #[test]
    fn a_binary_of_the_tests_is_not_static() {
        let itself = Path::new("/proc/self/exe");
        let architecture = if cfg!(target_arch = "aarch64") { Arch::ARM64 } else { Arch::Amd64 };
        assert!(check(itself, &architecture).is_err());
    }
}
