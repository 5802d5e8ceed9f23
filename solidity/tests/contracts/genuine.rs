//! Genuine proofs.

use apodict_circuits::{
    Program,
    int::{Builder, Graph, Interval, Op, Output, Row, Source, Term},
    machine::{Objective, Shape},
    report::{DataOrigin, ErrorReport},
};
use apodict_prover::{Context, ProvingKey, Srs, engine::Job, export, prove, transcript::EvmTranscriptWrite};
use apodict_solidity::Fixture;
use apodict_verifier::{SrsOrigin, Verifier, instances_from_words};
use halo2_proofs::{
    plonk::{Circuit, create_proof, keygen_pk, keygen_vk_custom},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// Layers of `relu((W x + b) >> shift)`, 8 bits wide, `widths` values each.
fn graph(widths: &[usize]) -> Graph {
    let mut builder = Builder::new();
    let mut x = builder.input("x", vec![widths[0]], 4, vec![Interval::new(-128, 127)]).expect("an input");
    for (layer, sizes) in widths.windows(2).enumerate() {
        let (from, to) = (sizes[0], sizes[1]);
        let weight = |row: usize, column: usize| ((row * 31 + column * 17 + layer) % 13) as i64 - 6;
        let term =
            |row, column| Term { source: Source { input: 0, element: column as u32 }, weight: weight(row, column) };
        let row = |row: usize| Row {
            bias: row as i64 - 3,
            terms: (0..from).filter(|column| weight(row, *column) != 0).map(|column| term(row, column)).collect(),
        };
        let op = Op::Linear { rows: (0..to).map(row).collect() };
        let sums = builder.push(format!("sums {layer}"), op, vec![x], vec![to], 8).expect("sums");
        let shift = Op::Shift { bits: 6 };
        let shifted = builder.push(format!("shifted {layer}"), shift, vec![sums], vec![to], 2).expect("shifted");
        x = builder.push(format!("relu {layer}"), Op::Relu, vec![shifted], vec![to], 2).expect("relu");
    }
    builder.finish(vec![Output { name: "y".into(), node: x }]).expect("a graph")
}

/// A decision of a small network that the planner gives `shape`: 16 inputs, one output.
pub(crate) fn decision(shape: Shape, objective: Objective, hidden: &[usize]) -> Fixture {
    let widths = [&[16], hidden, &[1]].concat();
    // The graph comes from no float model: there is nothing to report.
    let report = ErrorReport {
        samples: 0,
        origin: DataOrigin::Synthetic,
        input_ranges: Default::default(),
        outputs: Vec::new(),
        layers: Vec::new(),
        units: 0.0,
        warnings: Vec::new(),
    };
    let program = Program::new(b"model", graph(&widths), report, objective).expect("it fits");
    assert_eq!(program.plan().shape, shape, "the planner's choice");
    let srs = Srs::generate_unsafe(program.plan().k).expect("k is in range");
    let key = ProvingKey::generate(&program, &srs).expect("keys");
    let inputs = [(0..16).map(|i| i * 37 % 256 - 128).collect::<Vec<_>>()];
    // A context as a gateway makes it: 256 bits of a hash.
    let context = Context([0xa7; 32]);
    let proof = prove(&srs, &key, &program, &inputs, context, &Job::default()).expect("a proof");
    let instances = instances_from_words(&proof.instances).expect("canonical");
    Fixture { key: key.verifying_key().clone(), proof: proof.bytes, instances }
}

/// A proof of a circuit over a structured reference string whose secret is everybody's.
pub(crate) fn circuit<C: Circuit<Fr>>(k: u32, circuit: C, instances: &[Fr]) -> Fixture {
    let params = ParamsKZG::<Bn256>::setup(k, ChaCha20Rng::seed_from_u64(1));
    let vk = keygen_vk_custom(&params, &circuit, false).expect("key");
    let pk = keygen_pk(&params, vk.clone(), &circuit).expect("key");
    let column: &[&[Fr]] = if vk.cs().num_instance_columns() == 0 { &[] } else { &[instances] };
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        &params,
        &pk,
        &[circuit],
        &[column],
        ChaCha20Rng::seed_from_u64(2),
        &mut transcript,
    )
    .expect("proof");
    let srs = export::srs(&params, SrsOrigin::Unsafe, [0x5a; 32]).expect("points");
    let key = export::verifying_key(&vk, srs, instances.len()).expect("supported");
    let instances: Vec<_> = instances.iter().map(export::scalar).collect();
    let proof = transcript.finalize();
    Verifier::new(key.clone()).expect("valid").verify(&instances, &proof).expect("genuine");
    Fixture { key, proof, instances }
}
