// The table of paths, asked of those who decide in a mesh: OpenSSL, Go (Istio's agent, istiod), and BoringSSL in both
// Envoys, each with both of its validators. Where one of them differs from Capstan the row says so and why.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { makePath, PATH_CASES, type MadePath, type PathCase, type Verifier } from '../../support/paths/path-cases.ts';
import { tiersAt } from '../../support/paths/tiers.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from '../envoy/support/envoy-package.ts';
import { peerOrSkip } from '../support/presence.ts';
import { StaticEnvoy } from '../envoy/support/static-envoy.ts';

const run = promisify(execFile);
const bundleOf = ({ anchors }: MadePath): string => anchors.map(({ pem }) => pem).join('');
const chainOf = ({ leaf, issuer, upper }: MadePath): string => leaf.pem + issuer.pem + upper.pem;

/** What the table says of this verifier. */
function expected({ refused, takenBy = [], refusedBy = [] }: PathCase, verifier: Verifier): boolean {
  return refused === undefined ? !refusedBy.includes(verifier) : takenBy.includes(verifier);
}

describe('A path is taken or refused as the table says', function () {
  this.timeout(300_000);
  let folder: string;
  let made: readonly MadePath[];
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-paths-'));
    const nowMs = Date.now();
    made = await Promise.all(PATH_CASES.map(async (one) => makePath(one, nowMs)));
  });
  after(async () => rm(folder, { recursive: true, force: true }));

  /** Every row at once, so that a failure shows what else has changed. */
  function compare(verifier: Verifier, verdicts: readonly boolean[]): void {
    const words = (taken: boolean): string => (taken ? 'taken' : 'refused');
    const table = (of: (one: PathCase, index: number) => boolean): Record<string, string> =>
      Object.fromEntries(PATH_CASES.map((one, index) => [one.name, words(of(one, index))]));
    assert.deepEqual(
      table((_, index) => verdicts[index] === true),
      table((one) => expected(one, verifier)),
    );
  }

  async function files(one: MadePath): Promise<readonly [anchors: string, above: string, leaf: string]> {
    const [anchors, above, leaf] = ['anchors', 'above', 'leaf'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(anchors, bundleOf(one));
    await writeFile(above, one.issuer.pem + one.upper.pem);
    await writeFile(leaf, one.leaf.pem);
    return [anchors, above, leaf];
  }

  const succeeds = async (command: string, args: readonly string[]): Promise<boolean> =>
    run(command, [...args]).then(
      () => true,
      () => false,
    );

  it('by OpenSSL', async function () {
    peerOrSkip(this, await run('openssl', ['version']).catch(() => undefined), 'openssl');
    const verdicts: boolean[] = [];
    for (const one of made) {
      const [anchors, above, leaf] = await files(one);
      const verify = async (purpose: string): Promise<boolean> =>
        succeeds('openssl', ['verify', '-CAfile', anchors, '-untrusted', above, '-purpose', purpose, leaf]);
      verdicts.push((await verify('sslclient')) && (await verify('sslserver')));
    }
    compare('openssl', verdicts);
  });

  it('by Go', async function () {
    peerOrSkip(this, await run('go', ['version']).catch(() => undefined), 'go');
    const program = path.join(folder, 'go-verify');
    await run('go', ['build', '-trimpath', '-o', program, '.'], { cwd: import.meta.dirname });
    const verdicts: boolean[] = [];
    for (const one of made) verdicts.push(await succeeds(program, [...(await files(one)), 'server', 'client']));
    compare('go', verdicts);
  });

  for (const version of [CURRENT_ENVOY, OLDEST_ENVOY] as const) {
    it(`by Envoy ${version}, with trusted_ca and with the SPIFFE validator`, async function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
      const own = await tiersAt(Date.now())('own', { ca: false, subject: 'CN=own' });
      const listeners = made.map((one) => ({ anchorsPem: bundleOf(one) }));
      const spiffe = listeners.map((one) => ({ ...one, trustDomain: 'cluster.local' }));
      await using envoy = await StaticEnvoy.start(version, [...listeners, ...spiffe], {
        chainPem: own.pem,
        keyPem: own.keyPem,
      });
      const ask = async (from: number): Promise<readonly boolean[]> => {
        const verdicts: boolean[] = [];
        for (const [index, one] of made.entries()) {
          verdicts.push(await envoy.takes(from + index, { chainPem: chainOf(one), keyPem: one.leaf.keyPem }));
        }
        return verdicts;
      };
      compare(`envoy ${version}`, await ask(0));
      compare(`envoy ${version} spiffe`, await ask(made.length));
    });
  }
});
