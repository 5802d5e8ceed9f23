/** What a page that verifies a proof needs of the package. */

import { verify } from "../src/index.js";

Object.assign(globalThis, { verify });
