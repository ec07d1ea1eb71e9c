// What becomes of trust material that peers would refuse, and of anchors as time goes by: seen from outside.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import type { CsrWire } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import {
  nameConstraints,
  SERVER,
  tiersAt,
  unknownExtension,
  type Tier,
  type TierOptions,
} from '../../support/paths/tiers.ts';
import { csrClient, RunningServer } from '../support/running-server.ts';
import { nested, ServerFiles } from '../support/server-files.ts';

const DAY_MS = 86_400_000;
const SECONDS = 1_000 / DAY_MS;
/** Less than the half minute after which files are read again in any case. */
const SOON = { withinMs: 30_000 };

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const tier = tiersAt(Date.now());

interface Degraded {
  readonly degraded?: readonly { readonly part: string; readonly why: string }[];
}

const REFUSED: readonly (readonly [string, TierOptions, RegExp])[] = [
  ['is for servers only', { uses: [SERVER] }, /may not stand above TLS clients/],
  [
    'is for another trust domain',
    { more: [nameConstraints({ permitted: [{ kind: 'uri', value: 'other.example' }] })] },
    /do not allow spiffe:\/\/cluster\.local/,
  ],
  [
    'may not certify the name of this server',
    { more: [nameConstraints({ permitted: [{ kind: 'dns', value: 'example.com' }] })] },
    /do not allow capstan\.istio-system\.svc/,
  ],
  [
    'has an extension that nobody knows',
    { more: [unknownExtension(true)] },
    /has a critical extension that nobody knows/,
  ],
  ['is signed with SHA-1', { signedWith: 'SHA-1' }, /is signed with ECDSA with SHA-1/],
];

function use(files: ServerFiles, issuer: Tier, above: readonly Tier[] = []): void {
  files.write('issuer-key.pem', issuer.keyPem);
  files.write('issuer-chain.pem', [issuer, ...above].map(({ pem }) => pem).join(''));
}

function anchor(files: ServerFiles, ...roots: readonly Tier[]): void {
  files.setAnchors(roots.map(({ pem }) => pem).join(''));
}

