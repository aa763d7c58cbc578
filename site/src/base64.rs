//! Bytes as text that any address and attribute can hold: base64 with the URL-safe alphabet, without padding (RFC 4648,
//! section 5). The browser does the work, with the standard alphabet.

use leptos::prelude::window;

/// The text of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    // One character a byte is how the browser takes them.
    let letters: String = bytes.iter().copied().map(char::from).collect();
    let text = window().btoa(&letters).unwrap_or_default();
    let url_safe = |letter| match letter {
        '+' => '-',
        '/' => '_',
        other => other,
    };
    text.trim_end_matches('=').chars().map(url_safe).collect()
}

/// The bytes of such a text, with padding or without; none where it is no such text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = |letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let text: String = text.chars().map(standard).collect();
    let letters = window().atob(&text).ok()?;
    letters.chars().map(|letter| u8::try_from(letter).ok()).collect()
}
