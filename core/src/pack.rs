//! The binary form of stages and figures: what a page's HTML holds, and what page and worker say to each other.
//!
//! Fields one after another, whole numbers in as few bytes as they need, other numbers as their eight bytes; no names,
//! no types. Bytes that were cut or changed read as none, or as other values that the rules of a stage then refuse.
//!
//! serde would do the same, and writes its code anew for every type and every field of it: for this crate's types it was
//! a tenth of the page's module, and grew with each kind of component.

use std::collections::BTreeMap;

/// Something with a binary form.
pub trait Pack: Sized {
    /// Appends its bytes.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads it back; none when the bytes are not one.
    fn unpack(input: &mut Input<'_>) -> Option<Self>;
}

/// The bytes of a value.
pub fn to_bytes(value: &impl Pack) -> Vec<u8> {
    let mut out = Vec::new();
    value.pack(&mut out);
    out
}

/// Whether two values are packed alike. What can be packed anyway is compared like this at no further cost; to compare each
/// setting of each kind is six kilobytes of code.
pub fn are_alike<T: Pack>(a: &T, b: &T) -> bool {
    to_bytes(a) == to_bytes(b)
}

/// The value in these bytes; none when they are not exactly one.
pub fn from_bytes<T: Pack>(bytes: &[u8]) -> Option<T> {
    let mut input = Input(bytes);
    T::unpack(&mut input).filter(|_| input.0.is_empty())
}

/// A value as a text for an attribute of a page: its bytes, two hexadecimal digits each.
///
/// Base64 would be shorter, and weighs more once the page is compressed: there a run of bytes that was seen before looks
/// like it only at every third place. A lesson's figures are nearly alike, so that makes up for the rest.
pub fn to_text(value: &impl Pack) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    to_bytes(value).into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// The value in such a text; none where it is no such text, or was cut or changed.
pub fn from_text<T: Pack>(text: &str) -> Option<T> {
    let half = |digit: u8| char::from(digit).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| match *pair {
            [high, low] => Some((half(high)? * 16 + half(low)?) as u8),
            _ => None,
        })
        .collect();
    from_bytes(&bytes?)
}

/// A value that can be read into its place, whatever its type.
pub trait PackInPlace {
    /// Appends its bytes.
    fn pack_here(&self, out: &mut Vec<u8>);
    /// Reads it back. False, and nothing is changed, when the bytes are not one.
    fn unpack_here(&mut self, input: &mut Input<'_>) -> bool;
}

impl<T: Pack> PackInPlace for T {
    fn pack_here(&self, out: &mut Vec<u8>) {
        self.pack(out);
    }

    fn unpack_here(&mut self, input: &mut Input<'_>) -> bool {
        let value = T::unpack(input);
        let is_one = value.is_some();
        if let Some(value) = value {
            *self = value;
        }
        is_one
    }
}

/// Bytes that are being read.
#[derive(Clone, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    #[inline(never)]
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A whole number, seven bits a byte, the lowest first; the last byte is below 128.
    #[inline(never)]
    fn whole(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[inline(never)]
fn put_whole(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

macro_rules! pack_whole {
    ($($type:ty),*) => { $(
        impl Pack for $type {
            fn pack(&self, out: &mut Vec<u8>) {
                put_whole(*self as u64, out);
            }
            fn unpack(input: &mut Input<'_>) -> Option<Self> {
                <$type>::try_from(input.whole()?).ok()
            }
        }
    )* };
}

pack_whole!(u8, u16, u32, u64, usize);

impl Pack for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some(input.byte()? != 0)
    }
}

impl Pack for f64 {
    #[inline(never)]
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    #[inline(never)]
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some(Self::from_le_bytes(input.take(8)?.try_into().ok()?))
    }
}

impl Pack for f32 {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some(Self::from_le_bytes(input.take(4)?.try_into().ok()?))
    }
}

impl Pack for String {
    #[inline(never)]
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        out.extend_from_slice(self.as_bytes());
    }
    #[inline(never)]
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let length = usize::unpack(input)?;
        Self::from_utf8(input.take(length)?.to_vec()).ok()
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        self.iter().for_each(|each| each.pack(out));
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        // Nothing is reserved beforehand: the length may be made up.
        let mut values = Self::new();
        for _ in 0..usize::unpack(input)? {
            values.push(T::unpack(input)?);
        }
        Some(values)
    }
}

