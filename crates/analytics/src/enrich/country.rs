//! The country of an address, from a database file in MaxMind's format.
//!
//! The shipped database is IPFire's, made by `scripts/gen-country.sh`; an operator may put another in its place
//! (GeoLite2, DB-IP ...). A replacement is read into memory, not mapped: overwriting a mapped file kills the process
//! that reads it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, PathElement, Reader};

use crate::hit::Country;

static EMBEDDED: &[u8] = include_bytes!("../../data/country.mmdb");

/// A database of countries by address.
pub struct Countries {
    reader: Reader<Cow<'static, [u8]>>,
}

#[derive(Debug, thiserror::Error)]
pub enum CountryError {
    #[error("cannot read {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a country database in MaxMind's format (.mmdb): {message}")]
    Format { path: PathBuf, message: String },
}

impl Countries {
    /// The database that is shipped with the program.
    pub fn embedded() -> Countries {
        let reader = Reader::from_source(Cow::Borrowed(EMBEDDED));
        Countries { reader: reader.expect("the embedded database is tested to be one") }
    }

    /// A .mmdb file whose records hold `country.iso_code`.
    pub fn open(path: &Path) -> Result<Countries, CountryError> {
        let bytes = std::fs::read(path)
            .map_err(|source| CountryError::Io { path: path.to_owned(), source })?;
        Countries::from_bytes(bytes).map_err(|error| CountryError::Format {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Countries, MaxMindDbError> {
        let reader = Reader::from_source(Cow::Owned(bytes))?;
        Ok(Countries { reader })
    }

    /// When the database was made, seconds since 1970.
    pub fn build_epoch(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// "IPFire-Country", "GeoLite2-Country" ...
    pub fn database_type(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// `Country::NONE` if it is not known, as for private addresses.
    pub fn of(&self, address: IpAddr) -> Country {
        let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
        // An error means a damaged database, or an IPv6 address in one for IPv4 alone: not known either way.
        let code = self.reader.lookup(address).and_then(|found| found.decode_path::<&str>(&path));
        match code.ok().flatten().map(str::as_bytes) {
            Some(&[first, second]) if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                Country([first, second])
            }
            _ => Country::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_addresses_have_their_countries() {
        let countries = Countries::embedded();
        for (address, country) in [
            ("1.1.1.1", "AU"),
            ("8.8.8.8", "US"),
            ("141.2.1.1", "DE"),   // Universität Frankfurt
            ("193.136.0.1", "PT"), // FCCN
            ("133.11.0.1", "JP"),  // University of Tokyo
            ("200.160.2.3", "BR"), // registro.br
            ("2001:200::1", "JP"), // WIDE
            ("2001:638::1", "DE"), // DFN
            ("2001:4860:4860::8888", "US"),
            ("127.0.0.1", ""),
            ("10.0.0.1", ""),
            ("::1", ""),
            ("fe80::1", ""),
        ] {
            assert_eq!(countries.of(address.parse().unwrap()).as_str(), country, "{address}");
        }
    }

    #[test]
    fn the_embedded_database_says_what_it_is_and_when_it_was_made() {
        let countries = Countries::embedded();
        assert_eq!(countries.database_type(), "IPFire-Country");
        assert!(countries.build_epoch() > 1_767_225_600, "made before 2026");
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let error = Countries::open(Path::new("/nowhere/country.mmdb")).err().unwrap().to_string();
        assert!(error.contains("/nowhere/country.mmdb"), "{error}");
        assert!(Countries::from_bytes(b"no database".to_vec()).is_err());
        let mut cut = EMBEDDED.to_vec();
        cut.truncate(EMBEDDED.len() / 2);
        assert!(Countries::from_bytes(cut).is_err());
    }
}
