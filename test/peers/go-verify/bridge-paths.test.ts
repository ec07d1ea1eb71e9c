// Chains that carry the bridge of a rotation, as OpenSSL and Go judge them with one root alone; and the other way to make a bridge, which
// OpenSSL does not take, so that nobody offers it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { NO_ANCHORS, started } from '../../../src/domain/trust/rotation/anchor-ledger.ts';
import { bridgedChain } from '../../../src/domain/trust/rotation/bridge.ts';
import { crossCertificateFrom } from '../../../src/domain/trust/rotation/cross-certificate.ts';
import { good, TEST_TRUST_DOMAIN } from '../../support/certificates.ts';
import { CLIENT, SERVER, tiersAt, type Tier } from '../../support/paths/tiers.ts';
import { peerOrSkip } from '../support/presence.ts';

const run = promisify(execFile);
const GO_VERIFY = import.meta.dirname;

describe('A chain that carries the bridge of a rotation', function () {
  this.timeout(180_000);
  let folder: string;
  let roots: Readonly<Record<'old' | 'next', Tier>>;
  let leaf: Tier;
  let chains: Readonly<Record<'bridged' | 'bare' | 'newFirst' | 'oldFirst', readonly string[]>>;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-bridge-'));
    const tier = tiersAt(Date.now());
    const [old, next] = [await tier('Old root'), await tier('New root')];
    const cross = await tier('New root', { by: old, keys: next.keys });
    const issuer = await tier('Mesh issuer', { by: next, pathLength: 0 });
    const second = await tier('Mesh issuer', { by: old, keys: issuer.keys, pathLength: 0 });
    const names = [{ type: 'url', value: `spiffe://${TEST_TRUST_DOMAIN}/ns/a/sa/b` } as const];
    leaf = await tier('leaf', { by: issuer, ca: false, uses: [SERVER, CLIENT], names });
    roots = { old, next };
    const bundleOf = (pem: string): TrustBundle => good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, pem));
    const by = { timeMs: Date.now(), actor: 'CN:alice', role: 'security', reason: 'a drill' };
    const { rotation } = good(
      started(NO_ANCHORS, { added: bundleOf(next.pem), inForce: bundleOf(old.pem), signing: [] }, by),
    );
    const both = bundleOf(old.pem + next.pem);
    const bridge = { ...good(crossCertificateFrom(cross.pem, rotation, both, by.timeMs)), ...by };
    const bridged = bridgedChain(issuer.pem, bridge, both, by.timeMs);
    if ('problem' in bridged) assert.fail(bridged.problem);
    chains = {
      bridged,
      bare: [issuer.pem],
      newFirst: [issuer.pem, second.pem],
      oldFirst: [second.pem, issuer.pem],
    };
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  /** Whether it is taken, with the old root alone and with the new root alone. */
  async function takenBy(
    verify: (files: readonly [roots: string, chain: string, leaf: string]) => Promise<unknown>,
    chain: keyof typeof chains,
  ): Promise<readonly boolean[]> {
    const [rootsFile, chainFile, leafFile] = ['roots.pem', 'chain.pem', 'leaf.pem'].map((name) =>
      path.join(folder, name),
    ) as [string, string, string];
    await writeFile(chainFile, chains[chain].join(''));
    await writeFile(leafFile, leaf.pem);
    const taken: boolean[] = [];
    for (const root of [roots.old, roots.next]) {
      await writeFile(rootsFile, root.pem);
      taken.push(
        await verify([rootsFile, chainFile, leafFile]).then(
          () => true,
          () => false,
        ),
      );
    }
    return taken;
  }

  it('is taken by OpenSSL with either root alone, as no second certificate of the issuer is, whatever its place', async function () {
    const version = await run('openssl', ['version']).catch(() => undefined);
    peerOrSkip(this, version, 'openssl');
    const verify = async ([root, chain, own]: readonly [string, string, string]) =>
      run('openssl', ['verify', '-CAfile', root, '-untrusted', chain, own]);
    assert.deepEqual(await takenBy(verify, 'bridged'), [true, true]);
    assert.deepEqual(await takenBy(verify, 'bare'), [false, true]);
    assert.deepEqual(await takenBy(verify, 'newFirst'), [false, true]);
    assert.deepEqual(await takenBy(verify, 'oldFirst'), [true, false]);
  });

  it('is taken by Go with either root alone', async function () {
    const version = await run('go', ['version']).catch(() => undefined);
    peerOrSkip(this, version, 'go');
    const program = path.join(folder, 'go-verify');
    await run('go', ['build', '-trimpath', '-o', program, '.'], { cwd: GO_VERIFY });
    const verify = async (files: readonly string[]) => run(program, [...files, 'server', 'client']);
    assert.deepEqual(await takenBy(verify, 'bridged'), [true, true]);
    assert.deepEqual(await takenBy(verify, 'bare'), [false, true]);
  });
});
