// Two pods of one service account at a running server, one of them refused by policy. No private key crosses
// from one to the other, whoever comes first, however it asks, and whoever is still there; and every key that
// is delivered is the one that the journal says this very pod was given.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { Secret } from '../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { eventually } from '../../support/eventually.ts';
import { keyOf, NODE, pemOf, secretsOf, type SdsClient } from '../../support/clients/sds-client.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer, type Showing } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { claimsOf } from '../support/token-mint.ts';

const SOON = { withinMs: 30_000 };
/** Renewed after about two seconds. */
const TTL = '4s';

const ONLY_ALLOWED_PODS = {
  conditions: [
    { id: 'pods', claim: { name: 'podName', in: ['allowed-*'] }, message: 'Use a pod that is allowed', waitFor: '0s' },
  ],
};

/** How a pod asks for its certificate: what it is given, or nothing. */
interface Way {
  readonly name: string;
  ask(client: SdsClient): Promise<Asked>;
}

interface Asked {
  /** The next secret. Fails when the stream ends. */
  next(): Promise<Secret>;
  /** Everything that came, whether it was read or not. */
  seen(): readonly Secret[];
  leave(): void;
}

const SOTW: Way = {
  name: 'StreamSecrets',
  ask: async (client) => {
    const stream = client.sotw();
    stream.subscribe('default');
    return {
      next: async () => secretsOf(await stream.accept())[0]!,
      seen: () => stream.responses.flatMap(secretsOf),
      leave: () => stream.cancel(),
    };
  },
};

const DELTA: Way = {
  name: 'DeltaSecrets',
  ask: async (client) => {
    const stream = client.delta();
    stream.subscribe('default');
    const next = async (): Promise<Secret> => {
      for (;;) {
        const [secret] = secretsOf(await stream.accept());
        if (secret !== undefined) return secret;
      }
    };
    return { next, seen: () => stream.responses.flatMap(secretsOf), leave: () => stream.cancel() };
  },
};

const FETCH: Way = {
  name: 'FetchSecrets',
  ask: async (client) => {
    const seen: Secret[] = [];
    const fetched = await client.fetch({ node: NODE, resourceNames: ['default'] }).then(
      (response) => void seen.push(...secretsOf(response)),
      (error: unknown) => error as ServiceError,
    );
    const next = async (): Promise<Secret> => seen[0] ?? assert.fail(String(fetched));
    return { next, seen: () => seen, leave: () => undefined };
  },
};

const WAYS = [SOTW, DELTA, FETCH];
const STREAMS = [SOTW, DELTA];

