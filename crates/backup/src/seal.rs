//! Secrets, encrypted.
//!
//! A sealed file is a JWE in compact form ([RFC 7516](https://www.rfc-editor.org/rfc/rfc7516)), so that any JOSE library
//! opens it where there is no Sluice. `dir` and `A256GCM`: the key encrypts as it is, with a nonce of its own for each
//! file. Nonces are random: one key may seal 2^32 files
//! ([SP 800-38D, 8.3](https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf)). The header, which is
//! authenticated, names the file (`file`), so that none can be put in another's place, and the key (`kid`, its
//! [thumbprint](https://www.rfc-editor.org/rfc/rfc7638)), so that another key is told from damage.
//!
//! A key is 32 random bytes, never a password: nothing has to slow down who tries keys.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
};
use serde::{Deserialize, Serialize};
use sluice_core::{Problem, Secret};

/// The extension of a sealed file.
pub(crate) const EXTENSION: &str = "yaml.jwe";

/// The bytes of a key.
const KEY: usize = 32;
/// The bytes of GCM's tag.
const TAG: usize = 16;

/// What seals files.
pub(crate) struct Key {
    key: LessSafeKey,
    id: String,
}

/// Why a file can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    #[error("it is no sealed file: {0}")]
    NotSealed(&'static str),
    #[error("it was encrypted with another key")]
    OtherKey,
    #[error("it was sealed as another file, \"{0}\"")]
    OtherFile(String),
    #[error("it was changed since it was encrypted")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: String,
    file: String,
}

const ALGORITHM: &str = "dir";
const ENCRYPTION: &str = "A256GCM";

