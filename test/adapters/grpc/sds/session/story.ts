// A session on paper: a client's messages and the authority's news go in, effects come out.
import { AuthorityError } from '../../../../../src/domain/errors.ts';
import { SpiffeId } from '../../../../../src/domain/identity/spiffe-id.ts';
import { stepDelta, type DeltaRequest } from '../../../../../src/adapters/grpc/sds/session/delta-session.ts';
import type { SecretKind } from '../../../../../src/adapters/grpc/sds/session/resource-names.ts';
import type { Availability, SecretContent } from '../../../../../src/adapters/grpc/sds/secret-content.ts';
import {
  currentNonce,
  openSession,
  SECRET_TYPE_URL,
  type Effect,
  type Reply,
  type Session,
  type SessionEvent,
  type StepFunction,
} from '../../../../../src/adapters/grpc/sds/session/session.ts';
import { stepSotw, type SotwRequest } from '../../../../../src/adapters/grpc/sds/session/sotw-session.ts';
import { good } from '../../../../support/certificates.ts';

export const CALLER: SpiffeId = good<SpiffeId>(SpiffeId.parse('spiffe://cluster.local/ns/default/sa/demo'));
export const FOREIGN = 'spiffe://cluster.local/ns/default/sa/other';
export const NODE = { id: 'sidecar', spiffeValidator: undefined };
export const UNAVAILABLE: Availability = { unavailable: new AuthorityError('CAP-P01') };

/** A secret of which the session may look at nothing but the version. */
export function content(kind: SecretKind, version: string): SecretContent {
  const span = { notBeforeMs: 0, notAfterMs: Infinity };
  const secret = kind === 'bundle' ? { bundle: { digest: version } } : { svid: { trustAnchor: 'a1', ...span } };
  return { kind, version, ...span, ...secret } as SecretContent;
}

export class Story<Request> {
  session: Session = openSession(CALLER, 'salt');
  readonly effects: Effect[] = [];
  readonly #step: StepFunction<Request>;
  readonly #blank: Request;

  constructor(step: StepFunction<Request>, blank: Request) {
    this.#step = step;
    this.#blank = blank;
  }

  get nonce(): string {
    return currentNonce(this.session);
  }

  /** Every response so far. */
  get replies(): readonly Reply[] {
    return this.effects.flatMap((effect) => (effect.kind === 'send' ? [effect.reply] : []));
  }

  /** Each response in short: `default=v1`, `-name` for one that does not exist. */
  get said(): readonly string[] {
    return this.replies.map(({ secrets, absent }) =>
      [...secrets.map(({ name, content: { version } }) => `${name}=${version}`), ...absent.map((n) => `-${n}`)].join(
        ' ',
      ),
    );
  }

  of<K extends Effect['kind']>(kind: K): readonly Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  /** A request that answers nothing unless told to. */
  request(request: Partial<Request>): readonly Effect[] {
    return this.#take({ kind: 'request', request: { ...this.#blank, ...request } });
  }

  publish(secret: SecretKind, found: string | Availability): readonly Effect[] {
    const availability = typeof found === 'string' ? content(secret, found) : found;
    return this.#take({ kind: 'availability', secret, availability });
  }

  /** What the proxy's streams know together. */
  know(known: { readonly bundleOnHold: boolean; readonly rejected: readonly string[] }): readonly Effect[] {
    return this.#take({ kind: 'known', ...known });
  }

  finish(): readonly Effect[] {
    return this.#take({ kind: 'finished' });
  }

  close(): readonly Effect[] {
    return this.#take({ kind: 'closed' });
  }

  #take(event: SessionEvent<Request>): readonly Effect[] {
    const { session, effects } = this.#step(this.session, event);
    this.session = session;
    this.effects.push(...effects);
    return effects;
  }
}

const BLANK = { node: NODE, typeUrl: SECRET_TYPE_URL, nonce: '', rejection: undefined, resumes: false };

export class SotwStory extends Story<SotwRequest> {
  #names: readonly string[] = [];

  constructor() {
    super(stepSotw, { ...BLANK, names: [] });
  }

  /** Names what is wanted from now on, answering nothing. */
  ask(...names: string[]): readonly Effect[] {
    this.#names = names;
    return this.request({ names });
  }

  /** The first message of a client that has this version from an earlier stream. */
  comeBack(name: string): readonly Effect[] {
    this.#names = [name];
    return this.request({ names: [name], resumes: true });
  }

  ack(names = this.#names): readonly Effect[] {
    this.#names = names;
    return this.request({ names, nonce: this.nonce });
  }

  nack(names = this.#names): readonly Effect[] {
    return this.request({ names, nonce: this.nonce, rejection: 'bad key' });
  }
}

export class DeltaStory extends Story<DeltaRequest> {
  constructor() {
    super(stepDelta, { ...BLANK, subscribe: [], unsubscribe: [], initialVersions: new Map() });
  }

  ask(...subscribe: string[]): readonly Effect[] {
    return this.request({ subscribe });
  }

  comeBack(name: string, version: string): readonly Effect[] {
    return this.request({ subscribe: [name], initialVersions: new Map([[name, version]]), resumes: true });
  }

  ack(): readonly Effect[] {
    return this.request({ nonce: this.nonce });
  }

  nack(): readonly Effect[] {
    return this.request({ nonce: this.nonce, rejection: 'bad key' });
  }
}
