//! A node's attributes, each read at most once and none left over: an attribute that import does not know could change
//! what the node computes.

use std::collections::BTreeMap;

use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto, attribute_proto::AttributeType};

use super::Error;

/// The attributes of a node that have not been read yet.
pub(super) struct Attributes<'a> {
    /// Operator and name of the node.
    node: String,
    left: BTreeMap<&'a str, &'a AttributeProto>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(node: &'a NodeProto, label: &str) -> Result<Self, Error> {
        let mut attributes = Self { node: label.to_owned(), left: BTreeMap::new() };
        for attribute in &node.attribute {
            if !attribute.ref_attr_name.is_empty() {
                return Err(
                    attributes.refuse(&attribute.name, "refers to a function's attribute: inline functions first")
                );
            }
            if attributes.left.insert(&attribute.name, attribute).is_some() {
                return Err(attributes.refuse(&attribute.name, "stands there twice"));
            }
        }
        Ok(attributes)
    }

    pub(super) fn refuse(&self, attribute: &str, reason: impl Into<String>) -> Error {
        Error::Attribute { node: self.node.clone(), attribute: attribute.to_owned(), reason: reason.into() }
    }

    fn take(&mut self, name: &str, kind: AttributeType) -> Result<Option<&'a AttributeProto>, Error> {
        let Some(attribute) = self.left.remove(name) else { return Ok(None) };
        if attribute.r#type == kind as i32 {
            return Ok(Some(attribute));
        }
        let got = AttributeType::try_from(attribute.r#type).map_or("of no known type", |kind| kind.as_str_name());
        Err(self.refuse(name, format!("is {got}, expected {}", kind.as_str_name())))
    }

    pub(super) fn float(&mut self, name: &str) -> Result<Option<f64>, Error> {
        let Some(attribute) = self.take(name, AttributeType::Float)? else { return Ok(None) };
        self.finite(name, &[attribute.f]).map(|values| values.first().copied())
    }

    pub(super) fn floats(&mut self, name: &str) -> Result<Option<Vec<f64>>, Error> {
        let Some(attribute) = self.take(name, AttributeType::Floats)? else { return Ok(None) };
        self.finite(name, &attribute.floats).map(Some)
    }

    fn finite(&self, name: &str, values: &[f32]) -> Result<Vec<f64>, Error> {
        if let Some((element, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            let what = format!("attribute `{name}` of {}", self.node);
            return Err(Error::NonFinite { what, element, value: value.into() });
        }
        Ok(values.iter().map(|&value| value.into()).collect())
    }

    pub(super) fn int(&mut self, name: &str) -> Result<Option<i64>, Error> {
        Ok(self.take(name, AttributeType::Int)?.map(|attribute| attribute.i))
    }

    pub(super) fn ints(&mut self, name: &str) -> Result<Option<&'a [i64]>, Error> {
        Ok(self.take(name, AttributeType::Ints)?.map(|attribute| attribute.ints.as_slice()))
    }

    /// Text, which must be UTF-8.
    pub(super) fn string(&mut self, name: &str) -> Result<Option<&'a str>, Error> {
        let Some(attribute) = self.take(name, AttributeType::String)? else { return Ok(None) };
        std::str::from_utf8(&attribute.s).map(Some).map_err(|_| self.refuse(name, "is no UTF-8 text"))
    }

    pub(super) fn strings(&mut self, name: &str) -> Result<Option<Vec<&'a str>>, Error> {
        let Some(attribute) = self.take(name, AttributeType::Strings)? else { return Ok(None) };
        let texts = attribute.strings.iter().map(|text| std::str::from_utf8(text)).collect::<Result<_, _>>();
        texts.map(Some).map_err(|_| self.refuse(name, "is no UTF-8 text"))
    }

    /// A number that may be NaN or infinite: what a missing value looks like.
    pub(super) fn any_float(&mut self, name: &str) -> Result<Option<f64>, Error> {
        Ok(self.take(name, AttributeType::Float)?.map(|attribute| attribute.f.into()))
    }

    pub(super) fn tensor(&mut self, name: &str) -> Result<Option<&'a TensorProto>, Error> {
        let Some(attribute) = self.take(name, AttributeType::Tensor)? else { return Ok(None) };
        attribute.t.as_ref().map(Some).ok_or_else(|| self.refuse(name, "holds no tensor"))
    }

    /// An integer that stands for yes (1) or no (0).
    pub(super) fn flag(&mut self, name: &str, default: Flag) -> Result<Flag, Error> {
        match self.int(name)? {
            None => Ok(default),
            Some(0) => Ok(Flag::No),
            Some(1) => Ok(Flag::Yes),
            Some(other) => Err(self.refuse(name, format!("is {other}, expected 0 or 1"))),
        }
    }

    /// Refuses attributes that nobody asked for.
    pub(super) fn finish(self, opset: i64) -> Result<(), Error> {
        match self.left.first_key_value() {
            None => Ok(()),
            Some((name, _)) => {
                Err(self.refuse(name, format!("is not known for this operator in operator set {opset}")))
            }
        }
    }
}

/// The value of an attribute such as `keepdims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    No,
    Yes,
}