/** @returns the chain of a new certificate, and the anchors that come with it. */
async function issued(
  client: CsrWire,
  files: ServerFiles,
): Promise<{ chain: readonly string[]; anchors: readonly string[] }> {
  const request = { csr: (await buildCsr()).pem, headers: { authorization: `Bearer ${await files.mint.token()}` } };
  const { code, details, response } = await client.call(request);
  assert.equal(code, status.OK, details);
  const chain = response?.certChain ?? [];
  const subjects = (pem: string): string[] =>
    (pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map((one) => {
      const { subject, fingerprint256 } = new X509Certificate(one);
      return `${subject} ${fingerprint256.slice(0, 8)}`;
    });
  return { chain: chain.slice(1, -1).flatMap(subjects), anchors: subjects(chain.at(-1) ?? '') };
}

const named = ({ certificate, pem }: Tier): string =>
  `${certificate.subject} ${new X509Certificate(pem).fingerprint256.slice(0, 8)}`;

describe('An issuer that peers would refuse', () => {
  let root: Tier;
  let good: Tier;
  let files: ServerFiles;
  before(async () => {
    root = await tier('Root');
    good = await tier('Good', { by: root });
    files = await ServerFiles.create();
    anchor(files, root);
  });
  after(() => files[Symbol.dispose]());

  for (const [what, options, words] of REFUSED) {
    it(`does not let the server start when it ${what}`, async () => {
      use(files, await tier('Bad', { by: root, ...options }));
      await assert.rejects(RunningServer.start({ files, settings: { 'sds.sockets': [] } }), (error: Error) => {
        assert.match(error.message, /^CAP-X03 .*issuer-chain\.pem certificate CN=Bad /);
        assert.match(error.message, words);
        return true;
      });
    });
  }

  it('ends the process with code 78 and the reason', async () => {
    use(files, await tier('Bad', { by: root, uses: [SERVER] }));
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, 'sds.sockets': [] })));
    const { status: code, stderr } = spawnSync(
      process.execPath,
      [MAIN, 'serve', '--config', files.path('capstan.json')],
      { encoding: 'utf8' },
    );
    assert.equal(code, 78, stderr);
    assert.match(stderr, /CN=Bad may not stand above TLS clients/);
  });

  it('is a problem for `config check` too, and what only should not be as it is a warning', async () => {
    const check = (): readonly [
      number | null,
      { readonly problems: readonly { message: string }[]; readonly warnings: readonly { message: string }[] },
    ] => {
      files.write('capstan.json', JSON.stringify(nested({ ...files.settings, 'sds.sockets': [] })));
      const args = [MAIN, 'config', 'check', '--config', files.path('capstan.json'), '--output', 'json'];
      const { status: code, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      return [code, JSON.parse(stdout) as ReturnType<typeof check>[1]];
    };
    use(files, await tier('Bad', { by: root, uses: [SERVER] }));
    const [bad, { problems }] = check();
    assert.equal(bad, 78);
    assert.match(problems[0]?.message ?? '', /issuer-chain\.pem certificate CN=Bad may not stand above TLS clients/);
    use(files, await tier('Nameless', { by: root, subject: '' }));
    const [weak, { warnings }] = check();
    assert.equal(weak, 0);
    assert.match(
      warnings[0]?.message ?? '',
      /issuer-chain\.pem: certificate without a subject is one of a CA, which must have a name/,
    );
  });

  it('leaves the last good one in force when it is swapped in, and the state of the server says why', async () => {
    use(files, good);
    await using server = await RunningServer.start({ files });
    using client = csrClient(server.tlsPort, root.pem);
    for (const [, options, words] of REFUSED) {
      use(files, await tier('Bad', { by: root, ...options }));
      const answer = await eventually(
        'the state says so',
        async () => {
          const body = (await (await server.get('/readyz')).json()) as {
            ready: boolean;
            degraded?: { part: string; why: string }[];
          };
          return body.degraded?.some(({ why }) => words.test(why)) === true ? body : undefined;
        },
        SOON,
      );
      assert.equal(answer.ready, true);
      assert.deepEqual((await issued(client, files)).chain, [named(good)]);
    }
    use(files, good);
    await eventually(
      'it is well again',
      async () => ((await (await server.get('/readyz')).text()) === '{"ready":true}' ? true : undefined),
      SOON,
    );
  });
});

describe('An issuer with a cross-signature', () => {
  it('goes on when the old root leaves the anchors, without a certificate that leads nowhere', async () => {
    const [oldRoot, newRoot] = [await tier('Old'), await tier('New')];
    const issuer = await tier('Issuer', { by: newRoot });
    const cross = await tier('New', { by: oldRoot, keys: newRoot.keys });
    using files = await ServerFiles.create();
    use(files, issuer, [cross]);
    anchor(files, oldRoot, newRoot);
    await using server = await RunningServer.start({ files });
    using client = csrClient(server.tlsPort, newRoot.pem);
    assert.deepEqual(await issued(client, files), {
      chain: [named(issuer), named(cross)],
      anchors: [named(oldRoot), named(newRoot)],
    });
    anchor(files, newRoot);
    const after = await eventually(
      'the old root is gone',
      async () => {
        const now = await issued(client, files);
        return now.anchors.length === 1 ? now : undefined;
      },
      SOON,
    );
    assert.deepEqual(after, { chain: [named(issuer)], anchors: [named(newRoot)] });
  });
});

