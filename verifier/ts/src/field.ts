/** The scalar field of BN254, and the rows of a circuit in it. Elements are `bigint`s from 0 to `R - 1`. */

/** Order of the scalar field. */
export const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

/** log2 of the largest power of two that divides `R - 1`: the largest `k`. */
export const TWO_ADICITY = 28;

/** Generates the multiplicative group, as halo2 has it. */
const GENERATOR = 7n;

export function add(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return sum >= R ? sum - R : sum;
}

export function sub(a: bigint, b: bigint): bigint {
  return a >= b ? a - b : a - b + R;
}

export function neg(a: bigint): bigint {
  return a === 0n ? 0n : R - a;
}

export function mul(a: bigint, b: bigint): bigint {
  return (a * b) % R;
}

export function pow(base: bigint, exponent: bigint): bigint {
  let power = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = mul(square, square)) {
    if ((rest & 1n) === 1n) power = mul(power, square);
  }
  return power;
}

/** `1 / a` by Fermat; `undefined` for 0. */
export function inverse(a: bigint): bigint | undefined {
  return a === 0n ? undefined : pow(a, R - 2n);
}

/** The inverse of each, for little more than the price of one; `undefined` if one of them is 0. */
export function inverses(elements: readonly bigint[]): bigint[] | undefined {
  const before: bigint[] = [];
  let product = 1n;
  for (const element of elements) {
    before.push(product);
    product = mul(product, element);
  }
  let rest = inverse(product);
  if (rest === undefined) return undefined;
  const inverted: bigint[] = before;
  for (let index = elements.length - 1; index >= 0; index--) {
    inverted[index] = mul(inverted[index] as bigint, rest);
    rest = mul(rest, elements[index] as bigint);
  }
  return inverted;
}

/** `7^(2^28)`: `DELTA^i * omega^j` names cell `j` of the `i`-th column of the permutation argument, all distinct. */
export const DELTA = /* @__PURE__ */ pow(GENERATOR, 1n << BigInt(TWO_ADICITY));

/** The `2^k` rows: row `i` stands at `omega^i`. */
export class Domain {
  readonly k: number;
  readonly omega: bigint;
  readonly #omegaInverse: bigint;
  readonly #sizeInverse: bigint;

  /** `k` is at most {@link TWO_ADICITY}. */
  constructor(k: number) {
    this.k = k;
    this.omega = pow(GENERATOR, (R - 1n) >> BigInt(k));
    this.#omegaInverse = pow(this.omega, R - 2n);
    this.#sizeInverse = pow(1n << BigInt(k), R - 2n);
  }

  /** `omega^row`, rows counted modulo `2^k`. */
  row(row: number): bigint {
    return row < 0 ? pow(this.#omegaInverse, BigInt(-row)) : pow(this.omega, BigInt(row));
  }

  /** `x^(2^k)` */
  power(x: bigint): bigint {
    let power = x;
    for (let doubling = 0; doubling < this.k; doubling++) power = mul(power, power);
    return power;
  }

  /**
   * `l_i(x) = omega^i * (x^n - 1) / (n * (x - omega^i))` for each row from `first` to `last`; `undefined` if `x` is a row.
   */
  lagrange(x: bigint, first: number, last: number): bigint[] | undefined {
    const points: bigint[] = [];
    for (let row = first, point = this.row(first); row <= last; row++, point = mul(point, this.omega)) points.push(point);
    const reciprocals = inverses(points.map((point) => sub(x, point)));
    const common = mul(sub(this.power(x), 1n), this.#sizeInverse);
    return reciprocals?.map((reciprocal, index) => mul(mul(common, points[index] as bigint), reciprocal));
  }
}
