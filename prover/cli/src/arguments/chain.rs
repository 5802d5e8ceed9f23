//! What may be typed behind `apodict chain`.

use std::path::PathBuf;

use apodict_chain::primitives::{Address, B256};
use apodict_verifier::files::parse_bytes32;
use clap::{Args, Subcommand, ValueHint};

use super::SrsPin;

#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    /// Deploy the shared contracts, the verifiers and data of keys, and consumers that need nothing else.
    Deploy(Deploy),
    /// Register a model.
    Register(Register),
    /// Print what the proof of the next decision about a subject must be bound to.
    Context(Context),
    /// Submit a proved decision to its consumer.
    Submit(Submit),
    /// Show all of it on a chain inside this machine: three models in a market's crash, and what is refused.
    Demo(Demo),
}

/// A node, the chain it must be on, and the record of what was sent there.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The node's JSON-RPC, http or https.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) rpc: String,

    /// The chain that is meant; every other is refused. Without it, the one in the record.
    #[arg(long, value_name = "N")]
    pub(crate) chain_id: Option<u64>,

    /// What was sent and where it is, written before it is sent: the same command, run again, goes on where it stopped.
    #[arg(long, value_name = "FILE", default_value = "deployment.json", value_hint = ValueHint::FilePath)]
    pub(crate) record: PathBuf,

    /// Seconds that the node has for an answer.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// Who signs and pays. The key comes from a file or from the environment, never from an argument.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    /// An encrypted keystore (version 3); without it, the private key in the environment variable APODICT_PRIVATE_KEY.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) keystore: Option<PathBuf>,

    /// A file with the keystore's password; without it, the environment variable APODICT_KEYSTORE_PASSWORD.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "keystore")]
    pub(crate) password_file: Option<PathBuf>,

    /// The most that a unit of gas may cost, in gwei.
    #[arg(long, value_name = "GWEI", value_parser = parse_gwei)]
    pub(crate) max_fee: Option<u128>,

    /// Seconds that a transaction may take into a block.
    #[arg(long, value_name = "S", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(crate) wait: u64,

    /// Try everything and estimate its gas; send nothing and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which reference strings are taken.
#[derive(Debug, Args)]
pub(crate) struct Origin {
    #[command(flatten)]
    pub(crate) pin: SrsPin,

    /// Take keys whose reference string nobody vouches for: on test chains. Whoever made the string can forge decisions.
    #[arg(long, conflicts_with = "digest")]
    pub(crate) allow_unsafe_srs: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) node: Node,

    #[command(flatten)]
    pub(crate) signing: Signing,

    #[command(flatten)]
    pub(crate) origin: Origin,

    /// A verifying key whose verifier and data are deployed. May be given several times.
    #[arg(long = "key", value_name = "vk.json", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) keys: Vec<PathBuf>,

    /// Who administers the AccessManager; without it, who deploys.
    #[arg(long, value_name = "0x..", value_parser = parse_address, conflicts_with = "guardian")]
    pub(crate) admin: Option<Address>,

    /// Who may disable models, at once.
    #[arg(long, value_name = "0x..", value_parser = parse_address)]
    pub(crate) guardian: Option<Address>,

    /// A consumer: `risk-oracle`, or `steward=MARKET` for the parameters of a market at an address. May be given several times.
    #[arg(long = "consumer", value_name = "KIND", value_parser = parse_consumer)]
    pub(crate) consumers: Vec<ConsumerKind>,
}

/// A consumer that is deployed with the shared contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConsumerKind {
    RiskOracle,
    Steward { market: Address },
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) node: Node,

    #[command(flatten)]
    pub(crate) signing: Signing,

    #[command(flatten)]
    pub(crate) origin: Origin,

    /// The model's verifying key.
    #[arg(long, value_name = "vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,

    /// Where people find the model and its error report.
    #[arg(long, value_name = "URI", default_value = "")]
    pub(crate) uri: String,

    /// Digest of the error report, for who reads the event.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) report_digest: Option<[u8; 32]>,
}