describe('A trust anchor', () => {
  it('goes out in the order of its file, and not beyond its end; then nothing ends but it', async () => {
    const [long, short] = [await tier('Long'), await tiersAt(Date.now())('Short', { endsInDays: 8 * SECONDS })];
    const twin = await tier('Long', { keys: long.keys, endsInDays: -0.5 });
    using files = await ServerFiles.create();
    use(files, await tier('Issuer', { by: long }));
    anchor(files, twin, short, long);
    await using server = await RunningServer.start({ files });
    using client = csrClient(server.tlsPort, long.pem);
    assert.deepEqual((await issued(client, files)).anchors, [named(short), named(long)]);
    const after = await eventually(
      'the short one is over',
      async () => {
        const { anchors } = await issued(client, files);
        return anchors.length === 1 ? anchors : undefined;
      },
      { withinMs: 30_000 },
    );
    assert.deepEqual(after, [named(long)]);
    assert.deepEqual(await (await server.get('/readyz')).json(), { ready: true });
    const words = /anchors\.pem: trust anchor CN=Short \(SHA-256 \w+\) ended at .*; it is not distributed/;
    const warned = (): boolean =>
      files.logged('trustWarning').some(({ ['problem']: problem }) => words.test(String(problem)));
    await eventually('the log names it', async () => (warned() ? true : undefined), SOON);
    const metrics = await (await server.get('/metrics')).text();
    assert.match(
      metrics,
      /^capstan_trust_anchor_end_seconds\{anchor="\w{16}",subject="CN=Short",distributed="false"\} \d+/m,
    );
    assert.match(
      metrics,
      /^capstan_trust_anchor_end_seconds\{anchor="\w{16}",subject="CN=Long",distributed="true"\} \d+/m,
    );
  });

  it('that is issued anew ahead of its time succeeds the one of the same key when it begins', async () => {
    const root = await tier('Root');
    const next = await tiersAt(Date.now())('Root', { keys: root.keys, startsInDays: 6 * SECONDS, endsInDays: 60 });
    using files = await ServerFiles.create();
    use(files, await tier('Issuer', { by: root }));
    anchor(files, next, root);
    await using server = await RunningServer.start({ files });
    using client = csrClient(server.tlsPort, root.pem);
    assert.deepEqual((await issued(client, files)).anchors, [named(root)]);
    await eventually(
      'the next one goes out',
      async () => ((await issued(client, files)).anchors[0] === named(next) ? true : undefined),
      { withinMs: 30_000 },
    );
  });
});

describe('A trust anchor that leaves the file', () => {
  it('goes out all the same while a workload hangs on it, also after a restart, and the state says so until it is back', async () => {
    const [oldRoot, newRoot] = [await tier('Old root'), await tier('New root')];
    const [former, next] = [await tier('Former', { by: oldRoot }), await tier('Next', { by: newRoot })];
    using files = await ServerFiles.create();
    use(files, former);
    anchor(files, oldRoot, newRoot);
    const why = async (server: RunningServer): Promise<string | undefined> => {
      const { degraded = [] } = (await (await server.get('/readyz')).json()) as Degraded;
      return degraded.find(({ part }) => part === 'trust anchors')?.why;
    };
    {
      await using server = await RunningServer.start({ files });
      using client = csrClient(server.tlsPort, oldRoot.pem + newRoot.pem);
      await issued(client, files);
      const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'laggard')}` };
      assert.equal((await client.call({ csr: (await buildCsr()).pem, headers })).code, status.OK);
      use(files, next);
      await eventually('the next signs', async () => (await issued(client, files)).chain[0] === named(next), SOON);
      assert.equal(await why(server), undefined, 'nothing is missing yet');
      anchor(files, newRoot);
      const words = /CN=Old root .* goes out all the same, as long as workloads hang on it$/;
      assert.match(await eventually('it is missed', async () => why(server), SOON), words);
      assert.deepEqual((await issued(client, files)).anchors, [named(newRoot), named(oldRoot)]);
      const metrics = await (await server.get('/metrics')).text();
      assert.match(metrics, /^capstan_part_degraded\{part="trust anchors"\} 1$/m);
    }
    await using server = await RunningServer.start({ files });
    assert.match((await why(server)) ?? '', /CN=Old root/);
    anchor(files, newRoot, oldRoot);
    await eventually('it is back', async () => (await why(server)) === undefined, SOON);
  });
});
