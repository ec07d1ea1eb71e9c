// Of several processes each holds the policies against the checkout, and one tells: whichever is asked gives the same answer, also
// after one of them was killed.
import assert from 'node:assert/strict';
import type { PolicyInForce } from '../../../../src/adapters/http/observation/routes.ts';
import { eventually } from '../../../support/eventually.ts';
import { checkedOut, checkOut } from './checkout.ts';
import { ChildServer } from '../../support/child-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { kill9, untilServing, workersOf } from '../../support/several-processes.ts';

const COMMIT = 'a1'.repeat(20);

describe('A policy that is edited by hand, at a server of two processes', function () {
  this.timeout(120_000);

  it('is told of once, and known after the process that told of it is gone', async () => {
    using files = await ServerFiles.create();
    checkOut(files, COMMIT);
    await using server = await ChildServer.start(files, { processes: 2, ...checkedOut(files) });
    await untilServing(files, 2);
    const found = async (titles: readonly string[]): Promise<void> => {
      await eventually(
        `the drift of ${titles.join()}`,
        async () => {
          const { drift } = (await (await server.get('/policy')).json()) as PolicyInForce;
          assert.deepEqual(
            drift!.policies.map(({ title }) => title),
            titles,
          );
          return true;
        },
        { withinMs: 60_000, everyMs: 100 },
      );
    };
    await found([]);
    files.setPolicy([{ namespaces: ['*'] }]);
    await found(['PolicyBundle test']);
    await eventually('it is told of', () => files.logged('policyDrifted').length === 1, { withinMs: 60_000 });
    const judged = async (): Promise<boolean> => {
      const { certificates } = (await (await server.get('/policy')).json()) as PolicyInForce;
      return certificates?.isComplete === true;
    };
    await eventually('live certificates are judged', judged, { withinMs: 30_000 });
    await kill9(workersOf(files)[0]!.pid);
    await found(['PolicyBundle test']);
    await untilServing(files, 2);
    const metrics = await (await server.get('/metrics')).text();
    assert.equal([...metrics.matchAll(/^capstan_policy_drift\{kind="different",worker="\d"\}/gm)].length <= 1, true);
  });
});
