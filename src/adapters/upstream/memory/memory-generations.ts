// The pairs of issuers whose keys end with the server. Every change is one exchange of all that an issuer has, so whoever is killed
// leaves it done or undone, and of two that change at once the second looks again.
import { AuthorityError } from '../../../domain/errors.ts';
import type {
  IssuerGenerations,
  IssuerPair,
  IssuerPairs,
  RequestedPair,
} from '../../../ports/issuing/issuer-generations.ts';
import { notTaken, pairOf, taking } from '../issuer-pair.ts';
import type { HeldPair, HeldPairs, PairsPlace } from './held-pairs.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface MemoryGenerationsParts {
  readonly pairs: PairsPlace;
  /** @param keyId of the key that asks. @returns PKCS #10 in PEM. */
  readonly request: (issuer: string, keyId: string, options: Waits) => Promise<string>;
  /** Throws CAP-X03 with the rule that is broken. */
  readonly judge: (issuer: string, pair: HeldPair, options: Waits) => Promise<void>;
}

/** @returns what the pairs become, or nothing where they are so already. */
type Change = (pairs: HeldPairs) => HeldPairs | undefined;

/** Each try in vain is another one's change: of an operator's command, and of the rollover. */
const MAX_TRIES = 10;

export class MemoryGenerations implements IssuerGenerations {
  readonly names: readonly string[];
  readonly #parts: MemoryGenerationsParts;

  /** @param names of the issuers. */
  constructor(names: readonly string[], parts: MemoryGenerationsParts) {
    this.names = names;
    this.#parts = parts;
  }

  async look(name: string, options: Waits): Promise<IssuerPairs> {
    const { current, prepared, former, waiting } = await this.#parts.pairs.read(name, options);
    const [inForce, next, before] = [current, prepared, former].map((pair) => pairOf(pair?.chainPem));
    return {
      ...(inForce && { current: inForce }),
      ...(next && { prepared: next }),
      ...(before && { former: before }),
      ...(waiting !== undefined && { waitingKeyId: waiting }),
    };
  }

  async request(name: string, options: Waits): Promise<RequestedPair> {
    const { waiting: keyId = '' } = await this.#parts.pairs.withWaiting(name, options);
    return { csrPem: await this.#parts.request(name, keyId, options), keyId };
  }

  async prepare(name: string, chainPem: string, options: Waits): Promise<IssuerPair> {
    const pair = pairOf(chainPem);
    if (pair === undefined) throw notTaken('it has no certificate');
    const { keyId } = pair;
    const kept = { chainPem, keyId };
    const { waiting, prepared } = await this.#parts.pairs.read(name, options);
    if (prepared?.chainPem === chainPem) return pair;
    if (keyId !== waiting && keyId !== prepared?.keyId)
      throw notTaken('the certificate is of another key than the one that was asked for');
    await taking(this.#parts.judge(name, kept, options));
    await this.#change(name, (pairs) => ({ ...without(pairs, 'waiting', keyId), prepared: kept }), options);
    return pair;
  }

  async activate(name: string, id: string, options: Waits): Promise<void> {
    const { current, prepared } = await this.#parts.pairs.read(name, options);
    if (isOf(current, id)) return;
    if (prepared !== undefined && isOf(prepared, id)) await this.#parts.judge(name, prepared, options);
    const activated: Change = ({ prepared: next, ...rest }) => {
      if (isOf(rest.current, id)) return undefined;
      return { ...rest, ...putInForce(rest, demanded(name, next, id, 'prepared')) };
    };
    await this.#change(name, activated, options);
  }

  async revert(name: string, id: string, options: Waits): Promise<void> {
    const { former } = await this.#parts.pairs.read(name, options);
    if (former !== undefined && isOf(former, id)) await this.#parts.judge(name, former, options);
    const reverted: Change = (pairs) => {
      if (isOf(pairs.current, id)) return undefined;
      return { ...pairs, ...putInForce(pairs, demanded(name, pairs.former, id, 'former')) };
    };
    await this.#change(name, reverted, options);
  }

  async discard(name: string, id: string, options: Waits): Promise<void> {
    const discarded: Change = ({ prepared, former, ...rest }) => {
      if (!isOf(prepared, id) && !isOf(former, id)) return undefined;
      return {
        ...rest,
        ...(prepared && !isOf(prepared, id) && { prepared }),
        ...(former && !isOf(former, id) && { former }),
      };
    };
    await this.#change(name, discarded, options);
  }

  async #change(name: string, change: Change, options: Waits): Promise<void> {
    const { pairs } = this.#parts;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const next = change(await pairs.read(name, options));
      if (next === undefined || (await pairs.replace(name, next, options))) return;
    }
    throw refusal(`the pairs of issuer ${name} are changed by others all the time`);
  }
}

/** What was in force before is the former one then. */
function putInForce({ current }: HeldPairs, next: HeldPair): Pick<HeldPairs, 'current' | 'former'> {
  return { current: next, ...(current !== undefined && { former: current }) };
}

function without(pairs: HeldPairs, field: 'waiting', keyId: string): HeldPairs {
  const { [field]: key, ...rest } = pairs;
  return key === keyId ? rest : pairs;
}

function isOf(pair: HeldPair | undefined, id: string): boolean {
  return pairOf(pair?.chainPem)?.id === id;
}

function demanded(name: string, pair: HeldPair | undefined, id: string, called: string): HeldPair {
  if (pair !== undefined && isOf(pair, id)) return pair;
  throw refusal(`certificate ${id} is not the ${called} one of issuer ${name}`);
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
