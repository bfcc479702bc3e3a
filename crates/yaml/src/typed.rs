//! Typed reading: a tree of nodes as serde asks for it.
//!
//! Aliases and merge keys are followed. What they unfold to is bounded, and so is how deeply values are nested.

use std::cell::Cell;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::members::{Member, members};
use crate::mismatch::Mismatch;
use crate::value::{self, Value, check_text};
use crate::{Error, Node, Place, placed};

/// How many collections may be around a value.
const DEEPEST: usize = 64;

/// How many values aliases may unfold to.
const MOST_UNFOLDED: usize = 250_000;

/// What to put in place of a text: `None` leaves it as it is, `Err` says what is wrong with it.
pub(crate) type Fill<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

/// One reading of a file.
pub(crate) struct Reading<'a> {
    /// What every text passes through before a type sees it.
    pub(crate) fill: Option<Fill<'a>>,
    /// How many values aliases may still unfold to.
    unfolded: Cell<usize>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(fill: Option<Fill<'a>>) -> Self {
        Self { fill, unfolded: Cell::new(MOST_UNFOLDED) }
    }

    /// The value of `root` as `seed` wants it.
    pub(crate) fn read<'de, S: DeserializeSeed<'de>>(
        &self,
        root: Node<'_>,
        seed: S,
    ) -> Result<S::Value, Error> {
        let typed = Typed { node: root, used: None, depth: 0, reading: self };
        seed.deserialize(typed).map_err(|mismatch| mismatch.into_error(root))
    }
}

/// A value that a type is read from.
#[derive(Clone, Copy)]
struct Typed<'a> {
    /// The value's node, or an alias of it.
    node: Node<'a>,
    /// The alias that the value comes through.
    used: Option<Place>,
    /// How many collections are around the value.
    depth: usize,
    reading: &'a Reading<'a>,
}

impl<'a> Typed<'a> {
    /// The alias that what is within the value comes through.
    fn used_within(&self) -> Option<Place> {
        self.used.or_else(|| self.node.is_alias().then(|| self.node.place()))
    }

    /// A value within this one.
    fn within(&self, node: Node<'a>, used: Option<Place>) -> Result<Self, Mismatch> {
        let depth = self.depth + 1;
        if depth >= DEEPEST && (node.is_sequence() || node.is_mapping()) {
            return Err(Error::new(node.place(), "nested too deeply").into());
        }
        if node.is_alias() && node.resolved().encloses(node) {
            return Err(Error::new(node.place(), "the value contains itself").into());
        }
        if let Some(used) = used {
            let left = self.reading.unfolded.get().checked_sub(1);
            let too_much = || Error::new(used, "the aliases of the file unfold to too much");
            self.reading.unfolded.set(left.ok_or_else(too_much)?);
        }
        Ok(Self { node, used, depth, reading: self.reading })
    }

    fn items(self) -> impl Iterator<Item = Result<Self, Mismatch>> {
        let used = self.used_within();
        self.node.items().map(move |item| self.within(item, used))
    }

    fn check_tag(&self) -> Result<(), Mismatch> {
        let what = if self.node.is_sequence() { "a list" } else { "a mapping" };
        let wrong = || Mismatch::Says(format!("this tag does not go with {what}"));
        if value::has_wrong_tag(self.node) { Err(wrong()) } else { Ok(()) }
    }