describe('Of two pods of one service account, one refused by policy,', () => {
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];

  beforeEach(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['default'], more: ONLY_ALLOWED_PODS }]);
    server = await RunningServer.start({ files, settings: { 'sds.ttl': TTL, 'lifetimes.backdate': '0s' } });
  });
  afterEach(async () => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** The Envoy of a pod of `default/demo`, on a connection of its own. */
  async function pod(name: string, more: object = {}): Promise<SdsClient> {
    const { 'kubernetes.io': bound, ...claims } = claimsOf('default', 'demo');
    const kubernetes = { ...(bound as object), pod: { name, uid: `uid-of-${name}` } };
    const client = server.sdsClient({
      token: await files.mint.token('demo', { ...claims, 'kubernetes.io': kubernetes, ...more }),
    });
    open.push(client);
    return client;
  }

  /** The secret is a key with its certificate, and the journal says that this pod was given it. */
  function assertDeliveredTo(podName: string, secret: Secret): void {
    const leaf = new X509Certificate(pemOf(secret));
    assert.ok(leaf.checkPrivateKey(createPrivateKey(keyOf(secret))));
    const serial = leaf.serialNumber.toLowerCase().replace(/^0+/, '');
    const records = files
      .decisions({ outcome: 'issued' })
      .filter((found) => 'serial' in found && found.serial === serial);
    assert.deepEqual(
      records.map((record) => [record.podName, record.podUid]),
      [[podName, `uid-of-${podName}`]],
    );
  }

  function refusalsOf(podName: string): readonly DecisionRecord[] {
    return files.decisions({ outcome: 'refused' }).filter((record) => record.podName === podName);
  }

  /** It asked, was decided by itself, and was given nothing; all that was on its way has come. */
  async function assertRefused(client: SdsClient, asked: Asked): Promise<void> {
    await eventually('the pod is answered', () => asked.seen().length > 0 || refusalsOf('refused-1').length > 0, SOON);
    for (let turn = 0; turn < 2; turn += 1) await client.fetch({ node: NODE, resourceNames: ['ROOTCA'] });
    assert.deepEqual(asked.seen().map(pemOf), []);
    assert.deepEqual(
      refusalsOf('refused-1').map((found) => found.outcome === 'refused' && found.reason),
      ['CAP-P12'],
    );
  }

  for (const first of STREAMS) {
    for (const second of WAYS) {
      it(`the refused one gets no key over ${second.name} while the allowed one has ${first.name}`, async () => {
        assertDeliveredTo('allowed-1', await (await first.ask(await pod('allowed-1'))).next());
        const refused = await pod('refused-1');
        await assertRefused(refused, await second.ask(refused));
      });

      it(`the allowed one gets its own over ${second.name} while the refused one waits on ${first.name}`, async () => {
        const refused = await pod('refused-1');
        const waiting = await first.ask(refused);
        await assertRefused(refused, waiting);
        assertDeliveredTo('allowed-1', await (await second.ask(await pod('allowed-1'))).next());
        await assertRefused(refused, waiting);
      });
    }
  }

  for (const way of WAYS) {
    it(`the refused one gets no key over ${way.name} after the allowed one has left`, async () => {
      const asked = await way.ask(await pod('allowed-1'));
      await asked.next();
      asked.leave();
      const refused = await pod('refused-1');
      await assertRefused(refused, await way.ask(refused));
    });
  }

  for (const way of STREAMS) {
    it(`the refused one gets no key over ${way.name} at the renewal of the other`, async () => {
      const refused = await pod('refused-1');
      const waiting = await way.ask(refused);
      await assertRefused(refused, waiting);
      const asked = await way.ask(await pod('allowed-1'));
      const keys = [await asked.next(), await asked.next()];
      for (const secret of keys) assertDeliveredTo('allowed-1', secret);
      assert.notEqual(keyOf(keys[0]!), keyOf(keys[1]!));
      await assertRefused(refused, waiting);
    });

    it(`both, once allowed, have keys of their own over ${way.name}, also at the next renewal and after one has left`, async () => {
      const [one, two] = [await way.ask(await pod('allowed-1')), await way.ask(await pod('allowed-2'))];
      assertDeliveredTo('allowed-1', await one.next());
      assertDeliveredTo('allowed-2', await two.next());
      assertDeliveredTo('allowed-1', await one.next());
      one.leave();
      assertDeliveredTo('allowed-2', await two.next());
      assertDeliveredTo('allowed-2', await two.next());
      const keys = [...one.seen(), ...two.seen()].map(keyOf);
      assert.equal(new Set(keys).size, keys.length);
    });
  }
});

describe('Two machines of one account that show client certificates', () => {
  let files: ServerFiles;
  let server: RunningServer;
  const open: Disposable[] = [];

  before(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files });
  });
  afterEach(() => {
    for (const client of open.splice(0)) client[Symbol.dispose]();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** A new machine's first certificate, by its token, or the next one of a machine by the one that it has. */
  async function enrolled(showing: Showing = {}): Promise<Showing> {
    using client = server.client(showing);
    const csr = await buildCsr();
    const token = await files.mint.token('demo', { 'kubernetes.io': undefined });
    const headers: Record<string, string> = showing.chainPem === undefined ? { authorization: `Bearer ${token}` } : {};
    const { code, details, response } = await client.call({ csr: csr.pem, headers });
    assert.equal(code, status.OK, details);
    return { chainPem: (response?.certChain ?? []).slice(0, -1).join(''), keyPem: csr.privateKeyPem };
  }

  async function keyOver(way: Way, machine: Showing): Promise<string> {
    const client = server.sdsClient(machine);
    open.push(client);
    return keyOf(await (await way.ask(client)).next());
  }

  for (const way of WAYS) {
    it(`have keys of their own over ${way.name}, and keep them when they have renewed their certificates`, async () => {
      const machines = [await enrolled(), await enrolled()] as const;
      const keys = [await keyOver(way, machines[0]), await keyOver(way, machines[1])];
      assert.notEqual(keys[0], keys[1]);
      const renewed = [await enrolled(machines[0]), await enrolled(await enrolled(machines[1]))] as const;
      assert.deepEqual([await keyOver(way, renewed[0]), await keyOver(way, renewed[1])], keys);
    });
  }
});
