//! Small ONNX models for tests, built from protobuf structs.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// A dimension of an input: a number, a name, or nothing (`""`).
#[derive(Clone, Copy)]
pub(crate) enum Dim {
    Number(i64),
    Symbol(&'static str),
}

/// A model in the making.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) proto: ModelProto,
}

impl Fixture {
    pub(crate) fn new(opset: i64) -> Self {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
        let graph = Some(GraphProto { name: "test".into(), ..Default::default() });
        Self { proto: ModelProto { ir_version: 8, opset_import, graph, ..Default::default() } }
    }

    pub(crate) fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.get_or_insert_default()
    }

    /// A float32 input of fixed shape.
    pub(crate) fn input(self, name: &str, shape: &[i64]) -> Self {
        let dims: Vec<Dim> = shape.iter().map(|&dim| Dim::Number(dim)).collect();
        self.typed_input(name, DataType::Float, &dims)
    }

    pub(crate) fn typed_input(mut self, name: &str, element: DataType, dims: &[Dim]) -> Self {
        self.graph().input.push(value_info(name, element, dims));
        self
    }

    /// A float32 initializer.
    pub(crate) fn weights(mut self, name: &str, shape: &[i64], values: &[f32]) -> Self {
        self.graph().initializer.push(float_tensor(name, shape, values));
        self
    }

    /// An int64 initializer.
    pub(crate) fn integers(mut self, name: &str, shape: &[i64], values: &[i64]) -> Self {
        self.graph().initializer.push(int_tensor(name, shape, values));
        self
    }

    pub(crate) fn node(mut self, op: &str, inputs: &[&str], output: &str, attributes: &[AttributeProto]) -> Self {
        self.graph().node.push(NodeProto {
            op_type: op.into(),
            name: format!("the {op}"),
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: attributes.to_vec(),
            ..Default::default()
        });
        self
    }

    /// A node with any number of outputs; `""` leaves one out.
    pub(crate) fn node_of(
        mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[AttributeProto],
    ) -> Self {
        self = self.node(op, inputs, "", attributes);
        if let Some(node) = self.graph().node.last_mut() {
            node.output = outputs.iter().map(|&name| name.to_owned()).collect();
        }
        self
    }

    /// The graph alone, as a branch of an If.
    pub(crate) fn branch(mut self, name: &str) -> AttributeProto {
        AttributeProto { g: Some(std::mem::take(self.graph())), ..attribute(name, AttributeType::Graph) }
    }

    /// An output that declares nothing.
    pub(crate) fn output(mut self, name: &str) -> Self {
        self.graph().output.push(ValueInfoProto { name: name.into(), ..Default::default() });
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }
}

pub(crate) fn value_info(name: &str, element: DataType, dims: &[Dim]) -> ValueInfoProto {
    let dimension = |dim: &Dim| tensor_shape_proto::Dimension {
        value: match dim {
            Dim::Number(number) => Some(tensor_shape_proto::dimension::Value::DimValue(*number)),
            Dim::Symbol("") => None,
            Dim::Symbol(symbol) => Some(tensor_shape_proto::dimension::Value::DimParam((*symbol).to_owned())),
        },
        ..Default::default()
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dimension).collect() };
    let tensor = type_proto::Tensor { elem_type: element as i32, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}

pub(crate) fn float_tensor(name: &str, shape: &[i64], values: &[f32]) -> TensorProto {
    let (name, dims, data_type) = (name.to_owned(), shape.to_vec(), DataType::Float as i32);
    TensorProto { name, dims, data_type, float_data: values.to_vec(), ..Default::default() }
}

pub(crate) fn int_tensor(name: &str, shape: &[i64], values: &[i64]) -> TensorProto {
    let (name, dims, data_type) = (name.to_owned(), shape.to_vec(), DataType::Int64 as i32);
    TensorProto { name, dims, data_type, int64_data: values.to_vec(), ..Default::default() }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind as i32, ..Default::default() }
}

pub(crate) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attribute(name, AttributeType::Float) }
}

pub(crate) fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { floats: floats.to_vec(), ..attribute(name, AttributeType::Floats) }
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), ..attribute(name, AttributeType::Ints) }
}

pub(crate) fn string(name: &str, s: &str) -> AttributeProto {
    AttributeProto { s: s.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

pub(crate) fn strings(name: &str, strings: &[&str]) -> AttributeProto {
    let strings = strings.iter().map(|text| text.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

pub(crate) fn tensor(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto { t: Some(t), ..attribute(name, AttributeType::Tensor) }
}
