//! What the compiler takes: `cargo run --release -p apodict-circuits --example scale [MODEL.onnx [DATA.json]]`.
//!
//! Without a model, dense ones of 10^3 to 10^6 parameters, each in a process of its own, and the exponent by which time grows.

use std::{error::Error, process::Command, time::Duration};

use apodict_circuits::{
    CompileOptions, Program, compile,
    float::{ElementType, Graph, Node, NodeId, Op, Output},
    machine::Objective,
    quantize::{Precision, QuantizeOptions, RealRange, quantize},
    tensors::{Limits, read_records},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Parameters of the models that are compiled for the comparison.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// One layer of as many outputs as inputs, with a bias and a rectifier, and a sum of all.
fn dense(parameters: usize) -> Graph {
    let width = parameters.isqrt();
    let pattern = |len: usize, step: usize| -> Vec<f64> {
        (0..len).map(|at| ((at * step + 13) % 1009) as f64 / 1009.0 - 0.5).map(|w| w / width as f64).collect()
    };
    let node = |name: &str, op, inputs: &[u32], shape: &[usize]| Node {
        name: name.into(),
        tensor: name.into(),
        op,
        inputs: inputs.iter().map(|id| NodeId(*id)).collect(),
        shape: shape.to_vec(),
        element: ElementType::F32,
    };
    let nodes = vec![
        node("x", Op::Input, &[], &[1, width]),
        node("weights", Op::Constant { values: pattern(width * width, 7919) }, &[], &[width, width]),
        node("bias", Op::Constant { values: pattern(width, 31) }, &[], &[width]),
        node("products", Op::MatMul, &[0, 1], &[1, width]),
        node("sums", Op::Add, &[3, 2], &[1, width]),
        node("relu", Op::Relu, &[4], &[1, width]),
        node("y", Op::ReduceSum { axes: vec![1] }, &[5], &[1]),
    ];
    Graph { nodes, outputs: vec![Output { name: "y".into(), node: NodeId(6) }] }
}

fn compile_dense(parameters: usize) -> Result<Program> {
    let graph = dense(parameters);
    let input_ranges = [("x".to_owned(), vec![RealRange { lo: -1.0, hi: 1.0 }])].into();
    let options = QuantizeOptions { precision: Precision::default(), input_ranges, ..QuantizeOptions::default() };
    let quantized = quantize(&graph, &options)?;
    Ok(Program::new(b"dense", quantized.graph, vec![ElementType::F32], quantized.report, Objective::Gas)?)
}

fn compile_file(arguments: &[String]) -> Result<Program> {
    let model = std::fs::read(&arguments[0])?;
    let calibration = match arguments.get(1) {
        Some(data) => read_records(data.as_ref(), &Limits::default())?,
        None => Vec::new(),
    };
    Ok(compile(&model, &CompileOptions { calibration, ..CompileOptions::default() })?)
}

/// Processor time of all threads and the peak of memory, in bytes, as Linux counts them.
fn used() -> Option<(Duration, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
    let nanoseconds = std::fs::read_dir("/proc/self/task").ok()?.filter_map(|task| {
        let schedule = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        schedule.split_whitespace().next()?.parse::<u64>().ok()
    });
    Some((Duration::from_nanos(nanoseconds.sum()), kibibytes * 1024))
}

fn report(program: &Program) {
    let (layout, plan) = (program.layout(), program.plan());
    let (rows, tables) = (layout.rows(), layout.table_rows());
    println!("{} k {}, {rows} rows, {tables} of tables, limbs {}", plan.shape, plan.k, plan.limb_bits);
    if let Some((time, memory)) = used() {
        println!("{} ms {} MB", time.as_millis(), memory / 1_000_000);
    }
}

fn compare() -> Result<()> {
    let mut points = Vec::new();
    for parameters in SIZES {
        let output = Command::new(std::env::current_exe()?).arg("--dense").arg(parameters.to_string()).output()?;
        let said = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            return Err(format!("{parameters} parameters: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        println!("{parameters} parameters: {}", said.trim().replace('\n', "; "));
        let last = said.lines().last().and_then(|line| line.split_once(" ms")).ok_or("no time was measured")?;
        points.push((libm::log(parameters as f64), libm::log(last.0.parse::<f64>()?.max(1.0))));
    }
    // Least squares of log(time) over log(parameters).
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let (mut over, mut under) = (0.0, 0.0);
    for point in &points {
        over += (point.0 - x) * (point.1 - y);
        under += (point.0 - x).powi(2);
    }
    println!("time grows with the number of parameters to the power of {:.2}", over / under);
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        None => compare(),
        Some("--dense") => {
            let parameters = arguments.get(1).ok_or("--dense PARAMETERS")?;
            report(&compile_dense(parameters.parse()?)?);
            Ok(())
        }
        Some(_) => {
            report(&compile_file(&arguments)?);
            Ok(())
        }
    }
}