/// A decision's place: its consumer, its subject, and until when it holds.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The consumer's address.
    #[arg(long, value_name = "0x..", value_parser = parse_address)]
    pub(crate) consumer: Address,

    /// What the decision is about, 32 bytes.
    #[arg(long, value_name = "0x..", value_parser = parse_word)]
    pub(crate) subject: B256,

    /// Until when it may be accepted, in seconds since 1970: at most the policy's age behind what was observed.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) deadline: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Context {
    #[command(flatten)]
    pub(crate) node: Node,

    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The proof.
    #[arg(value_name = "proof.json", value_hint = ValueHint::FilePath)]
    pub(crate) proof: PathBuf,

    /// The model's verifying key.
    #[arg(long, value_name = "vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,

    #[command(flatten)]
    pub(crate) node: Node,

    #[command(flatten)]
    pub(crate) signing: Signing,

    #[command(flatten)]
    pub(crate) place: Place,

    #[command(flatten)]
    pub(crate) pin: SrsPin,

    /// By rounds, the time that is bound, in seconds; by snapshot, its index; nothing where the consumer has no feeds.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) observed: u64,

    /// The rounds of the feeds, in the order of their set, where its inputs are taken by rounds.
    #[arg(long, value_name = "R,R,..", value_delimiter = ',', value_parser = parse_round)]
    pub(crate) rounds: Vec<u128>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The development node to start; without it, the one that `npm ci` installs in the repository's `solidity/`.
    #[arg(long, value_name = "PROGRAM", value_hint = ValueHint::ExecutablePath)]
    pub(crate) anvil: Option<PathBuf>,
}

fn parse_address(text: &str) -> Result<Address, String> {
    let address: Address = text.parse().map_err(|_| {
        format!("expected an address of 20 bytes, as in 0x5FbDB2315678afecb367f032d93F642f64180aa3; got {text}")
    })?;
    let digits = text.trim_start_matches("0x");
    let has = |is: fn(&u8) -> bool| digits.as_bytes().iter().any(is);
    // EIP-55: the letters' cases are a checksum, where there are both.
    if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && !address.to_checksum(None).ends_with(digits) {
        return Err(format!("{text} is mistyped: the cases of its letters (EIP-55) do not fit"));
    }
    Ok(address)
}

fn parse_word(text: &str) -> Result<B256, String> {
    parse_bytes32(text).map(B256::from)
}

fn parse_consumer(text: &str) -> Result<ConsumerKind, String> {
    match text.split_once('=') {
        None if text == "risk-oracle" => Ok(ConsumerKind::RiskOracle),
        Some(("steward", market)) => Ok(ConsumerKind::Steward { market: parse_address(market)? }),
        _ => Err(format!("expected risk-oracle or steward=ADDRESS, got {text}")),
    }
}

/// In wei. Nine places behind the point are all there are.
fn parse_gwei(text: &str) -> Result<u128, String> {
    let expected = || format!("expected a price in gwei, as in 30 or 0.5; got {text}");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(expected());
    }
    let whole: u128 = whole.parse().map_err(|_| expected())?;
    let part: u128 = format!("{part:0<9}").parse().map_err(|_| expected())?;
    whole.checked_mul(1_000_000_000).and_then(|wei| wei.checked_add(part)).ok_or_else(expected)
}

/// A phase and a number within it: 80 bits.
fn parse_round(text: &str) -> Result<u128, String> {
    let round = text.trim().parse().ok().filter(|round: &u128| *round < 1 << 80);
    round.ok_or_else(|| format!("expected the number of a feed's round, below 2^80; got {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_mistyped_addresses() {
        let address = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
        for good in
            [address, &address.to_lowercase(), &address.replace("0x", ""), &address.to_uppercase().replace('X', "x")]
        {
            assert_eq!(parse_address(good), Ok(address.parse().unwrap()), "{good}");
        }
        for wrong in
            ["0x5FbDB2315678afecb367f032d93F642f64180aA3", "0x5FbDB2315678afecb367f032d93F642f64180aa4", "0x5Fb", ""]
        {
            parse_address(wrong).unwrap_err();
        }
    }

    #[test]
    fn reads_prices_of_gas() {
        for (text, wei) in [("0", 0), ("30", 30_000_000_000), ("0.5", 500_000_000), ("1.000000001", 1_000_000_001)] {
            assert_eq!(parse_gwei(text), Ok(wei), "{text}");
        }
        for wrong in ["", "-1", "x", "1.0000000001", ".5", "1.5.5", "340282366920938463463374607431768211456"] {
            parse_gwei(wrong).unwrap_err();
        }
    }

    #[test]
    fn reads_consumers_and_rounds() {
        let market = Address::repeat_byte(0x11);
        assert_eq!(parse_consumer("risk-oracle"), Ok(ConsumerKind::RiskOracle));
        assert_eq!(parse_consumer(&format!("steward={market}")), Ok(ConsumerKind::Steward { market }));
        for wrong in ["", "steward", "steward=", "steward=0x12", "oracle=0x11", "risk-oracle=1"] {
            parse_consumer(wrong).unwrap_err();
        }
        assert_eq!(parse_round("18446744073709551617"), Ok((1 << 64) + 1));
        for wrong in ["", "-1", "x", "1208925819614629174706176"] {
            parse_round(wrong).unwrap_err();
        }
    }
}