    fn members(&self) -> Result<Vec<Member<'a>>, Mismatch> {
        if !self.node.is_mapping() {
            return Err(Mismatch::expected("a mapping"));
        }
        self.check_tag()?;
        members(self.node, self.used_within())
    }

    /// Looks through what nobody reads: what is no value to any reader is refused there, too.
    fn pass_over(self) -> Result<(), Mismatch> {
        if self.node.is_sequence() {
            self.check_tag()?;
            self.items().try_for_each(|item| item?.pass_over())?;
        }
        if self.node.is_mapping() {
            for member in self.members()? {
                self.within(member.key, member.used)?.pass_over()?;
                self.within(member.value, member.used)?.pass_over()?;
            }
        }
        Ok(())
    }

    /// What `seed` wants, with complaints that know their place.
    fn give<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mismatch> {
        seed.deserialize(self).map_err(|mismatch| mismatch.at(self.node))
    }

    fn scalar(&self) -> Result<&'a str, Mismatch> {
        self.node.as_str().ok_or_else(|| Mismatch::expected("a single value"))
    }

    fn whole<T: TryFrom<i128>>(&self, expected: &str) -> Result<T, Mismatch> {
        let number = value::whole(self.scalar()?).filter(|_| value::may_be(self.node, "int"));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| Mismatch::expected(expected))
    }

    fn float(&self) -> Result<f64, Mismatch> {
        let number = value::float(self.scalar()?).filter(|_| value::may_be(self.node, "float"));
        number.ok_or_else(|| Mismatch::expected("a number"))
    }

    fn visit_text<'de, V: Visitor<'de>>(&self, text: &str, visitor: V) -> Result<V::Value, Mismatch> {
        let filled = self.reading.fill.map(|fill| fill(text).map_err(Mismatch::Says)).transpose()?;
        match filled.flatten() {
            Some(filled) => visitor.visit_string(filled),
            None => visitor.visit_str(text),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $expected:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            visitor.$visit(self.whole($expected)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Typed<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Some(text) = self.node.as_str() else {
            return if self.node.is_sequence() {
                self.deserialize_seq(visitor)
            } else {
                self.deserialize_map(visitor)
            };
        };
        match Value::of(self.node, text)? {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Natural(value) => visitor.visit_u64(value),
            Value::Negative(value) => visitor.visit_i64(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Text(text) => self.visit_text(text, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let value = value::boolean(self.scalar()?).filter(|_| value::may_be(self.node, "bool"));
        visitor.visit_bool(value.ok_or_else(|| Mismatch::expected("true or false"))?)
    }

    whole_numbers! {
        deserialize_i8 visit_i8 "a whole number from -128 to 127",
        deserialize_i16 visit_i16 "a whole number",
        deserialize_i32 visit_i32 "a whole number",
        deserialize_i64 visit_i64 "a whole number",
        deserialize_u8 visit_u8 "a whole number from 0 to 255",
        deserialize_u16 visit_u16 "a whole number from 0 to 65535",
        deserialize_u32 visit_u32 "a whole number from 0 to 4294967295",
        deserialize_u64 visit_u64 "a whole number from 0",
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let mut characters = check_text(self.node, self.scalar()?)?.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => visitor.visit_char(character),
            _ => Err(Mismatch::expected("one character")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.visit_text(check_text(self.node, self.scalar()?)?, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if value::is_null(self.node) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if value::is_null(self.node) { visitor.visit_unit() } else { Err(Mismatch::expected("nothing")) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if name == placed::NAME {
            let place = self.used.unwrap_or_else(|| self.node.place());
            return visitor
                .visit_seq(WithPlace { place: [place.line, place.column].into_iter(), value: self });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if !self.node.is_sequence() {
            return Err(Mismatch::expected("a list"));
        }
        self.check_tag()?;
        visitor.visit_seq(Items(self.items()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Mismatch> {
        let given = self.node.items().count();
        if self.node.is_sequence() && given != length {
            return Err(Mismatch::invalid_length(given, &length.to_string().as_str()));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_map(Entries { mapping: self, members: self.members()?.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    /// A name alone, or a mapping of one name to its value.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if !self.node.is_mapping() {
            self.node.as_str().ok_or_else(|| Mismatch::expected("a name or a mapping"))?;
            return visitor.visit_enum(Variant { name: self, value: None });
        }
        let members = self.members()?;
        match members.as_slice() {
            [] => Err(Mismatch::expected("a name or a mapping")),
            [one] => {
                let name = self.within(one.key, one.used)?;
                let value = Some(self.within(one.value, one.used)?);
                visitor.visit_enum(Variant { name, value })
            }
            [_, second, ..] => Err(Mismatch::Says("expected one key only".to_owned()).at(second.key)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.pass_over()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bytes byte_buf }
}

/// A value behind the numbers of its place.
struct WithPlace<'a> {
    place: std::array::IntoIter<usize, 2>,
    value: Typed<'a>,
}

impl<'de> SeqAccess<'de> for WithPlace<'_> {
    type Error = Mismatch;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mismatch> {
        match self.place.next() {
            Some(number) => seed.deserialize(number.into_deserializer()),
            None => seed.deserialize(self.value),
        }
        .map(Some)
    }
}

/// The items of a list.
struct Items<I>(I);

impl<'de, 'a, I: Iterator<Item = Result<Typed<'a>, Mismatch>>> SeqAccess<'de> for Items<I> {
    type Error = Mismatch;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mismatch> {
        self.0.next().map(|item| item?.give(seed)).transpose()
    }
}

/// The entries of a mapping.
struct Entries<'a> {
    mapping: Typed<'a>,
    members: std::vec::IntoIter<Member<'a>>,
    /// The value of the key that was asked for last.
    value: Option<Typed<'a>>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mismatch;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mismatch> {
        let Some(member) = self.members.next() else { return Ok(None) };
        self.value = Some(self.mapping.within(member.value, member.used)?);
        self.mapping.within(member.key, member.used)?.give(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        let value =
            self.value.take().ok_or_else(|| Mismatch::custom("a value was asked for before its key"))?;
        value.give(seed)
    }
}

/// One of the forms of a type: its name, and what stands behind the name.
struct Variant<'a> {
    name: Typed<'a>,
    value: Option<Typed<'a>>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Mismatch> {
        Ok((self.name.give(seed)?, self))
    }
}

impl<'a> Variant<'a> {
    fn value(&self, expected: &str) -> Result<Typed<'a>, Mismatch> {
        self.value.ok_or_else(|| Mismatch::expected(expected).at(self.name.node))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.value {
            Some(value) if !value::is_null(value.node) => {
                Err(Mismatch::expected("no value here").at(value.node))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mismatch> {
        self.value("a mapping from this name to a value")?.give(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Mismatch> {
        let value = self.value("a mapping from this name to a list")?;
        value.deserialize_tuple(length, visitor).map_err(|mismatch| mismatch.at(value.node))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let value = self.value("a mapping")?;
        value.deserialize_map(visitor).map_err(|mismatch| mismatch.at(value.node))
    }
}
