// All or nothing is per owner: what one team breaks, hides or overfills in its folder stops neither another team
// nor the platform, and never gives anybody more than before.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const SOON = { withinMs: 30_000, everyMs: 20 };
const BROKEN = 'apiVersion: capstan.dev/v1alpha1\nkind: IssuancePolicy\nmetadata: {';

const document = (kind: string, metadata: object, spec: object): string =>
  JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind, metadata, spec });
const denying = (namespace: string, ...serviceAccounts: readonly string[]): string =>
  document('IssuancePolicy', { name: 'own', namespace }, { deny: { serviceAccounts } });
const emergency = (...namespaces: readonly string[]): string =>
  document('ClusterIssuancePolicy', { name: 'emergency' }, { deny: { namespaces } });

interface Readiness {
  readonly ready: boolean;
  readonly unready?: readonly { readonly part: string; readonly why: string }[];
  readonly degraded?: readonly { readonly part: string; readonly why: string }[];
}

interface InForce {
  readonly revision: string;
  readonly policies: readonly { readonly namespace?: string; readonly name: string }[];
  readonly outOfDate?: readonly { readonly owner: string; readonly state: string; readonly problem: string }[];
}

describe('A server whose teams own a folder of policies each', () => {
  let files: ServerFiles;
  let server: RunningServer;

  beforeEach(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['shop', 'pay', 'lab'] }]);
    for (const namespace of ['shop', 'pay']) {
      mkdirSync(files.path(`policies/${namespace}`));
      files.setLocal(`${namespace}/own.yaml`, denying(namespace, 'bad'));
    }
    server = await RunningServer.start({ files });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const ask = async (namespace: string, serviceAccount = 'api'): Promise<Outcome> =>
    server.ask(namespace, serviceAccount);
  const says = async (namespace: string, serviceAccount = 'api'): Promise<string> => {
    const { code, details } = await ask(namespace, serviceAccount);
    return code === status.OK ? 'OK' : `${status[code]} ${details.replace(/ id=.*/, '')}`;
  };
  const reason = async (namespace: string, serviceAccount = 'api'): Promise<string> =>
    (await says(namespace, serviceAccount)).replace(/^[A-Z_]+ (CAP-\w+) .*/, '$1');
  const page = async <T>(target: string): Promise<T> => (await (await server.get(target)).json()) as T;
  const readiness = async (): Promise<Readiness> => page('/readyz');
  const degraded = async (): Promise<string> =>
    ((await readiness()).degraded ?? []).map(({ part, why }) => `${part}: ${why}`).join('\n');
  const restart = async (meanwhile: () => void = () => undefined): Promise<void> => {
    await server.stop();
    meanwhile();
    server = await RunningServer.start({ files });
  };
  const kept = (name: string): string => files.path(`bundle-state.json.local/${name}.json`);

  /** What holds whatever shop does to its folder: shop's own narrowing, and everybody else's policies. */
  async function nobodyHasMore(): Promise<void> {
    assert.equal(await reason('shop', 'bad'), 'CAP-P04');
    assert.equal(await reason('pay', 'bad'), 'CAP-P04');
    assert.equal(await says('pay'), 'OK');
    assert.equal(await says('lab'), 'OK');
  }

  /** The platform's deny and another team's edit come in force. */
  async function othersGoOn(): Promise<void> {
    files.setLocal('emergency.yaml', emergency('lab'));
    files.setLocal('pay/own.yaml', denying('pay', 'bad', 'worse'));
    await eventually('the emergency is over', async () => (await reason('lab')) === 'CAP-P04', SOON);
    await eventually("the other team's policy applies", async () => (await reason('pay', 'worse')) === 'CAP-P04', SOON);
    assert.equal(await reason('shop', 'bad'), 'CAP-P04');
    assert.equal(await says('shop'), 'OK');
    const { revision } = await page<InForce>('/policy');
    assert.equal(files.decisions()[0]?.policyRevision, revision);
  }

  const shop = (name = ''): string => files.path(`policies/shop${name}`);
  const inPlaceOfFolder = (put: () => void): void => {
    rmSync(shop(), { recursive: true });
    put();
  };
  const faults: readonly (readonly [what: string, make: () => void, told: RegExp])[] = [
    ['breaks its file', () => files.setLocal('shop/own.yaml', BROKEN), /shop\/own\.yaml:\d+:\d+/],
    ['truncates its file', () => files.setLocal('shop/own.yaml', ''), /shop\/own\.yaml:1:1 holds no policy document/],
    ['adds a broken one', () => files.setLocal('shop/more.yaml', '{'), /shop\/more\.yaml:1:\d+/],
    [
      'is for others',
      () => files.setLocal('shop/more.yaml', denying('pay')),
      /shop\/more\.yaml:\d+:\d+ metadata\.namespace/,
    ],
    [
      'plays the platform',
      () => files.setLocal('shop/more.yaml', emergency('pay')),
      /shop\/more\.yaml:\d+:\d+ kind is a Cluster/,
    ],
    [
      'links out of its folder',
      () => symlinkSync('../pay/own.yaml', shop('/x.yaml')),
      /shop\/x\.yaml is a symbolic link/,
    ],
    ['empties its folder', () => rmSync(shop('/own.yaml')), /shop holds no policy any more/],
    [
      'has a file in place of its folder',
      () => inPlaceOfFolder(() => writeFileSync(shop(), '')),
      /shop is not a folder/,
    ],
    [
      'has a link in place of its folder',
      () => inPlaceOfFolder(() => symlinkSync('pay', shop())),
      /shop is a symbolic link/,
    ],
    [
      'has a dead link in place of its folder',
      () => inPlaceOfFolder(() => symlinkSync('gone', shop())),
      /shop is a symbolic link/,
    ],
    [
      'nests beyond the bound',
      () => mkdirSync(shop('/a/b/c/d/e/f/g/h'), { recursive: true }),
      /is nested deeper than 8/,
    ],
    [
      'has too many files',
      () => {
        for (let n = 0; n < 300; n += 1) files.setLocal(`shop/${n}.yaml`, '');
      },
      /shop\/.* is beyond 256 files/,
    ],
    [
      'has one file too large',
      () => files.setLocal('shop/large.yaml', '#'.repeat(1024 * 1024 + 1)),
      /shop\/large\.yaml is larger than/,
    ],
    [
      'has too much in all',
      () => {
        for (let n = 0; n < 3; n += 1) files.setLocal(`shop/${n}.yaml`, '#'.repeat(500_000));
      },
      /shop holds more than 1048576 bytes/,
    ],
    [
      'has too many policies',
      () =>
        files.setLocal(
          'shop/many.yaml',
          Array.from({ length: 501 }, (_, n) =>
            document('IssuancePolicy', { name: `p${n}`, namespace: 'shop' }, {}),
          ).join('\n---\n'),
        ),
      /shop\/many\.yaml:\d+:\d+ is beyond 500 policies/,
    ],
  ];
  for (const [what, make, told] of faults) {
    it(`keeps the last good policies of a team that ${what}, and follows everybody else`, async () => {
      const { revision } = await page<InForce>('/policy');
      make();
      await eventually('it is told', async () => /namespace shop/.test(await degraded()), SOON);
      assert.match(await degraded(), told);
      assert.equal((await readiness()).ready, true);
      const inForce = await page<InForce>('/policy');
      assert.equal(inForce.revision, revision);
      assert.deepEqual(
        inForce.outOfDate?.map(({ owner, state }) => [owner, state]),
        [['namespace shop', 'last good']],
      );
      await nobodyHasMore();
      await othersGoOn();
      await restart();
      assert.match(await degraded(), told);
      assert.equal(await reason('shop', 'bad'), 'CAP-P04');
      assert.equal(await says('shop'), 'OK');
      assert.equal(await reason('lab'), 'CAP-P04');
    });
  }

  it('refuses a team alone, naming the file, when it starts without a last good revision of it', async () => {
    await restart(() => {
      rmSync(kept('namespace-shop'));
      files.setLocal('shop/own.yaml', BROKEN);
    });
    const refused = await says('shop');
    assert.match(
      refused,
      /^UNAVAILABLE CAP-S12 a policy that decides on this identity cannot be read: shop\/own\.yaml:3:\d+ /,
    );
    assert.equal(files.decisions({ outcome: 'refused' })[0]?.policyRevision, (await page<InForce>('/policy')).revision);
    assert.match(await degraded(), /local policies: namespace shop is refused: .*shop\/own\.yaml:3/);
    assert.deepEqual(
      (await page<InForce>('/policy')).outOfDate?.map(({ state }) => state),
      ['refused'],
    );
    assert.ok(
      !files.logText.split('\n').some((line) => /shop\/own/.test(line) && /last good version stays/.test(line)),
    );
    assert.equal(await says('pay'), 'OK');
    assert.equal(await says('lab'), 'OK');
    files.setLocal('shop/own.yaml', denying('shop', 'bad'));
    await eventually('it is mended', async () => (await says('shop')) === 'OK', SOON);
    assert.equal(await reason('shop', 'bad'), 'CAP-P04');
    assert.equal(await degraded(), '');
  });

  it('takes no copy of a last good revision that was changed, cut or of another team', async () => {
    const good = readFileSync(kept('namespace-shop'), 'utf8');
    for (const copy of [
      good.replace('bad', 'sad'),
      good.slice(0, -20),
      '',
      readFileSync(kept('namespace-pay'), 'utf8'),
    ]) {
      await restart(() => {
        writeFileSync(kept('namespace-shop'), copy);
        files.setLocal('shop/own.yaml', BROKEN);
      });
      const refused = await says('shop');
      assert.match(refused, /^UNAVAILABLE CAP-S12 .*shop\/own\.yaml:3:/);
      assert.match(await degraded(), /namespace-shop\.json/);
      assert.equal(await says('pay'), 'OK');
      assert.equal(await reason('pay', 'bad'), 'CAP-P04');
    }
  });

  it('gives a team what the bundle gives once its folder is really gone, also while the server was down', async () => {
    rmSync(shop(), { recursive: true });
    await eventually('the folder is gone', async () => (await says('shop', 'bad')) === 'OK', SOON);
    assert.equal(await degraded(), '');
    await restart(() => rmSync(files.path('policies/pay'), { recursive: true }));
    await eventually('the other is gone too', async () => (await says('pay', 'bad')) === 'OK', SOON);
    await restart();
    assert.equal(await says('pay', 'bad'), 'OK');
    assert.equal(await says('shop', 'bad'), 'OK');
  });

  it('lets nobody have more while a folder is moved away and another comes in its place', async () => {
    renameSync(shop(), files.path('policies/.shop'));
    files.setLocal('emergency.yaml', emergency('lab'));
    await eventually('the edit is read', async () => (await reason('lab')) === 'CAP-P04', SOON);
    assert.equal(await reason('shop', 'bad'), 'CAP-P04');
    renameSync(files.path('policies/.shop'), shop());
  });

  it('keeps what it had of everybody while the whole directory is away, over a restart too', async () => {
    renameSync(files.path('policies'), files.path('away'));
    await eventually('it is told', async () => /policies does not exist/.test(await degraded()), SOON);
    await nobodyHasMore();
    await restart();
    assert.match(await degraded(), /policies does not exist/);
    await nobodyHasMore();
    renameSync(files.path('away'), files.path('policies'));
    await eventually('it is back', async () => (await degraded()) === '', SOON);
  });

  it('keeps the last good policies of the platform when it breaks its own, over a restart too', async () => {
    files.setLocal('emergency.yaml', emergency('lab'));
    await eventually('the deny is in force', async () => (await reason('lab')) === 'CAP-P04', SOON);
    files.setLocal('emergency.yaml', '{');
    files.setLocal('shop/own.yaml', denying('shop', 'worse'));
    await eventually("the team's policy applies", async () => (await reason('shop', 'worse')) === 'CAP-P04', SOON);
    assert.match(await degraded(), /the cluster layer keeps its last good policies: .*emergency\.yaml:1:\d/);
    assert.equal(await reason('lab'), 'CAP-P04');
    await restart();
    assert.equal(await reason('lab'), 'CAP-P04');
    assert.equal(await says('pay'), 'OK');
  });

  it('is not ready, and refuses everybody, when it starts without a last good revision of the platform', async () => {
    await restart(() => {
      rmSync(kept('cluster'));
      files.setLocal('emergency.yaml', '{ "secret": "wren-4417"');
    });
    assert.equal((await server.get('/readyz')).status, 503);
    const [why] = (await readiness()).unready ?? [];
    assert.equal(why?.part, 'local policies');
    assert.match(why.why, /the cluster layer is broken at emergency\.yaml:1:24$/);
    assert.ok(server.report.troubled.some(({ part, state }) => part === 'local policies' && state === 'not ready'));
    for (const namespace of ['shop', 'pay', 'lab']) {
      assert.match(
        await says(namespace),
        /^UNAVAILABLE CAP-S12 .*: the cluster layer is broken at emergency\.yaml:1:24$/,
      );
    }
    assert.ok(!files.logText.includes('wren-4417'));
    files.setLocal('emergency.yaml', emergency('lab'));
    await eventually('it is mended', async () => (await readiness()).ready, SOON);
    assert.equal(await says('shop'), 'OK');
    assert.equal(await reason('lab'), 'CAP-P04');
  });

  it('hears the platform and a team who call two policies the same, and lets neither stop the other', async () => {
    files.setLocal('same.yaml', denying('shop', 'worse'));
    await eventually("the platform's policy applies", async () => (await reason('shop', 'worse')) === 'CAP-P04', SOON);
    assert.equal(await reason('shop', 'bad'), 'CAP-P04');
    files.setLocal('shop/own.yaml', denying('shop', 'bad', 'sad'));
    await eventually("the team's policy applies", async () => (await reason('shop', 'sad')) === 'CAP-P04', SOON);
    assert.equal(await reason('shop', 'worse'), 'CAP-P04');
    const { policies } = await page<InForce>('/policy');
    assert.equal(policies.filter(({ namespace }) => namespace === 'shop').length, 2);
  });

  it('says once what a team broke, and once that it is mended', async () => {
    files.setLocal('shop/own.yaml', BROKEN);
    await eventually('it is told', () => files.logged('reloadFailed').length > 0, SOON);
    await othersGoOn();
    assert.equal(files.logged('reloadFailed').length, 1);
    files.setLocal('shop/own.yaml', denying('shop', 'bad'));
    await eventually('it is mended', async () => (await degraded()) === '', SOON);
    assert.equal(files.logged('reloadFailed').length, 1);
  });
});
