//! Progress, cancellation, and keys that do not belong together.

use std::time::{Duration, Instant};

use apodict_prover::{
    engine::{
        self, Budget, Cancel, HostPrepared, Job, Phase, Progress, Statement, Step, Synthesis, backend::HostColumn,
    },
    transcript::EvmTranscriptWrite,
};
use halo2_proofs::transcript::TranscriptWriterBuffer;
use halo2curves::bn256::{Bn256, Fr};

use crate::{Setup, circuits::Ladder, recorder::Recorder, rng};

fn prove(setup: &Setup, circuit: &Ladder, k: u32, job: &Job<'_>) -> Result<Vec<u8>, engine::Error> {
    let instances = circuit.instances();
    let instances: [&[Fr]; 1] = [&instances];
    let mut recorder = Recorder::new(circuit, setup.key.get_vk().cs(), k, &instances);
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let mut statements = [Statement { synthesis: &mut recorder, instances: &instances }];
    setup.prepared.create(&setup.bases, &mut statements, rng(1), &mut transcript, job)?;
    Ok(transcript.finalize())
}

#[test]
fn progress_rises_from_step_to_step_to_the_end() {
    let circuit = Ladder { seed: 3 };
    let setup = Setup::new(6, &circuit, false);
    let mut seen: Vec<Progress> = Vec::new();
    prove(&setup, &circuit, 6, &Job::default().on_progress(|progress| seen.push(progress))).expect("a good witness");
    assert!(seen.windows(2).all(|pair| pair[0].fraction <= pair[1].fraction), "{seen:?}");
    assert!(seen.iter().all(|progress| (0.0..=1.0).contains(&progress.fraction)));
    let steps: Vec<Step> = seen.iter().map(|progress| progress.step).collect();
    let rest = [Step::Lookups, Step::Products, Step::Quotient, Step::Evaluation, Step::Opening];
    assert_eq!(steps, [&[Step::Commit(0), Step::Commit(1)][..], &rest].concat());
    assert_eq!(seen.last().map(|progress| progress.fraction), Some(1.0));
}

#[test]
fn a_proof_stops_at_every_step_when_asked() {
    let circuit = Ladder { seed: 3 };
    let setup = Setup::new(6, &circuit, false);
    for at in 0..7 {
        let (cancel, mut steps) = (Cancel::default(), 0);
        let job = Job::new(cancel.clone()).on_progress(|_| {
            if steps == at {
                cancel.cancel();
            }
            steps += 1;
        });
        let error = prove(&setup, &circuit, 6, &job).expect_err("asked to stop");
        assert!(matches!(error, engine::Error::Cancelled), "{error}");
        drop(job);
        assert_eq!(steps, at + 1);
    }
}

/// A bound on what a user waits for, not a measurement: many times what it takes.
#[test]
fn a_large_proof_stops_soon_after_it_is_asked_to() {
    let k = 15;
    let circuit = Ladder { seed: 3 };
    let setup = Setup::new(k, &circuit, false);
    let start = Instant::now();
    prove(&setup, &circuit, k, &Job::default()).expect("a good witness");
    let whole = start.elapsed();
    for tenths in [1, 3, 5, 7, 9] {
        let cancel = Cancel::default();
        let asker = {
            let cancel = cancel.clone();
            std::thread::spawn(move || {
                std::thread::sleep(whole * tenths / 10);
                let asked = Instant::now();
                cancel.cancel();
                asked
            })
        };
        let result = prove(&setup, &circuit, k, &Job::new(cancel));
        let end = Instant::now();
        let asked = asker.join().expect("it only sleeps");
        match result {
            Err(engine::Error::Cancelled) => assert!(end - asked < Duration::from_secs(2), "{:?}", end - asked),
            Err(error) => panic!("{error}"),
            // It was done before, or about to write its last point.
            Ok(_) => assert!(end < asked + Duration::from_millis(50), "{:?}", end - asked),
        }
    }
}

#[test]
fn a_panic_ends_its_proof_and_no_other() {
    struct Panics;
    impl Synthesis for Panics {
        fn phase(&mut self, phase: Phase<'_>) -> Result<Vec<HostColumn>, engine::Error> {
            // On another thread of the pool.
            let (columns, ()) = rayon::join(Vec::new, || assert!(phase.columns.is_empty(), "on purpose"));
            Ok(columns)
        }
    }
    let circuit = Ladder { seed: 3 };
    let setup = Setup::new(6, &circuit, false);
    let error = setup.prove(&mut Panics, &[&circuit.instances()]).expect_err("it panicked");
    assert!(matches!(&error, engine::Error::Panicked(said) if said == "on purpose"), "{error}");
    prove(&setup, &circuit, 6, &Job::default()).expect("the pool goes on");
}

#[test]
fn rotations_that_meet_are_refused() {
    // Of 16 rows, the one nine after is the one seven before.
    let setup = |k| {
        let circuit = crate::tables::Meeting;
        let params = halo2_proofs::poly::kzg::commitment::ParamsKZG::<Bn256>::setup(k, rng(2));
        let key = halo2_proofs::plonk::keygen_pk2(&params, &circuit, false).expect("the circuit fits");
        HostPrepared::of_key(&key, Budget::default())
    };
    let error = setup(4).expect_err("they meet");
    assert!(matches!(error, engine::Error::Rotations { first: -7, second: 9, k: 4 }), "{error}");
    setup(5).expect("they do not");
}
