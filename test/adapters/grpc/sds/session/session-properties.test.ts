// Whatever clients and authority do, in whatever order: what must never happen, and what must
// happen in the end. Judged by an onlooker that sees only what goes over the wire.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { secretKindOf, type SecretKind } from '../../../../../src/adapters/grpc/sds/session/resource-names.ts';
import type { Effect } from '../../../../../src/adapters/grpc/sds/session/session.ts';
import { DeltaStory, FOREIGN, CALLER, SotwStory, UNAVAILABLE, type Story } from './story.ts';

const OWN = ['default', 'ROOTCA', 'ALL', CALLER.uri, 'spiffe://cluster.local'];
const ANY_NAME = fc.constantFrom(...OWN, FOREIGN, 'spiffe://other.domain', '*', 'default ', 'nonsense');
const NAMES = fc.array(ANY_NAME, { maxLength: 6 });

type Nonce = 'current' | 'stale' | 'forged' | 'none';
const NONCE = fc.constantFrom<Nonce>('current', 'current', 'current', 'stale', 'forged', 'none');

type Move =
  | { readonly kind: 'speak'; readonly names: string[]; readonly drop: string[]; nonce: Nonce; rejects: boolean }
  | { readonly kind: 'publish'; readonly secret: SecretKind; readonly version: number };

const MOVE: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constant('speak' as const),
    names: NAMES,
    drop: NAMES,
    nonce: NONCE,
    rejects: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('publish' as const),
    secret: fc.constantFrom<SecretKind>('svid', 'bundle'),
    // Few versions, so that old ones come back; zero is a refusal.
    version: fc.nat({ max: 5 }),
  }),
);
const MOVES = fc.array(MOVE, { maxLength: 60, size: 'max' });

/** Watches one stream; fails the property at the first thing that must not be. */
class Onlooker {
  #unanswered: { readonly nonce: string; readonly versions: readonly string[] } | undefined;
  readonly #rejected = new Set<string>();
  readonly #nonces = new Set<string>();
  /** What the client holds: by name the version of the last response it did not reject. */
  readonly received = new Map<string, string>();

  get rejected(): ReadonlySet<string> {
    return this.#rejected;
  }