impl Key {
    /// The key that an input gives.
    pub(crate) fn new(input: &Secret) -> Result<Self, Problem> {
        let wrong = |why: String| {
            Problem::misconfigured("the `key` can't be used")
                .why(why)
                .help("make one with `openssl rand -base64 32`, and keep it as a secret")
        };
        let bytes = BASE64_STANDARD
            .decode(input.expose().trim())
            .map_err(|_| wrong("it is not base64".to_owned()))?;
        if bytes.len() != KEY {
            return Err(wrong(format!("it has {} bytes, not {KEY}", bytes.len())));
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| wrong("it is no key".to_owned()))?;
        let jwk = format!(r#"{{"k":"{}","kty":"oct"}}"#, BASE64_URL_SAFE_NO_PAD.encode(&bytes));
        let id = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()));
        Ok(Self { key: LessSafeKey::new(key), id })
    }

    /// The key's thumbprint, which is no secret.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The content of a file, sealed for this path.
    pub(crate) fn seal(&self, path: &str, content: &[u8]) -> Result<Vec<u8>, Problem> {
        let failed = |_| Problem::undecided("could not encrypt").why("the system gives no random numbers");
        let header = Header {
            alg: ALGORITHM.to_owned(),
            enc: ENCRYPTION.to_owned(),
            kid: self.id.clone(),
            file: path.to_owned(),
        };
        let header = serde_json::to_vec(&header)
            .map_err(|error| Problem::undecided("could not encrypt").why(error))?;
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut text = content.to_vec();
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(header.as_bytes()),
                &mut text,
            )
            .map_err(failed)?;
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        // The second part is the encrypted key, which `dir` has none of.
        let sealed = [header, String::new(), part(&nonce), part(&text), part(tag.as_ref())];
        Ok(sealed.join(".").into_bytes())
    }

    /// The content of a file that was sealed for this path.
    pub(crate) fn open(&self, path: &str, sealed: &[u8]) -> Result<Vec<u8>, Closed> {
        let text = str::from_utf8(sealed).map_err(|_| Closed::NotSealed("it is no text"))?.trim_ascii_end();
        let [header, none, nonce, text, tag] = text
            .split('.')
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| Closed::NotSealed("it does not have five parts"))?;
        let part = |text: &str| {
            BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Closed::NotSealed("a part is not base64url"))
        };
        let said: Header = serde_json::from_slice(&part(header)?)
            .map_err(|_| Closed::NotSealed("its header says not what it is"))?;
        if (said.alg.as_str(), said.enc.as_str(), none) != (ALGORITHM, ENCRYPTION, "") {
            return Err(Closed::NotSealed("it is encrypted in another way"));
        }
        if said.kid != self.id {
            return Err(Closed::OtherKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(&part(nonce)?)
            .map_err(|_| Closed::NotSealed("its nonce has another length"))?;
        let (mut text, tag) = (part(text)?, part(tag)?);
        if tag.len() != TAG {
            return Err(Closed::NotSealed("its tag has another length"));
        }
        text.extend(tag);
        let length = self
            .key
            .open_in_place(nonce, Aad::from(header.as_bytes()), &mut text)
            .map_err(|_| Closed::Damaged)?
            .len();
        if said.file != path {
            return Err(Closed::OtherFile(said.file));
        }
        text.truncate(length);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> Key {
        Key::new(&Secret::new(BASE64_STANDARD.encode([byte; KEY]))).unwrap()
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        let wrong = |text: &str| Key::new(&Secret::new(text)).err().unwrap().why.unwrap();
        assert_eq!(wrong("correct horse battery staple"), "it is not base64");
        assert_eq!(wrong("c2hvcnQ="), "it has 5 bytes, not 32");
        assert!(!wrong("hunter2!").contains("hunter2"));
        let padded = format!(" {}\n", BASE64_STANDARD.encode([7; KEY]));
        assert_eq!(Key::new(&Secret::new(padded)).unwrap().id(), key(7).id());
    }

    /// The thumbprint of a key of zeros, as any other library has it.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let jwk = r#"{"k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kty":"oct"}"#;
        let expected = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()));
        assert_eq!(key(0).id(), expected);
        assert_ne!(key(0).id(), key(1).id());
    }

    #[test]
    fn the_reason_why_a_file_stays_closed_is_told() {
        let sealed = key(1).seal("secrets/db.yaml.jwe", b"password").unwrap();
        assert_eq!(key(2).open("secrets/db.yaml.jwe", &sealed), Err(Closed::OtherKey));
        let other = Closed::OtherFile("secrets/db.yaml.jwe".to_owned());
        assert_eq!(key(1).open("secrets/web.yaml.jwe", &sealed), Err(other));
        assert!(matches!(key(1).open("x", b"apiVersion: v1"), Err(Closed::NotSealed(_))));
        let text = str::from_utf8(&sealed).unwrap();
        let (rest, tag) = text.rsplit_once('.').unwrap();
        let shorter = format!("{rest}.{}", &tag[..tag.len() - 2]);
        assert_eq!(
            key(1).open("secrets/db.yaml.jwe", shorter.as_bytes()),
            Err(Closed::NotSealed("its tag has another length"))
        );
    }

    #[test]
    fn no_two_files_share_a_nonce() {
        let seal = || key(1).seal("a", b"same").unwrap();
        assert_ne!(seal(), seal());
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(content: Vec<u8>, path in "\\PC{0,40}") {
            let sealed = key(3).seal(&path, &content).unwrap();
            prop_assert_eq!(key(3).open(&path, &sealed).unwrap(), content);
        }

        #[test]
        fn no_byte_can_be_changed(content: Vec<u8>, at: prop::sample::Index, to: u8) {
            let mut sealed = key(3).seal("a", &content).unwrap();
            let at = at.index(sealed.len());
            prop_assume!(sealed[at] != to);
            // A JWE ends with its last part.
            prop_assume!(!(at + 1 == sealed.len() && to.is_ascii_whitespace()));
            sealed[at] = to;
            prop_assert!(key(3).open("a", &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(key(3).open("a", &bytes).is_err());
        }
    }
}
