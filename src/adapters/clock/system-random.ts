// The cryptographic generator of the platform, as the CA's Random. Serial numbers and decision ids
// take a few bytes each, so the system call is shared by a pool of them.
import { randomFillSync } from 'node:crypto';
import type { Random } from '../../ports/platform/random.ts';

/** One refill serves some 150 certificates. */
const POOL_BYTES = 4096;
/** 2^48: six bytes make a fraction finer than any jitter needs. */
const FRACTION_BYTES = 6;
const FRACTION_RANGE = 2 ** 48;

export class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  bytes(length: number): Uint8Array {
    return length > POOL_BYTES ? randomFillSync(new Uint8Array(length)) : this.#take(length);
  }

  fraction(): number {
    return Buffer.from(this.#take(FRACTION_BYTES)).readUIntBE(0, FRACTION_BYTES) / FRACTION_RANGE;
  }

  /** Copies and wipes: bytes that were handed out stay neither shared nor readable here. */
  #take(length: number): Uint8Array {
    if (this.#used + length > POOL_BYTES) this.#refill();
    const end = this.#used + length;
    const taken = new Uint8Array(this.#pool.subarray(this.#used, end));
    this.#pool.fill(0, this.#used, end);
    this.#used = end;
    return taken;
  }

  #refill(): void {
    randomFillSync(this.#pool);
    this.#used = 0;
  }
}
