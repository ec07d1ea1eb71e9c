// The container beside Capstan that docs/policy.md shows for a checkout of policies: where it puts commits is where the server looks,
// and what becomes of it keeps nobody from getting certificates.
import assert from 'node:assert/strict';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { checkOut } from '../../../app/policy/drift/checkout.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { gitSyncValues } from '../support/chart.ts';
import { ChartPod } from './support/chart-pod.ts';

const COMMIT = 'a1'.repeat(20);
const SOON = { withinMs: 60_000, everyMs: 100 };

describe('A server of the chart with a checkout of policies', function () {
  this.timeout(120_000);
  before(function () {
    peerOrSkip(this, findPrograms('helm'), 'Helm');
  });

  it('looks where the container puts it', () => {
    const { config, extraContainers } = gitSyncValues() as unknown as {
      readonly config: { readonly policy: { readonly expected: { readonly directory: string } } };
      readonly extraContainers: readonly [{ readonly args: readonly string[] }];
    };
    const option = (name: string): string =>
      extraContainers[0].args.find((arg) => arg.startsWith(`--${name}=`))!.slice(name.length + 3);
    assert.equal(config.policy.expected.directory, `${option('root')}/${option('link')}`);
  });

  it('starts before the first commit is there, says so, and then which commit is in force', async () => {
    await using ended = new AsyncDisposableStack();
    const files = ended.use(await ServerFiles.create());
    const pod = await ChartPod.installed(gitSyncValues(), files);
    const { httpAddress } = await pod.start(ended);
    const drift = async (): Promise<PolicyInForce['drift']> =>
      ((await (await fetch(`http://${httpAddress}/policy`)).json()) as PolicyInForce).drift;
    await eventually('that it cannot be read', async () => (await drift())?.problem !== undefined, SOON);
    assert.equal((await fetch(`http://${httpAddress}/readyz`)).status, 200);
    checkOut(files, COMMIT);
    await eventually('the commit', async () => (await drift())?.gitRevisionInForce === COMMIT, SOON);
    const { problem, policies } = (await drift())!;
    assert.deepEqual([problem, policies], [undefined, []]);
  });
});
