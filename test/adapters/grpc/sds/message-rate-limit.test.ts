import assert from 'node:assert/strict';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { MessageRateLimit, TURN_MS } from '../../../../src/adapters/grpc/sds/message-rate-limit.ts';
import { DELTA, readMessage, SOTW } from '../../../../src/adapters/grpc/sds/session/protocol.ts';
import { MAX_MESSAGE_BYTES } from '../../../../src/adapters/grpc/sds/trim.ts';
import type { NodeSchema } from '../../../../src/gen/envoy/config/core/v3/base_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

type Node = MessageInitShape<typeof NodeSchema>;
type SotwInit = MessageInitShape<typeof DiscoveryRequestSchema>;
type DeltaInit = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

/** As large as the lists of Envoy 1.40, and what Istio adds in metadata. */
const ENVOY: Node = {
  id: 'sidecar~10.0.0.1~pod.default~default.svc.cluster.local',
  metadata: { disable_spiffe_cert_validation: true, LABELS: 'l'.repeat(3_000) },
  extensions: Array.from({ length: 480 }, (_, n) => ({
    name: `envoy.filters.http.number_${n}`,
    category: 'envoy.filters.http',
    typeUrls: [`envoy.extensions.filters.http.number_${n}.v3.Filter`],
  })),
};

const sotwBytes = (init: SotwInit): Uint8Array =>
  toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init));
const deltaBytes = (init: DeltaInit): Uint8Array =>
  toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, init));

describe('The rate limit of discovery requests', () => {
  let clock: FakeClock;
  let rateLimit: MessageRateLimit;
  const idle = { proceed: () => undefined };
  const read = (owner: string, bytes: Uint8Array): void => void readMessage(SOTW, bytes, { rateLimit, owner });

  beforeEach(() => {
    clock = new FakeClock();
    rateLimit = new MessageRateLimit(clock);
  });

  it('takes at once what 1,000 Envoys of one namespace say when they all come back, and their ACKs', () => {
    const first = sotwBytes({ node: ENVOY, resourceNames: ['default'] });
    const ack = sotwBytes({ responseNonce: 'nonce', versionInfo: 'v'.repeat(64), resourceNames: ['default'] });
    assert.ok(first.length > 50_000);
    for (const bytes of [first, ack]) {
      for (let proxy = 0; proxy < 1_000; proxy += 1) {
        assert.ok(rateLimit.enter('default', idle), `proxy ${proxy}`);
        read('default', bytes);
      }
      // An answer is a round trip later.
      clock.pass(100);
    }
  });

  it('takes of 5,000 Envoys the last within the time that they wait for their first secrets', async () => {
    const first = sotwBytes({ node: ENVOY, resourceNames: ['default'] });
    let taken = 0;
    const take = (): void => {
      taken += 1;
      read('default', first);
    };
    for (let proxy = 0; proxy < 5_000; proxy += 1) if (rateLimit.enter('default', { proceed: take })) take();
    assert.ok(taken < 5_000);
    await clock.advance(15_000);
    assert.equal(taken, 5_000);
    assert.equal(clock.sleepers, 0);
  });

  it('lets those of one owner take turns, and owners not wait for each other', async () => {
    const large = sotwBytes({ node: { id: 'n'.repeat(MAX_MESSAGE_BYTES - 100) } });
    while (rateLimit.enter('noisy', idle)) read('noisy', large);
    rateLimit.forget('noisy', idle);
    const turns: string[] = [];
    const talker = (name: string, says: number) => {
      let left = says;
      const waiter = {
        proceed: (): void => {
          turns.push(name);
          read('noisy', large);
          left -= 1;
          if (left > 0) rateLimit.enter('noisy', waiter);
        },
      };
      rateLimit.enter('noisy', waiter);
      return waiter;
    };
    talker('a', 3);
    talker('b', 2);
    const gone = talker('gone', 1);
    rateLimit.forget('noisy', gone);
    assert.ok(rateLimit.enter('quiet', idle));
    await clock.advance(TURN_MS * 20);
    assert.deepEqual(turns, ['a', 'b', 'a', 'b', 'a']);
    assert.equal(clock.sleepers, 0);
  });

  it('charges for what it refuses', () => {
    const large = Buffer.alloc(MAX_MESSAGE_BYTES + 1);
    const refused = (error: unknown): boolean => error instanceof AuthorityError && error.reason === 'CAP-M02';
    let messages = 0;
    for (; rateLimit.enter('noisy', idle); messages += 1) assert.throws(() => read('noisy', large), refused);
    assert.ok(messages < 600, `${messages}`);
    rateLimit.forget('noisy', idle);
  });
});

describe('A trimmed discovery request', () => {
  const wish = { disable_spiffe_cert_validation: true };
  const errorDetail = { code: 13, message: 'no', details: Array.from({ length: 100 }, () => ({})) };
  const common = { node: { ...ENVOY, metadata: wish }, typeUrl: 't', responseNonce: 'n', errorDetail };

  it('says all that is read of it, and is small', () => {
    const sotw = sotwBytes({
      ...common,
      versionInfo: 'v',
      resourceNames: ['a', 'b'],
      resourceLocators: [{ name: 'x' }],
    });
    assert.deepEqual(SOTW.decode(SOTW.trim(sotw)), SOTW.decode(sotw));
    assert.ok(SOTW.trim(sotw).length < 200);
    const lists = {
      resourceNamesSubscribe: ['a'],
      resourceNamesUnsubscribe: ['b'],
      initialResourceVersions: { a: '1' },
    };
    const delta = deltaBytes({ ...common, ...lists });
    assert.deepEqual(DELTA.decode(DELTA.trim(delta)), DELTA.decode(delta));
    assert.ok(DELTA.trim(delta).length < 200);
  });

  it('is refused when it is cut off anywhere within a field, or has a second node', () => {
    const bytes = sotwBytes({ node: ENVOY });
    const malformed = (error: unknown): boolean => error instanceof AuthorityError && error.reason === 'CAP-M03';
    for (const end of [1, 2, 100, bytes.length - 1]) {
      assert.throws(() => SOTW.decode(SOTW.trim(bytes.subarray(0, end))), malformed, `${end}`);
    }
    assert.throws(() => SOTW.trim(Buffer.concat([bytes, bytes])), malformed);
  });
});
