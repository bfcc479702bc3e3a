//! The names of files in a backup.
//!
//! A file is named for its object: `deployments.apps/api.yaml`. Names of objects are nearly free (a Role may be called
//! `system:Reader`), names of files are not: an artifact takes no `:`, some disks take `A` for `a`, and no file name is
//! longer than 255 bytes. So everything but small letters, digits, `-`, `_` and `.` is written as `%XX`, and what is
//! too long ends in a hash. Two objects never share a file.

use std::fmt::Write as _;

use crate::digest;

/// The longest part of a name that is kept: room is left for the hash and the extension.
const LONGEST: usize = 200;

/// The path of an object's file, from the backup's folder on. `resource` is the plural of its kind: `deployments`.
pub(crate) fn of(resource: &str, group: &str, name: &str, extension: &str) -> String {
    let folder = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    format!("{}/{}.{extension}", safe(&folder), safe(name))
}

fn safe(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => safe.push(char::from(byte)),
            // A file whose name starts with a dot is hidden, and left out of an artifact.
            b'.' if index > 0 => safe.push('.'),
            _ => {
                let _ = write!(safe, "%{byte:02X}");
            }
        }
    }
    if safe.len() > LONGEST {
        // `~` is in no name that was kept whole.
        let hash = digest::hex(name.as_bytes());
        safe.truncate(LONGEST - 33);
        let _ = write!(safe, "~{}", &hash[..32]);
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_is_named_for_its_object() {
        assert_eq!(of("deployments", "apps", "api", "yaml"), "deployments.apps/api.yaml");
        assert_eq!(of("secrets", "", "db.v1_2", "yaml.jwe"), "secrets/db.v1_2.yaml.jwe");
        assert_eq!(of("roles", "rbac", "system:Reader", "yaml"), "roles.rbac/system%3A%52eader.yaml");
        assert_eq!(of("../x", "", "..", "yaml"), "%2E.%2Fx/%2E..yaml");
    }

    #[test]
    fn a_long_name_fits_and_stays_its_own() {
        let (one, two) = ("a".repeat(253), format!("{}b", "a".repeat(252)));
        let path = of("configmaps", "", &one, "yaml.jwe");
        assert!(path.split('/').all(|part| part.len() < 255), "{path}");
        assert_ne!(path, of("configmaps", "", &two, "yaml.jwe"));
    }

    proptest! {
        #[test]
        fn a_name_stays_in_its_folder_and_is_no_one_else_s(one in "\\PC{0,300}|[A-Ba-b.%~/]{0,8}", two in "\\PC{0,300}|[A-Ba-b.%~/]{0,8}") {
            let name = safe(&one);
            prop_assert!(name.len() <= LONGEST && !name.starts_with('.'));
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.%~".contains(c);
            let escapes: String = name.chars().filter(|c| !plain(*c)).collect();
            prop_assert!(escapes.chars().all(|c| c.is_ascii_hexdigit()), "{}", name);
            prop_assert_eq!(name.to_lowercase() == safe(&two).to_lowercase(), one == two);
        }
    }
}
