// Verifies the proof of this page in the browser, with the project's verifier for browsers, and compares the values in the page's tables
// with the proved ones. It knows the key's digest from the page: whoever does not trust this server pins one from
// elsewhere. Sentences and words are this server's, and the badge says so.

import { verify, VerifyError } from "./apodict-verifier.min.js";

const badge = document.getElementById("browser-badge");
const [title, detail] = [badge.querySelector("b"), badge.querySelector("span")];

function show(state, heading, text) {
  badge.dataset.state = state;
  badge.classList.toggle("valid", state === "valid");
  badge.classList.toggle("unsafe", state === "unsafe");
  badge.classList.toggle("invalid", state === "invalid");
  title.textContent = heading;
  detail.textContent = text;
}

async function text(address) {
  const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(`${address}: status ${answer.status}`);
  return await answer.text();
}

/** How many values the page shows, and how many of them otherwise than the proof proves them. */
function compare(decision) {
  const tensors = { inputs: [...decision.inputs.values()], outputs: [...decision.outputs.values()] };
  let [shown, wrong] = [0, 0];
  for (const cell of document.querySelectorAll("td[data-side]")) {
    const { side, tensor, at, value } = cell.dataset;
    const proved = tensors[side]?.[Number(tensor)]?.values[Number(at)];
    const same = proved === Number(value);
    cell.classList.toggle("differs", !same);
    shown += 1;
    if (!same) wrong += 1;
  }
  return { shown, wrong };
}

async function main() {
  show("busy", "Verifying in your browser …", "The proof and its key are being loaded.");
  const { proof: proofAt, key: keyAt, keyDigest, srs } = badge.dataset;
  let proof;
  let key;
  try {
    [proof, key] = await Promise.all([text(proofAt), text(keyAt)]);
  } catch (error) {
    show("failed", "Not verified in your browser", `The files could not be loaded: ${error.message}`);
    return;
  }
  // Painted before the thread is busy.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const begun = performance.now();
  try {
    const decision = verify(proof, key, { keyDigest, srs: srs === "allow-unsafe" ? srs : [srs] });
    const ms = Math.max(1, Math.round(performance.now() - begun));
    const { shown, wrong } = compare(decision);
    const under = `under the key ${keyDigest.slice(0, 10)}…, which this server names`;
    if (wrong > 0) {
      show("invalid", "The page shows something else", `The proof holds, but ${wrong} values on this page are not the proved ones.`);
    } else if (shown === 0) {
      show("invalid", "The page shows nothing of it", `The proof holds ${under}, but this page has none of its values to compare.`);
    } else {
      const compared = `${ms} ms; ${shown} values in the tables below are the proved ones. Sentences were not compared.`;
      if (srs === "allow-unsafe") {
        show("unsafe", "Verified in your browser, with an unsafe string", `${under}: whoever made the string can forge proofs. ${compared}`);
      } else {
        show("valid", "Verified in your browser", `${under}. ${compared}`);
      }
    }
  } catch (error) {
    const why = error instanceof VerifyError ? `${error.message} (${error.code})` : "the verifier failed";
    show("invalid", "Invalid, says your browser", why);
  }
}

await main();
