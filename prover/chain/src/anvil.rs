//! A development node on this machine, for demonstrations and tests.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Error, Wallet};

/// Below a checkout's `solidity/`, after `npm ci`: the platform's own binary.
const PROGRAM: &str = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);
/// What its line begins with that says where it listens.
const LISTENS: &str = "Listening on ";

/// Runs a program until the standard input ends, which it does with this process, however that ends.
const UNTIL_INPUT_ENDS: &str =
    r#""$0" "$@" < /dev/null & program=$!; exec > /dev/null; cat; kill "$program"; wait "$program""#;

/// A running anvil, which ends when this is dropped, and when this process ends without dropping it.
#[derive(Debug)]
pub struct Anvil {
    shell: Child,
    url: String,
}

impl Anvil {
    /// The program that `npm ci` installs in a checkout's `solidity/`.
    ///
    /// # Errors
    /// [`Error::NoAnvil`].
    pub fn installed(solidity: &Path) -> Result<PathBuf, Error> {
        let program = solidity.join(PROGRAM);
        if program.is_file() { Ok(program) } else { Err(Error::NoAnvil { path: solidity.to_owned() }) }
    }

    /// Starts one on the loopback interface, on a port that is free, with the rules of Osaka and its well-known accounts.
    ///
    /// # Errors
    /// [`Error::Anvil`].
    pub fn start(program: &Path, chain_id: u64) -> Result<Self, Error> {
        let failed = |reason: String| Error::Anvil { reason };
        let mut command = Command::new("sh");
        // Keys and passwords of the environment are none of its business, nor of whoever reads its own.
        let kept = ["PATH", "HOME", "TMPDIR"].into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
        command
            .env_clear()
            .envs(kept)
            .args(["-c", UNTIL_INPUT_ENDS])
            .arg(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", "--chain-id", &chain_id.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut shell = command.spawn().map_err(|error| failed(error.to_string()))?;
        let output = shell.stdout.take();
        // From here on it is ended, whatever happens.
        let mut anvil = Self { shell, url: String::new() };
        let output = output.ok_or_else(|| failed("it has no output".to_owned()))?;
        let (says, hears) = mpsc::channel();
        // Reads on, so that a full pipe stops nothing.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.trim().strip_prefix(LISTENS) {
                    // Whoever waited may be gone.
                    let _ = says.send(address.to_owned());
                }
            }
        });
        let address =
            hears.recv_timeout(START).map_err(|_| failed("it ends, or does not say where it listens".to_owned()))?;
        anvil.url = format!("http://{address}");
        Ok(anvil)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first of its well-known accounts, which has 10,000 ether. Everybody has its key.
    pub fn wallet() -> Option<Wallet> {
        Wallet::of_hexadecimal("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Whatever it answers, it has ended.
        let _ = self.shell.wait();
    }
}