  hears(nonce: string, rejects: boolean): void {
    if (this.#unanswered?.nonce !== nonce) return;
    if (rejects) for (const version of this.#unanswered.versions) this.#rejected.add(version);
    this.#unanswered = undefined;
  }

  sees(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'send') continue;
      const { nonce, secrets, absent } = effect.reply;
      assert.equal(this.#unanswered, undefined, 'two responses without an answer');
      assert.ok(!this.#nonces.has(nonce), 'a nonce twice');
      assert.ok(secrets.length + absent.length > 0, 'an empty response');
      const names = [...secrets.map(({ name }) => name), ...absent];
      assert.equal(new Set(names).size, names.length, 'a name twice in a response');
      for (const { name, content } of secrets) {
        assert.ok(OWN.includes(name), `a secret under the name ${name}`);
        assert.equal(content.kind, secretKindOf(name, CALLER));
        assert.ok(!this.#rejected.has(content.version), 'a rejected secret once more');
        this.received.set(name, content.version);
      }
      for (const name of absent) this.received.delete(name);
      this.#nonces.add(nonce);
      this.#unanswered = { nonce, versions: secrets.map(({ content }) => content.version) };
    }
  }
}

interface Variant<R> {
  readonly title: string;
  readonly open: () => Story<R>;
  readonly request: (move: Extract<Move, { kind: 'speak' }>) => Partial<R>;
}

function nonceFor({ nonce: current, session }: Pick<Story<never>, 'nonce' | 'session'>, nonce: Nonce): string {
  if (nonce === 'none') return '';
  if (nonce === 'forged') return 'forged-1';
  return nonce === 'current' ? current : `salt-${Math.max(0, session.sent - 1)}`;
}

function play<R>({ open, request }: Variant<R>, moves: readonly Move[]): { story: Story<R>; onlooker: Onlooker } {
  const story = open();
  const onlooker = new Onlooker();
  for (const move of moves) {
    if (move.kind === 'publish') {
      const version = move.version === 0 ? UNAVAILABLE : `${move.secret}-${move.version}`;
      onlooker.sees(story.publish(move.secret, version));
      continue;
    }
    const nonce = nonceFor(story, move.nonce);
    onlooker.hears(nonce, move.rejects);
    const rejection = move.rejects ? 'no' : undefined;
    onlooker.sees(story.request({ ...request(move), nonce, rejection }));
  }
  return { story, onlooker };
}

/** The client accepts everything until the server is silent. */
function settle<R>(story: Story<R>, onlooker: Onlooker, ack: () => readonly Effect[]): void {
  for (let turn = 0; turn < 5; turn += 1) {
    onlooker.hears(story.nonce, false);
    onlooker.sees(ack());
  }
}

const SOTW: Variant<{ names: readonly string[] }> = {
  title: 'A state-of-the-world session',
  open: () => new SotwStory() as unknown as Story<{ names: readonly string[] }>,
  request: ({ names }) => ({ names }),
};

const DELTA: Variant<{ subscribe: readonly string[]; unsubscribe: readonly string[] }> = {
  title: 'A delta session',
  open: () => new DeltaStory() as unknown as Story<{ subscribe: readonly string[]; unsubscribe: readonly string[] }>,
  request: ({ names, drop }) => ({ subscribe: names, unsubscribe: drop }),
};

const NEWEST: readonly Move[] = [
  { kind: 'publish', secret: 'svid', version: 9 },
  { kind: 'publish', secret: 'bundle', version: 9 },
];

function properties<R>(variant: Variant<R>, ack: (story: Story<R>) => readonly Effect[]): void {
  describe(`${variant.title}, whatever happens`, () => {
    it('never has two unanswered responses, never serves a foreign name, never repeats what was rejected', () => {
      fc.assert(
        fc.property(MOVES, (moves) => void play(variant, moves)),
        { numRuns: 2000 },
      );
    });

    it('brings the client to the newest content when it is quiet', () => {
      fc.assert(
        fc.property(MOVES, (moves) => {
          const { story, onlooker } = play(variant, moves);
          for (const move of NEWEST) {
            if (move.kind === 'publish') onlooker.sees(story.publish(move.secret, `${move.secret}-${move.version}`));
          }
          settle(story, onlooker, () => ack(story));
          assert.equal(story.session.unanswered, undefined);
          for (const name of story.session.lastSent.keys()) {
            const kind = secretKindOf(name, CALLER);
            assert.equal(onlooker.received.get(name), kind && `${kind}-9`, name);
          }
        }),
        { numRuns: 2000 },
      );
    });

    it('wants exactly what is named, and at the end nothing', () => {
      fc.assert(
        fc.property(MOVES, (moves) => {
          const { story } = play(variant, moves);
          story.close();
          const wants = { svid: 0, bundle: 0 };
          for (const effect of story.effects) {
            if (effect.kind === 'want') wants[effect.secret] += 1;
            if (effect.kind === 'release') wants[effect.secret] -= 1;
            assert.ok(Object.values(wants).every((count) => count === 0 || count === 1));
          }
          assert.deepEqual(wants, { svid: 0, bundle: 0 });
        }),
        { numRuns: 500 },
      );
    });

    it('is the same for the same events', () => {
      fc.assert(
        fc.property(MOVES, (moves) => {
          assert.deepEqual(play(variant, moves).story.effects, play(variant, moves).story.effects);
        }),
        { numRuns: 200 },
      );
    });
  });
}

properties(SOTW, (story) => story.request({ names: [...story.session.lastSent.keys()], nonce: story.nonce } as object));
properties(DELTA, (story) => story.request({ nonce: story.nonce } as object));
