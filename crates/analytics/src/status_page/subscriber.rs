//! The e-mail address of a status page's subscriber. Anyone may type any address, so it is checked more strictly than
//! one entered by the owner of a channel, and no debug output shows it.

use std::fmt;

use crate::limits;
use crate::notice::email::is_address;

/// An e-mail address with its domain in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// None unless it is an address in a public mail domain.
    pub fn parse(text: &str) -> Option<Address> {
        let text = text.trim();
        let (user, domain) = text.rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let address = format!("{user}@{domain}");
        let is_short = address.len() as u64 <= limits::SUBSCRIBER_ADDRESS_CHARACTERS;
        (is_short && is_address(&address) && is_public_domain(&domain) && !has_empty_part(user))
            .then_some(Address(address))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The mailbox behind it, as far as its form shows: in lower case, without the part after a `+`.
    pub fn mailbox(&self) -> String {
        let address = self.0.to_ascii_lowercase();
        match address.split_once('@') {
            Some((user, domain)) => {
                let user = user.split('+').next().unwrap_or_default();
                format!("{user}@{domain}")
            }
            None => address,
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// At least two labels, and not an IP address.
fn is_public_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    domain.split('.').all(is_label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Dots separate words (RFC 5322): none at either end, no two in a row.
fn has_empty_part(user: &str) -> bool {
    user.split('.').any(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_people_type_it() {
        for (text, address, mailbox) in [
            ("ann@example.com", "ann@example.com", "ann@example.com"),
            (" Ann.Lee@Mail.Example.COM\n", "Ann.Lee@mail.example.com", "ann.lee@mail.example.com"),
            ("ann+shop@example.com", "ann+shop@example.com", "ann@example.com"),
            ("ann+a+b@example.com", "ann+a+b@example.com", "ann@example.com"),
            (
                "o'neil_1@xn--bcher-kva.example",
                "o'neil_1@xn--bcher-kva.example",
                "o'neil_1@xn--bcher-kva.example",
            ),
        ] {
            let parsed = Address::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((parsed.as_str(), parsed.mailbox().as_str()), (address, mailbox));
        }
    }

    #[test]
    fn what_is_no_address_or_no_public_one_is_refused() {
        let long = format!("{}@{}.com", "a".repeat(64), "b.".repeat(94));
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "ann@127.0.0.1",
            "ann@[127.0.0.1]",
            "ann@example..com",
            "ann@-example.com",
            "ann@example.com.",
            "a b@example.com",
            ".ann@example.com",
            "a..b@example.com",
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com,eve@example.com",
            "Ann <ann@example.com>",
            "ann@exämple.com",
            "ann@eve.com@example.com",
            &long,
        ] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn debug_output_shows_no_address() {
        assert_eq!(format!("{:?}", Address::parse("ann@example.com")), "Some(Address(..))");
    }
}