impl<T: Pack + Copy + Default, const N: usize> Pack for [T; N] {
    fn pack(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|each| each.pack(out));
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::unpack(input)?;
        }
        Some(values)
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(value) = self {
            value.pack(out);
        }
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some(if bool::unpack(input)? { Some(T::unpack(input)?) } else { None })
    }
}

impl<T: Pack, E: Pack> Pack for Result<T, E> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_ok().pack(out);
        match self {
            Ok(value) => value.pack(out),
            Err(error) => error.pack(out),
        }
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some(if bool::unpack(input)? { Ok(T::unpack(input)?) } else { Err(E::unpack(input)?) })
    }
}

impl<T: Pack> Pack for Box<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        (**self).pack(out);
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        T::unpack(input).map(Self::new)
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
        self.1.pack(out);
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some((A::unpack(input)?, B::unpack(input)?))
    }
}

impl<A: Pack, B: Pack, C: Pack> Pack for (A, B, C) {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
        self.1.pack(out);
        self.2.pack(out);
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        Some((A::unpack(input)?, B::unpack(input)?, C::unpack(input)?))
    }
}

impl<T: Pack> Pack for BTreeMap<String, T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        for (name, value) in self {
            name.pack(out);
            value.pack(out);
        }
    }
    fn unpack(input: &mut Input<'_>) -> Option<Self> {
        let mut map = Self::new();
        for _ in 0..usize::unpack(input)? {
            map.insert(String::unpack(input)?, T::unpack(input)?);
        }
        Some(map)
    }
}

/// Gives a struct its binary form: its fields in this order, each of them.
#[macro_export]
macro_rules! pack_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::pack::Pack for $type {
            #[inline(never)]
            fn pack(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $( $crate::pack::Pack::pack($field, out); )*
            }
            #[inline(never)]
            fn unpack(input: &mut $crate::pack::Input<'_>) -> Option<Self> {
                $( let $field = $crate::pack::Pack::unpack(input)?; )*
                Some(Self { $($field),* })
            }
        }
    };
}

/// Gives an enum its binary form: a variant's number, and its parts in this order.
#[macro_export]
macro_rules! pack_enum {
    ($type:ty { $( $tag:literal => $variant:ident $( ( $($part:ident),* ) )? $( { $($field:ident),* } )? ),* $(,)? }) => {
        impl $crate::pack::Pack for $type {
            #[inline(never)]
            fn pack(&self, out: &mut Vec<u8>) {
                match self { $(
                    Self::$variant $( ( $($part),* ) )? $( { $($field),* } )? => {
                        out.push($tag);
                        $( $( $crate::pack::Pack::pack($part, out); )* )?
                        $( $( $crate::pack::Pack::pack($field, out); )* )?
                    }
                )* }
            }
            #[inline(never)]
            fn unpack(input: &mut $crate::pack::Input<'_>) -> Option<Self> {
                Some(match input.byte()? {
                    $( $tag => {
                        $( $( let $part = $crate::pack::Pack::unpack(input)?; )* )?
                        $( $( let $field = $crate::pack::Pack::unpack(input)?; )* )?
                        Self::$variant $( ( $($part),* ) )? $( { $($field),* } )?
                    } )*
                    _ => return None,
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_back_and_one_that_was_cut_does_not() {
        let text = to_text(&"Größe".to_owned());
        assert_eq!(from_text::<String>(&text).as_deref(), Some("Größe"));
        assert_eq!(from_text::<String>(&text[1..]), None);
        assert_eq!(from_text::<String>(&text[..text.len() - 2]), None);
        assert_eq!(from_text::<u8>("0ß"), None);
    }

    #[test]
    fn a_number_takes_as_few_bytes_as_it_needs() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (u64::MAX, 10)] {
            let bytes = to_bytes(&number);
            assert_eq!(bytes.len(), length);
            assert_eq!(from_bytes(&bytes), Some(number));
        }
        assert_eq!(from_bytes::<u8>(&to_bytes(&256_u64)), None);
    }
}
