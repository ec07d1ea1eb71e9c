// The link that dev mode prints: whoever opens it first is signed in. What it carries stands after the `#`, which browsers send
// to nobody; the page hands it over itself.
import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../../ports/platform/random.ts';

const BYTES = 24;

export class OneTimeLink {
  #secret: Buffer | undefined;

  constructor(random: Pick<Random, 'bytes'>) {
    this.#secret = Buffer.from(Buffer.from(random.bytes(BYTES)).toString('base64url'));
  }

  /** @param base such as `http://127.0.0.1:15016`. @returns nothing once it was used. */
  under(base: string): string | undefined {
    return this.#secret && `${base}/#${this.#secret.toString()}`;
  }

  /** @returns whether it is the link's, which is over then. */
  use(secret: string): boolean {
    const given = Buffer.from(secret);
    const known = this.#secret;
    if (known?.length !== given.length || !timingSafeEqual(known, given)) return false;
    this.#secret = undefined;
    return true;
  }
}
